"""How far apart are a cluster's nodes for the pods on them? Between sites and within them, directly and by a service.

A pod on a node of each site, and one on a further node where a site has one, send to each other: UDP packets, ICMP
echoes, new TCP connections, and connections to a service whose pod is at another site. Asks for nothing but pods, so it
runs on any cluster, and there is no theory for the delays of a network that nobody has declared.
"""

from collections.abc import Iterator, Mapping
from itertools import permutations

from testbed import Duration, Measurement, Ratio, Result, Scenario
from testbed.check import clusters, connects, flows
from testbed.check.cases import case
from testbed.check.failover import ideal_rtt
from testbed.errors import Problem
from testbed.plan.clusters import PlannedCluster, PlannedClusterNode
from testbed.plan.plan import Plan
from testbed.run.plain_lab import PlainLab
from testbed.theory.interval import Expectation

SERVICE, PORT = "far", 30080
"""The service, and its port; arbitrary."""
HYBRID_MS = 200.0
"""Source: EKS user guide, networking for hybrid nodes: at most 200 ms there and back to the cloud."""
PER_SITE = 2
"""Nodes of a site that have a pod: for a pair within it."""

scenario = Scenario(
    topology="../topologies/stretched_cluster.py",
    question="How far apart are the nodes of a cluster for the pods on them, and does everything get through?",
    hypothesis="all that pods of all sites send each other arrives, in the time that hybrid nodes may take",
    refuted_by="packets or connections that are lost, or a round trip that is longer",
)  # fmt: skip
scenario.param("for", Duration, "10 s", "how long each pair of pods sends")
scenario.param("interval", Duration, "20 ms", "distance of packets")
scenario.param("loss.most", Ratio, "0.1 %", "packets that may be lost")
scenario.chart("rtt", "Round-trip time between pods", {"*": "rtt_p50_*"})


@scenario.check
def check(plan: Plan, values: Mapping[str, object]) -> Iterator[Problem]:
    """A plan without a cluster, with several, or with a single node to put pods on."""
    yield from clusters.several(plan)
    for cluster in plan.clusters:
        if len(nodes(cluster)) < 2:
            what = f"has {len(nodes(cluster))} worker, and a pair takes two"
            yield Problem(f"cluster {cluster.name}", what, "workers={...} of t.cluster(), or another cluster")
    if not plan.clusters:
        yield Problem(plan.topology, "has no cluster", "a topology like topologies/stretched_cluster.py has one")


def nodes(cluster: PlannedCluster) -> dict[str, PlannedClusterNode]:
    """Pods by name, each with its node: workers first, since a control plane's node may take none."""
    workers = [node for node in cluster.nodes if node.role == "worker"]
    found: dict[str, PlannedClusterNode] = {}
    for site in dict.fromkeys(node.site for node in workers):
        mine = [node for node in workers if node.site == site]
        found |= {f"pod-{site}-{number}": node for number, node in enumerate(mine[:PER_SITE], start=1)}
    return found


def pairs(cluster: PlannedCluster) -> list[tuple[str, str]]:
    """Who sends to whom."""
    return list(permutations(nodes(cluster), 2))


@scenario.run
def run(lab: PlainLab) -> None:
    """Pods, then every pair of them, one after the other; at last the service from every other pod."""
    from testbed.kubernetes import workloads

    cluster = lab.pods.cluster()
    placed = nodes(cluster.plan)
    last = list(placed)[-1]
    cluster.apply(
        *(workloads.pod(name, node=node.name) for name, node in placed.items()),
        workloads.service(SERVICE, {"app": last}, PORT),
    )
    names = {name: lab.pods.pod(name) for name in placed}
    interval, length = lab.value("interval", Duration), lab.value("for", Duration)
    for source, target in pairs(cluster.plan):
        with (
            lab.probe.udp(names[source], names[target], interval, name=f"udp-{source}-{target}"),
            lab.probe.ping(names[source], names[target], name=f"ping-{source}-{target}"),
            lab.probe.tcp(names[source], names[target], "200 ms", name=f"tcp-{source}-{target}"),
        ):
            lab.sleep(length)
    service = lab.pods.service(SERVICE, pod=names[last])
    for source in list(placed)[:-1]:
        with lab.probe.tcp(names[source], service, "200 ms", name=f"tcp-{source}-{SERVICE}"):
            lab.sleep(length)


@scenario.measure
def measure(result: Result) -> Iterator[Measurement]:
    """Round trips beside what the plan's links ask for, if any; loss; connections."""
    (cluster,) = result.plan.clusters
    placed = nodes(cluster)
    for source, target in pairs(cluster):
        pair = f"{source}-{target}"
        packets = flows.packets(result.history, f"udp-{pair}")
        yield Measurement.against(
            f"rtt_p50_{pair}", flows.rtt_ms(packets), _theory(result, placed[source], placed[target]), better="lower"
        )
        yield Measurement(f"rtt_p99_{pair}", flows.rtt_ms(packets, 0.99), "ms", better="lower")
        lost, most = flows.share_lost(packets), 100 * result.value("loss.most", Ratio).fraction
        allowed = "what the user allows: loss.most"
        yield Measurement(f"lost_{pair}", None if lost is None else 100 * lost, "%", 0, 0, most, allowed, "lower")
        yield _connected(result, pair)
    for source in list(placed)[:-1]:
        yield _connected(result, f"{source}-{SERVICE}")


def _connected(result: Result, pair: str) -> Measurement:
    """Connections that did not come about."""
    end = result.history.instant("scenario.stop")
    tried = connects.tried(result.history, f"tcp-{pair}", 0, end)
    failed = float(tried.failed) if tried.count else None
    return Measurement(f"connections_failed_{pair}", failed, "", 0, 0, 0, "each finds somebody who listens", "lower")


def _theory(result: Result, a: PlannedClusterNode, b: PlannedClusterNode) -> Expectation:
    """Of the declared links; where none is, what hybrid nodes may take."""
    if a.site == b.site or not result.plan.links:
        return Expectation(None, 0.0, HYBRID_MS, "ms", "EKS user guide, networking for hybrid nodes")
    return ideal_rtt(result, case(result.plan, a.name, b.name, Duration(0)).usual)
