"""The path between two sites fails: how long is traffic gone, and where does it go meanwhile?

Traffic flows from a host in the VPC to one in the data centre, and a TCP connection beside it. What carries it fails in
one of many ways, the gateways notice or do not, BGP moves traffic or does not; then all is healed and traffic returns.
"""

from collections.abc import Iterator, Mapping

from testbed import Duration, Lab, Measurement, Result, Scenario
from testbed.check import failover, flows, paths
from testbed.check.cases import Case, chain
from testbed.check.failures import FAILURES, Failure, asked, problems
from testbed.check.forecasts import Forecast
from testbed.errors import Problem
from testbed.plan.plan import Plan
from testbed.theory import rtt, stall
from testbed.theory.interval import Expectation, exactly

TRAFFIC, CONNECTION = "traffic", "connection"
NONE = Duration(0)
SETTLES = 5
"""Periods of a detection's beats until a cut finds them at any age; arbitrary: their jitter adds up meanwhile."""
LOOK = Duration.parse("20 ms")
"""How often the TCP connection is written to and looked at."""
DETECTIONS: Mapping[str, Mapping[str, str]] = {
    "design": {},
    "bfd": {"dx.bfd": "300 ms"},
    "hold-90": {"dx.bfd": "off", "dx.hold": "90 s", "vpn.hold": "90 s"},
    "hold-30": {"dx.bfd": "off", "dx.hold": "30 s", "vpn.hold": "30 s"},
    "hold-3": {"dx.bfd": "off", "dx.hold": "3 s", "vpn.hold": "3 s"},
}

scenario = Scenario(
    topology="../topologies/hybrid.py",
    question="The path between two sites fails: how long do hosts in the VPC and the data centre not reach each other?",
    hypothesis="no longer than the detection in use allows: BFD under a second, BGP's hold time otherwise",
    refuted_by="a gap outside the interval that the detection's timers leave, or traffic that does not return",
)  # fmt: skip
scenario.param("fault", str, "silent", "how the path in use fails", choices=tuple(FAILURES))
scenario.param("fault.for", Duration, "45 s", "how long it fails; if not given and BGP has to notice: two hold times")
scenario.param(
    "detection", str, "design", "what finds out, instead of what the design has", choices=tuple(DETECTIONS),
    sets=DETECTIONS,
)  # fmt: skip
scenario.param("before", Duration, "15 s", "traffic before the fault")
scenario.param("after", Duration, "30 s", "traffic after the routes are back")
scenario.param("probe.interval", Duration, "2 ms", "distance of probe packets, and so the grain of the gap")
scenario.param("source", str, "aws-a", "host that sends")
scenario.param("target", str, "dc-1", "host that answers")


@scenario.check
def check(plan: Plan, values: Mapping[str, object]) -> Iterator[Problem]:
    """A failure that this design cannot have, hosts that it has not."""
    yield from problems(plan, str(values["source"]), str(values["target"]), str(values["fault"]))


def of(holder: Lab | Result) -> tuple[Failure, Case]:
    """The failure, and what it breaks in this design."""
    return asked(holder.plan, holder.values, given=holder.parameters["fault.for"].changed)


@scenario.run
def run(lab: Lab) -> None:
    """Traffic, fault, heal, traffic."""
    failure, breaks = of(lab)
    source, target = lab.value("source", str), lab.value("target", str)
    if breaks.beat > lab.value("before", Duration) // SETTLES:
        lab.sleep(Duration(SETTLES * breaks.beat))
    # The fault's phase against the detection's timers is chance: the seed's.
    phase = Duration(lab.random.randrange(breaks.beat))
    traffic = lab.probe.udp(source, target, lab.value("probe.interval", Duration), name=TRAFFIC)
    with traffic, lab.probe.tcp_stream(source, target, LOOK, name=CONNECTION):
        lab.sleep(Duration(lab.value("before", Duration) + phase))
        with lab.fault.start(failure.kind, failure.target(breaks), failure.direction, **failure.options):
            lab.sleep(breaks.outage)
        lab.wait_converged("the routes of before, after healing")
        lab.sleep(lab.value("after", Duration))


@scenario.measure
def measure(result: Result) -> Iterator[Measurement]:
    """What traffic saw before, meanwhile and after, beside theory."""
    history = result.history
    failure, breaks = of(result)
    forecast = failure.forecast(breaks)
    when = failover.moments(history, breaks.way)
    stream = flows.packets(history, TRAFFIC)
    seen = failover.seen(stream, when)

    expected = forecast.gap and forecast.gap.seen_by_probes(result.value("probe.interval", Duration))
    yield beside("gap", seen.gap.length_s if seen.gap else 0.0, expected)
    if seen.returning:
        yield Measurement("gap_returning", seen.returning.length_s, "s", source="no theory")
    noticed = failover.noticed_s(history, result.plan, breaks.link, when)
    if noticed is not None or forecast.noticed is not None:
        yield beside("detection", noticed, forecast.noticed)
    yield from round_trips(result, breaks, forecast, when)
    yield from connections(result, breaks, forecast, when)
    yield Measurement("packets_lost", float(seen.lost), "packets", source="no theory")
    counts = history.first("probe.stop", probe=TRAFFIC)
    for name, parts in (("duplicated", ("twice_there", "twice_back")), ("reordered", ("late_there", "late_back"))):
        total = sum(counts.fields[part] for part in parts) if counts else None
        yield Measurement(f"packets_{name}", total, "packets", source="no theory")
    if when.return_s is not None:
        yield Measurement(
            "time_to_return", when.return_s, "s", source="no theory: the daemons' retry timers, by chance"
        )
        end = max(when.healed_ns, when.back_ns or 0)
        away = paths.asymmetric_s(history, result.plan, breaks.way, when.broke_ns, end)
        yield Measurement("asymmetric_for", away, "s", source="no theory")
    else:
        yield Measurement("routes_changed", 0.0, "", source="no route of this traffic changed: nothing failed over")


def beside(name: str, value: float | None, theory: Expectation | None) -> Measurement:
    """A time beside theory, or beside the word that there is none."""
    return Measurement.against(name, value, theory) if theory else Measurement(name, value, "s", source="no theory")


def round_trips(result: Result, breaks: Case, forecast: Forecast, when: failover.Moments) -> Iterator[Measurement]:
    """Median RTT before, meanwhile and after."""
    stream = flows.packets(result.history, TRAFFIC)
    calm, extra = failover.MARGIN_NS, FAILURES[result.value("fault", str)].extra
    back = max(when.healed_ns, when.back_ns or 0)
    meanwhile = failover.after_moving_ns(stream, when)
    spans: list[tuple[str, int, int, tuple[str, ...] | None, Duration]] = [
        ("before", stream[0].sent_ns, when.broke_ns - calm, (breaks.link,), NONE),
        ("meanwhile", meanwhile, when.healed_ns, forecast.path, extra),
        ("after", back + calm, stream[-1].sent_ns - calm, (breaks.link,), NONE),
    ]
    for name, start, end, path, more in spans:
        if name == "meanwhile" and end - start < calm:  # it was over before traffic flowed again
            continue
        found = flows.rtt_ms(flows.between(stream, start, end))
        if path:
            yield Measurement.against(f"rtt_p50_{name}", found, ideal_rtt(result, path, more))
        elif found is not None:
            yield Measurement(f"rtt_p50_{name}", found, "ms", source="no theory")


def ideal_rtt(result: Result, path: tuple[str, ...], extra: Duration) -> Expectation:
    """Of a path, whose first link has an extra delay each way."""
    links = chain(result.plan, path)
    more = [extra] + [Duration(0)] * len(links)
    return rtt.median(
        (
            (Duration(x.a_to_b.delay + e), Duration(x.b_to_a.delay + e), max(x.a_to_b.jitter, x.b_to_a.jitter))
            for x, e in zip(links, more, strict=False)
        ),
        result.late,
    )


def connections(result: Result, breaks: Case, forecast: Forecast, when: failover.Moments) -> Iterator[Measurement]:
    """What became of the TCP connection."""
    failure = FAILURES[result.value("fault", str)]
    found = failover.connection(result.history, CONNECTION, when)
    expected = None
    if forecast.gap is not None:
        first, later = (
            Duration(round((ideal_rtt(result, path, extra).expected or 0) * 10**6))
            for path, extra in (((breaks.link,), NONE), (forecast.path or (breaks.link,), failure.extra))
        )
        expected = stall.stall(forecast.gap, first, later, LOOK)
    yield beside("tcp_stall", found.stall_s, expected)
    lives = exactly(1.0, "", f"Linux gives up after {stall.GIVES_UP_S} s (tcp_retries2)")
    yield Measurement.against("tcp_survived", float(not found.ended), lives)
