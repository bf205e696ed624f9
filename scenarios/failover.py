"""The path between two sites fails: how long is traffic gone, and where does it go meanwhile?

Traffic flows from a host in the VPC to one in the data centre, and a TCP connection beside it. What carries it fails in
one of many ways, the gateways notice or do not, BGP moves traffic or does not; then all is healed and traffic returns.
"""

from collections.abc import Iterator, Mapping

from testbed import Duration, Lab, Measurement, Result, Scenario
from testbed.check import failover, flows, paths
from testbed.check.cases import Case
from testbed.check.failover import NO_THEORY, NONE, beside, ideal_rtt
from testbed.check.failures import FAILURES, asked, problems
from testbed.check.forecasts import Forecast
from testbed.errors import Problem
from testbed.parameters import Parameter
from testbed.plan.plan import Plan
from testbed.theory import stall
from testbed.theory.interval import Expectation

TRAFFIC, CONNECTION = "traffic", "connection"
SETTLES = 5
"""Periods of a detection's beats until a cut finds them at any age; arbitrary: their jitter adds up meanwhile."""
LOOK = Duration.parse("20 ms")
"""How often the TCP connection is written to and looked at."""
LONGEST_RTT, CALM = Duration.parse("1 s"), Duration(failover.MARGIN_NS)
"""What no path of a design exceeds, arbitrary; and how long all must be well at the end."""
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
    hypothesis="no longer than the detection in use allows: BFD a second, BGP its hold time, IKE its delay and timeout",
    refuted_by="a gap outside the interval that the detection's timers leave, or traffic that does not return",
)  # fmt: skip
scenario.param("fault", str, "silent", "how the path in use fails", choices=tuple(FAILURES))
scenario.param("fault.for", Duration, "45 s", "how long it fails; not given: at least twice what the detection takes")
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


@scenario.theory
def expected(
    plan: Plan, parameters: Mapping[str, Parameter], values: Mapping[str, object]
) -> Iterator[tuple[str, Expectation]]:
    """Of gap and detection, wherever theory has a word and all flows go the same way."""
    failure, breaks = asked(plan, parameters, values)
    forecast = failure.forecast(breaks)
    if forecast.gap is not None and not forecast.spared:
        yield "gap", forecast.gap.seen_by_probes(breaks.spacing)
    if forecast.noticed is not None:
        yield "detection", forecast.noticed


@scenario.run
def run(lab: Lab) -> None:
    """Traffic, fault, heal, traffic; and the TCP connection until it must have tried again."""
    failure, breaks = asked(lab.plan, lab.parameters, lab.values)
    source, target = lab.value("source", str), lab.value("target", str)
    if breaks.beat > lab.value("before", Duration) // SETTLES:
        lab.sleep(Duration(SETTLES * breaks.beat))
    # The fault's phase against the detection's timers is chance: the seed's.
    phase = Duration(lab.random.randrange(breaks.beat))
    with lab.probe.tcp_stream(source, target, LOOK, name=CONNECTION):
        with lab.probe.udp(source, target, lab.value("probe.interval", Duration), name=TRAFFIC):
            lab.sleep(Duration(lab.value("before", Duration) + phase))
            broke_ns = lab.now_ns()
            with lab.fault.start(failure.kind, failure.target(breaks), failure.direction, **failure.options):
                lab.sleep(breaks.outage)
            lab.wait_converged("the routes of before, after healing")
            flows_s = (lab.now_ns() - broke_ns) / 10**9
            lab.sleep(lab.value("after", Duration))
        forecast = failure.forecast(breaks)
        known_s = forecast.gap.high if forecast.gap is not None and not forecast.scattered else None
        silent_s = flows_s if known_s is None else known_s
        tried_s = stall.retried_s(silent_s, LONGEST_RTT) + CALM.seconds
        lab.sleep(Duration(max(0, broke_ns + round(tried_s * 10**9) - lab.now_ns())))


@scenario.measure
def measure(result: Result) -> Iterator[Measurement]:
    """What traffic saw before, meanwhile and after, beside theory."""
    history = result.history
    failure, breaks = asked(result.plan, result.parameters, result.values)
    forecast = failure.forecast(breaks)
    when = failover.moments(history, breaks.way)
    stream = flows.packets(history, TRAFFIC)
    seen = failover.seen(stream, when)

    theory = forecast.gap_of(lost=seen.gap is not None)
    yield beside("gap", seen.gap.length_s if seen.gap else 0.0, theory and theory.seen_by_probes(breaks.spacing))
    if seen.returning:
        yield beside("gap_returning", seen.returning.length_s, None)
    yield from failover.detection(result, breaks, forecast, when)
    yield from round_trips(result, breaks, forecast, when)
    yield from connections(result, breaks, forecast, when)
    yield from packets(result, seen.lost)
    if when.return_s is not None:
        yield beside("time_to_return", when.return_s, forecast.returns)
        end = max(when.healed_ns, when.back_ns or 0)
        yield beside("asymmetric_for", paths.asymmetric_s(history, result.plan, breaks.way, when.broke_ns, end), None)
    else:
        yield Measurement("routes_changed", 0.0, "", source="no route of this traffic changed: nothing failed over")


def packets(result: Result, lost: int) -> Iterator[Measurement]:
    """How many were lost, came twice, or out of order."""
    yield Measurement("packets_lost", float(lost), "packets", source=NO_THEORY, better="lower")
    counts = result.history.first("probe.stop", probe=TRAFFIC)
    for name, parts in (("duplicated", ("twice_there", "twice_back")), ("reordered", ("late_there", "late_back"))):
        total = sum(counts.fields[part] for part in parts) if counts else None
        yield Measurement(f"packets_{name}", total, "packets", source=NO_THEORY, better="lower")


def round_trips(result: Result, breaks: Case, forecast: Forecast, when: failover.Moments) -> Iterator[Measurement]:
    """Median RTT before, meanwhile and after."""
    stream = flows.packets(result.history, TRAFFIC)
    calm, extra = failover.MARGIN_NS, FAILURES[result.value("fault", str)].extra
    usual = breaks.usual
    back = max(when.healed_ns, when.back_ns or 0)
    meanwhile = failover.after_moving_ns(stream, when)
    spans: list[tuple[str, int, int, tuple[str, ...] | None, Duration]] = [
        ("before", stream[0].sent_ns, when.broke_ns - calm, usual, NONE),
        ("meanwhile", meanwhile, when.healed_ns, forecast.path, extra),
        ("after", back + calm, stream[-1].sent_ns - calm, usual, NONE),
    ]
    for name, start, end, path, more in spans:
        if name == "meanwhile" and end - start < calm:  # it was over before traffic flowed again
            continue
        found = flows.rtt_ms(flows.between(stream, start, end))
        ideal = ideal_rtt(result, path, more) if path else None
        if ideal is not None:
            yield Measurement.against(f"rtt_p50_{name}", found, ideal, better="lower")
        elif found is not None:
            yield Measurement(f"rtt_p50_{name}", found, "ms", source=NO_THEORY, better="lower")


def connections(result: Result, breaks: Case, forecast: Forecast, when: failover.Moments) -> Iterator[Measurement]:
    """What became of the TCP connection: it went on, after standing still for so long; or it was reset."""
    found = failover.connection(result.history, CONNECTION, when)
    yield beside("tcp_stall", found.stall_s, stalled(result, breaks, forecast))
    # Its packets vanish no longer than until traffic flows again after the fault.
    most_s = (max(when.healed_ns, when.back_ns or 0) - when.broke_ns) / 10**9 + CALM.seconds
    least_s = forecast.gap.low if forecast.gap and not forecast.spared else None
    lives = stall.survives(least_s or 0.0, most_s)
    if lives is None:
        yield Measurement("tcp_survived", float(found.goes_on), "", source=NO_THEORY, better="higher")
    else:
        yield Measurement.against("tcp_survived", float(found.goes_on), lives, better="higher")
    yield Measurement("tcp_reset", float(bool(found.ended)), "", source=found.ended or "it was not", better="lower")


def stalled(result: Result, breaks: Case, forecast: Forecast) -> Expectation | None:
    """What theory says of how long the connection stands still."""
    gap = forecast.gap
    if gap is None or forecast.scattered:
        return None
    if forecast.spared:  # its own ports decide over which of the equal ways it goes
        gap = Expectation(None, 0.0, gap.high, "s", f"{gap.source}; a connection over another way loses nothing")
    failure, usual = FAILURES[result.value("fault", str)], breaks.usual
    first = ideal_rtt(result, usual, NONE)
    later = ideal_rtt(result, forecast.path or usual, failure.extra)
    return stall.stall(gap, rtt_of(first), rtt_of(later), LOOK)


def rtt_of(ideal: Expectation) -> Duration:
    """As a time."""
    return Duration(round((ideal.expected or 0) * 10**6))
