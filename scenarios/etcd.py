"""etcd stretched over three sites: what a commit costs, and whether the leader stays, with default and other timers."""

from collections.abc import Iterator

from testbed import Duration, Lab, Measurement, Result, Scenario
from testbed.check import etcd
from testbed.plan.plan import Plan
from testbed.theory import etcd as theory
from testbed.theory import storage

MEMBERS = ("member-1", "member-2", "member-3")

scenario = Scenario(
    topology="../topologies/three_sites.py",
    question="Three members of etcd in three sites: how long does a commit take, and does the leader stay?",
    hypothesis="a commit takes the RTT to the nearest other member, and the leader stays where the timers fit the RTT",
    refuted_by="a median outside theory's bounds, or a leader that changes",
    programs=("etcd",),
)
scenario.param(
    "timers", str, "default", "etcd's own, or as it recommends for the RTT", choices=("default", "recommended")
)
scenario.param("writes", int, "200", "how many, one after the other")
scenario.param("interval", Duration, "50 ms", "from one to the next, at least")
scenario.chart("times", "Time of a commit", {each: f"commit_{each}" for each in ("p50", "p99", "p99.9")})
scenario.chart("changes", "Changes of the leader", {"": "leader_changes"})


@scenario.run
def run(lab: Lab) -> None:
    """Start the cluster, and write at its leader."""
    heartbeat, election = timers(lab.plan, lab.value("timers", str))
    with lab.etcd(MEMBERS, heartbeat, election) as cluster:
        cluster.write(lab.value("writes", int), lab.value("interval", Duration))


@scenario.measure
def measure(result: Result) -> Iterator[Measurement]:
    """Time of a commit beside the RTT, and changes of the leader."""
    started = result.history.first("probe.start", sort="etcd")
    leader = started.fields["source"] if started else MEMBERS[0]
    rtts = rtts_of(result.plan, leader)
    lossy = any(link.a_to_b.loss for link in result.plan.links)
    times = etcd.commits_s(result.history)
    commit = theory.commit(rtts).scaled(1000, "ms")
    median = etcd.quantile(times, 0.5)
    expected = storage.at_least(commit) if lossy else commit
    yield Measurement.against("commit_p50", None if median is None else 1000 * median, expected, better="lower")
    for share, name in ((0.99, "p99"), (0.999, "p99.9")):
        found = etcd.quantile(times, share)
        yield Measurement(f"commit_{name}", None if found is None else 1000 * found, "ms", better="lower")
    _, election = timers(result.plan, result.value("timers", str))
    changes, stays = etcd.leader_changes(result.history), theory.leader_changes(max(rtts), election, lossy=lossy)
    if stays is None:
        yield Measurement(
            "leader_changes", changes, "changes", source="no theory: loss, or an RTT near the timeout", better="lower"
        )
    else:
        yield Measurement.against("leader_changes", changes, stays, better="lower")
    yield Measurement("failed_writes", etcd.failed(result.history), "writes", better="lower")


def rtts_of(plan: Plan, member: str) -> list[Duration]:
    """From one member to each other."""
    gateway = f"gw-{member.rpartition('-')[2]}"
    links = [link for link in plan.links if gateway in (link.a.node, link.b.node)]
    return [Duration(link.a_to_b.delay + link.b_to_a.delay) for link in links]


def timers(plan: Plan, which: str) -> tuple[Duration, Duration]:
    """Heartbeat interval and election timeout."""
    largest = max(Duration(link.a_to_b.delay + link.b_to_a.delay) for link in plan.links)
    return theory.recommended(largest) if which == "recommended" else (theory.HEARTBEAT, theory.ELECTION)
