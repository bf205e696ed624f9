"""Metrics and logs of two sites in one place: what an outage between them loses, delays, or brings twice.

At each site a Prometheus scrapes the site's nodes and writes to a receiving one in the cloud, which also fetches from
it (federation); on each node an rsyslog reads what pods log and sends it to a collector, over plain TCP and over RELP.
Then all ways between the sites fall silent for a while, and afterwards what a site has is compared with what came.
"""

from collections.abc import Iterator, Mapping

from testbed import Duration, Lab, Measurement, Result, Scenario
from testbed.check import clusters
from testbed.check import monitoring as seen
from testbed.check.cases import chain
from testbed.errors import Problem
from testbed.kubernetes import monitoring
from testbed.plan.plan import Plan
from testbed.run import monitoring as running
from testbed.run import outage
from testbed.theory import monitoring as theory
from testbed.theory.interval import Expectation, exactly

ENDS = {"near": "target", "far": "source"}
"""Of both sites what measurements call them, and the parameter that names a node."""
ANSWER = Duration.parse("200 ms")
"""What the receiver takes for a batch at most; arbitrary."""
LINE_ANEW = Duration(theory.RESTARTED + theory.RESUME)
"""What a restart of what collects adds to how late a line is, at most."""

scenario = Scenario(
    topology="../topologies/stretched_cluster.py",
    question="Metrics and logs of two sites go to one place: what does an outage between them lose, delay or repeat?",
    hypothesis="what is written is late and whole, what is fetched has a hole, and logs wait for TCP's doubled timers",
    refuted_by="a sample or line that was sent and never came, or one that came later than the timers explain",
)
scenario.param("source", str, "onprem-1", "node of the Prometheus of the site that sends from afar")
scenario.param("target", str, "aws-1", "node of what receives, and of its own site's Prometheus")
scenario.param("outage", Duration, "60 s", "how long the sites do not reach each other")
scenario.param("scrapes", Duration, "5 s", "between two scrapes of a target, and between two fetches")
scenario.param("lines", Duration, "100 ms", "between two lines of a pod")
scenario.param("before", Duration, "30 s", "how long all is well at first")
scenario.param(
    "receivers", str, "stay", "what becomes of what receives, half-way through the outage", choices=("stay", "restart")
)
scenario.chart(
    "late",
    "How old what came latest was",
    {"at the site that was cut off": "latest_*_far", "at the other": "latest_*_near"},
)


@scenario.check
def check(plan: Plan, values: Mapping[str, object]) -> Iterator[Problem]:
    """Hosts that are no nodes of two sites, or times that theory says nothing of."""
    yield from clusters.way_problems(plan, values)
    scrapes = values["scrapes"]
    if isinstance(scrapes, Duration) and not Duration.parse("1 s") <= scrapes <= Duration.parse("1 min"):
        yield Problem("scrapes", f"{scrapes} is less than 1 s or more than 1 min", "Prometheus' own default is 1 min")


def sites(holder: Lab | Result) -> dict[str, str]:
    """The node of each site: first that of what receives."""
    (cluster,) = holder.plan.clusters
    return {cluster.node(str(holder.values[end])).site: str(holder.values[end]) for end in ENDS.values()}


@scenario.run
def run(lab: Lab) -> None:
    """Deploy, an outage, and a comparison of both ends."""
    source, target, lasts = lab.value("source", str), lab.value("target", str), lab.value("outage", Duration)
    running.deploy(lab, sites(lab), target, lab.value("scrapes", Duration), lab.value("lines", Duration))
    with running.arriving(lab):
        # Every target was scraped by then, and every connection is open, RELP's at the second attempt.
        scraped = theory.DEADLINE + 2 * lab.value("scrapes", Duration)
        lab.sleep(Duration(max(scraped, theory.RESUME + theory.CONNECT)))
        begun_ns = lab.now_ns()
        lab.sleep(lab.value("before", Duration))
        restart = (lambda: running.restart(lab)) if lab.value("receivers", str) == "restart" else lambda: None
        outage.silence(lab, source, target, lasts, restart)
        lab.sleep(theory.settled(lasts))
        ended_ns = lab.now_ns()
        running.written(lab, sites(lab))
        # What was scraped and written until now may still be on its way.
        lab.sleep(Duration(2 * theory.DEADLINE + lab.value("scrapes", Duration)))
        running.collected(lab, list(sites(lab)))
    for site in sites(lab):
        running.compare_samples(lab, site, begun_ns, ended_ns)
        running.count(lab, monitoring.keeper(site))
    running.count(lab, monitoring.RECEIVER)


@scenario.measure
def measure(result: Result) -> Iterator[Measurement]:
    """What came of samples and lines of each site, beside theory."""
    back = result.history.first("way.back")
    silent = Duration(back.t_ns - result.history.instant("fault.start")) if back else None
    for site, end in zip(sites(result), ENDS, strict=True):
        if silent is None:
            yield Measurement(f"way_back_{end}", None, "s")
            continue
        # To the site of what receives there is a way all the time.
        lasts = silent if end == "far" else Duration(0)
        for way in monitoring.WAYS:
            yield from _lost_samples(result, site, end, way, lasts)
            yield from _late_samples(result, site, end, way, lasts)
        yield from _counted(result, site, end)
        for protocol in monitoring.PROTOCOLS:
            yield from _lines(result, site, end, protocol, lasts)


def _lost_samples(result: Result, site: str, end: str, way: str, lasts: Duration) -> Iterator[Measurement]:
    scrapes, called = seen.scrapes(result.history, site, way), f"{way}_{end}"
    told = result.history.first("metrics", site=site, way=way)
    if told is not None and not told.fields["kept"]:
        told = None  # of nothing, nothing is lost
    lost = None if told is None else told.fields["lost"]
    if way == "remote_write":
        yield Measurement.against(f"samples_lost_{called}", lost, theory.written_lost(lasts), better="lower")
    else:
        interval, targets = result.value("scrapes", Duration), scrapes.targets if scrapes else 1
        hole = _told(
            result, theory.fetches_lost(lasts, interval, targets), theory.RESTARTED, targets / interval.seconds
        )
        missing = None if scrapes is None else len(scrapes.lost_ns)
        yield Measurement.against(f"scrapes_lost_{called}", missing, hole, better="lower")
        yield Measurement(f"samples_lost_{called}", lost, "samples", source="all of each scrape", better="lower")
    own = exactly(0, "samples", "the receiver has nothing of the site's that the site has not")
    yield Measurement.against(f"samples_foreign_{called}", None if told is None else told.fields["foreign"], own)


def _late_samples(result: Result, site: str, end: str, way: str, lasts: Duration) -> Iterator[Measurement]:
    scrapes, rtt, interval = seen.scrapes(result.history, site, way), _rtt(result), result.value("scrapes", Duration)
    told, called = result.history.first("metrics", site=site, way=way), f"{way}_{end}"
    came = scrapes.came if scrapes else ()
    written = way == "remote_write"
    usual = theory.written_late(rtt, seen.ASKED) if written else theory.fetched_late(interval, rtt, seen.ASKED)
    calm = _calm(result, usual)
    yield Measurement.against(f"latest_before_{called}", seen.latest_s(came, *calm), usual, better="lower")
    latest = seen.latest_s(came, calm[1])
    if not lasts or not written:
        late = _told(result, usual, Duration(theory.RESTARTED + (theory.BACKOFF_MOST if written else 0)))
        yield Measurement.against(f"latest_{called}", latest, late, better="lower")
        return
    back_ns, again = result.history.instant("way.back"), theory.written_again(lasts, rtt)
    old = theory.written_oldest(lasts, interval, again)
    yield Measurement.against(f"latest_{called}", latest, old, better="lower")
    yield Measurement.against(f"again_after_{called}", seen.again_s(came, back_ns), again, better="lower")
    if told is not None:
        per_s = told.fields["kept"] * seen.S / (told.fields["ended_ns"] - told.fields["begun_ns"])
        caught = theory.caught_up(lasts, rtt, per_s, ANSWER)
        assert usual.high is not None
        yield Measurement.against(
            f"caught_up_{called}", seen.caught_up_s(came, back_ns, usual.high), caught, better="lower"
        )
        yield Measurement(f"samples_per_s_{end}", per_s, "1/s", source="what the site scrapes: series / interval")


def _counted(result: Result, site: str, end: str) -> Iterator[Measurement]:
    """What the site's Prometheus sent again, and what it did not send again since it was refused."""
    told = result.history.first("counters", of=monitoring.keeper(site))
    for name, counter, words in (
        ("samples_sent_again", "retried", "of requests without an answer; a copy of what is there is ignored"),
        ("samples_refused", "failed", "also copies of what came; see samples_lost for what is missing"),
    ):  # fmt: skip
        value = None if told is None else told.fields[f"prometheus_remote_storage_samples_{counter}_total"]
        yield Measurement(f"{name}_{end}", value, "samples", source=f"its own counter; {words}")


def _lines(result: Result, site: str, end: str, protocol: str, lasts: Duration) -> Iterator[Measurement]:
    lines, rtt, called = seen.lines(result.history, site, protocol), _rtt(result), f"{protocol}_{end}"
    came, interval = lines.came if lines else (), result.value("lines", Duration)
    usual = theory.line_late(rtt)
    late = theory.lines_late(lasts, rtt, interval, protocol) if lasts else usual
    whole = theory.lines_lost(lasts)
    if result.values["receivers"] == "restart":
        whole = theory.lines_lost_restarted(lasts, rtt, interval, protocol)
        late = theory.restarted(late, LINE_ANEW, low=0 if protocol == "tcp" else None)
    for name, value, expected in (
        ("lost", lines.lost if lines else None, whole),
        ("replayed", lines.replayed if lines else None, theory.lines_replayed(protocol)),
        ("disordered", lines.disordered if lines else None, theory.lines_disordered(late, interval)),
    ):  # fmt: skip
        yield Measurement.against(f"lines_{name}_{called}", value, expected, better="lower")
    calm = _calm(result, usual)
    yield Measurement.against(f"latest_before_{called}", seen.latest_s(came, *calm), usual, better="lower")
    yield Measurement.against(f"latest_{called}", seen.latest_s(came, calm[1]), late, better="lower")


def _told(result: Result, usual: Expectation, wait: Duration, factor: float = 1.0) -> Expectation:
    """What theory says, with what a restart of what receives may add to it, if there is one."""
    return theory.restarted(usual, wait, factor) if result.values["receivers"] == "restart" else usual


def _calm(result: Result, usual: Expectation) -> tuple[int, int]:
    """From when all runs until when something must be taken to come before the outage, in ns of the record."""
    assert usual.high is not None
    measured = result.history.first("metrics")
    begun_ns = 0 if measured is None else int(measured.fields["begun_ns"])
    return begun_ns, result.history.instant("fault.start") - round(usual.high * seen.S)


def _rtt(result: Result) -> Duration:
    usual = clusters.way(result.plan, result.values).usual
    return Duration(sum(link.a_to_b.delay + link.b_to_a.delay for link in chain(result.plan, usual)))
