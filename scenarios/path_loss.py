"""One connection between two sites goes silent, and many flows cross at the time: how many are hit, and for how long?

Made for comparing designs: where several connections are used at once (ECMP), flows that are elsewhere lose nothing.
"""

import contextlib
from collections.abc import Iterator

from testbed import Duration, Lab, Measurement, Result, Scenario
from testbed.check import flows
from testbed.check.flows import Packet
from testbed.theory import failover
from testbed.theory.interval import Expectation

SOURCE, TARGET = "aws-a", "dc-1"
CALM_NS = 10**9
"""So far from a change of path nothing of it is seen; arbitrary."""

scenario = Scenario(
    topology="../topologies/hybrid.py",
    question="A connection between two sites goes silent: what do the flows of the moment lose?",
    hypothesis="none is gone for longer than the detection in use allows",
    refuted_by="a flow that is gone for longer, or one that never comes back",
)
scenario.param("path", str, "dx", "the link or VPN that goes silent")
scenario.param("flows", int, "8", "how many flows there are")
scenario.param("probe.interval", Duration, "20 ms", "distance of a flow's packets, and so the grain of the gap")
scenario.param("before", Duration, "15 s", "traffic before")
scenario.param("outage", Duration, "60 s", "how long it is silent; longer than the detection takes")
scenario.param("after", Duration, "15 s", "traffic after the routes are back")


@scenario.run
def run(lab: Lab) -> None:
    """Traffic, silence, traffic."""
    with contextlib.ExitStack() as traffic:
        for number in range(lab.value("flows", int)):
            every = lab.value("probe.interval", Duration)
            traffic.enter_context(lab.probe.udp(SOURCE, TARGET, every, name=f"flow-{number + 1}"))
        # The phase against the detection's timers is chance: the seed's. Ten seconds are a VPN's keepalive.
        lab.sleep(Duration(lab.value("before", Duration) + lab.random.randrange(10 * 10**9)))
        with lab.fault.start("silent", lab.value("path", str)):
            lab.sleep(lab.value("outage", Duration))
        lab.wait_converged("the routes of before, after healing")
        lab.sleep(lab.value("after", Duration))


@scenario.measure
def measure(result: Result) -> Iterator[Measurement]:
    """The longest and the middle of all gaps, and how many flows were hit."""
    history = result.history
    broke, healed = history.instant("fault.start"), history.instant("fault.heal")
    names = [f"flow-{number + 1}" for number in range(result.value("flows", int))]
    streams = [flows.packets(history, name) for name in names]
    found = [flows.between(stream, broke - CALM_NS, healed) for stream in streams]
    gaps = sorted(length(stream) for stream in found)
    ideal = most(result)
    hit = sum(gap > 0 for gap in gaps)
    yield Measurement.against("longest_gap", gaps[-1], ideal, better="lower")
    yield Measurement("flows_hit", float(hit), "flows", high=float(len(gaps)), better="lower")
    yield Measurement(
        "typical_gap", gaps[len(gaps) // 2], "s", source="no theory: which flows are hit is chance", better="lower"
    )
    lost = sum(packet.returned_ns is None for stream in found for packet in stream)
    yield Measurement("packets_lost", float(lost), "packets", source="no theory", better="lower")
    calm = [flows.rtt_ms(flows.between(stream, stream[0].sent_ns, broke - CALM_NS)) for stream in streams]
    known = sorted(rtt for rtt in calm if rtt is not None)
    yield Measurement(
        "rtt_p50_before", known[len(known) // 2] if known else None, "ms", source="no theory", better="lower"
    )


def length(stream: tuple[Packet, ...]) -> float:
    """Of the longest gap, in s; one that did not end is as long as the rest of the stream."""
    gap = flows.longest_gap(stream)
    if gap is None and stream and stream[-1].returned_ns is None:
        first = next(packet for packet in stream if packet.returned_ns is None)
        return (stream[-1].sent_ns - first.sent_ns) / 10**9
    return gap.length_s if gap else 0.0


def most(result: Result) -> Expectation:
    """What the detection allows: from no gap at all, for a flow that is elsewhere, to its full time."""
    plan, path = result.plan, result.value("path", str)
    names = {session.name for routing in plan.routing for session in routing.sessions}
    session = plan.session(path if path in names else f"{path}-1")
    if session.bfd is not None:
        every, times = session.bfd.interval, session.bfd.multiplier
        end = failover.BfdEnd(transmit=every, receive=every, multiplier=times)
        ideal = failover.bfd(end, end)
    else:
        ideal = failover.bgp_hold(session.hold, session.keepalive)
    seen = ideal.seen_by_probes(result.value("probe.interval", Duration))
    return Expectation(None, 0.0, seen.high, "s", f"at most: {seen.source}; a flow on another path loses nothing")
