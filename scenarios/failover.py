"""Direct Connect dies quietly: how long is traffic gone, and where does it go meanwhile?

Traffic flows from a host in the VPC to one in the data centre. Direct Connect stops carrying packets (its carrier
stays), the gateways notice, BGP moves traffic to the VPN; then the link heals and traffic returns.
"""

from collections.abc import Iterator

from testbed import Duration, Lab, Measurement, Result, Scenario
from testbed.check import flows
from testbed.theory import failover, rtt
from testbed.theory.interval import Expectation

SOURCE, TARGET, LINK = "aws-a", "dc-1", "dx"
HANDLING = Duration.parse("20 ms")
"""Arbitrary: what daemon and kernel may take from noticing to forwarding. BIRD was seen to take under 5 ms."""

scenario = Scenario(
    topology="../topologies/hybrid.py",
    question="Direct Connect fails: how long do hosts in the VPC and the data centre not reach each other?",
    hypothesis="no longer than the detection in use allows: BFD under a second, BGP's hold time otherwise",
    refuted_by="a gap outside the interval that the detection's timers leave, or traffic that does not return",
)
scenario.param("fault", str, "silent", "how Direct Connect fails", choices=("silent", "carrier"))
scenario.param("fault.for", Duration, "45 s", "how long it stays dead, and at least two BGP hold times without BFD")
scenario.param("before", Duration, "15 s", "traffic before the fault")
scenario.param("after", Duration, "30 s", "traffic after the routes are back")
scenario.param("probe.interval", Duration, "2 ms", "distance of probe packets, and so the grain of the gap")


@scenario.run
def run(lab: Lab) -> None:
    """Traffic, fault, heal, traffic."""
    session = lab.plan.session(LINK)
    with lab.probe.udp(SOURCE, TARGET, lab.value("probe.interval", Duration), name="traffic"):
        lab.sleep(lab.value("before", Duration))
        # The fault's phase against the detection's timers is chance: the seed's.
        period = session.bfd.interval if session.bfd else session.keepalive
        lab.sleep(Duration(lab.random.randrange(period)))
        dead = lab.value("fault.for", Duration)
        with lab.fault.start(lab.value("fault", str), LINK):
            lab.sleep(dead if session.bfd else max(dead, Duration(2 * session.hold)))
        lab.wait_converged("the routes of before, after healing")
        lab.sleep(lab.value("after", Duration))


@scenario.measure
def measure(result: Result) -> Iterator[Measurement]:
    """The gap beside theory, and what traffic saw before, meanwhile and after."""
    history = result.history
    broke, healed = history.instant("fault.start"), history.instant("fault.heal")
    back = max(event.t_ns for event in history.of("route"))
    stream = flows.packets(history, "traffic")
    gap = flows.longest_gap(flows.between(stream, broke - 10**9, healed))
    yield Measurement.against("gap", gap.length_s if gap else None, expected_gap(result))
    moved = gap.end_ns if gap else healed
    for name, start, end, path in (
        ("before", stream[0].sent_ns, broke - 10**9, (LINK,)),
        ("meanwhile", moved, healed, ("inet-vgw", "inet-cgw")),
        ("after", back + 10**9, stream[-1].sent_ns - 10**9, (LINK,)),
    ):
        chain = [result.plan.link(name) for name in path]
        ideal = rtt.median(
            ((link.a_to_b.delay, link.b_to_a.delay, max(link.a_to_b.jitter, link.b_to_a.jitter)) for link in chain),
            result.late,
        )
        yield Measurement.against(f"rtt_p50_{name}", flows.rtt_ms(flows.between(stream, start, end)), ideal)
    yield Measurement("packets_lost", float(gap.packets) if gap else None, "packets")
    yield Measurement("time_to_return", (back - healed) / 10**9, "s")


def expected_gap(result: Result) -> Expectation:
    """What the detection in use leaves, as probes of this interval see it."""
    plan = result.plan
    session, link = plan.session(LINK), plan.link(LINK)
    a, b = (failover.TIMERS[plan.routing_of(end.node).daemon] for end in (link.a, link.b))
    handling = Duration(HANDLING + max(a.acts, b.acts))
    cut = failover.Cut(delay=link.a_to_b.delay, handling=handling)
    if result.value("fault", str) == "carrier":
        ideal = failover.carrier(handling, urgent=True)
    elif session.bfd is not None:
        every, times = session.bfd.interval, session.bfd.multiplier
        ends = [failover.BfdEnd(transmit=every, receive=every, multiplier=times, timers=timers) for timers in (a, b)]
        ideal = failover.bfd(ends[0], ends[1], cut)
    else:
        ideal = failover.bgp_hold(session.hold, session.keepalive, cut, a=a, b=b)
    return ideal.seen_by_probes(result.value("probe.interval", Duration))
