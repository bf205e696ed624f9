"""Direct Connect dies quietly: how long is traffic gone, and where does it go meanwhile?

Traffic flows from a host in the VPC to one in the data centre. Direct Connect stops carrying packets (its carrier stays),
the gateways notice, BGP moves traffic to the VPN; then the link heals and traffic returns.
"""

from collections.abc import Iterator

from testbed import Duration, Lab, Measurement, Result, Scenario
from testbed.check import flows
from testbed.theory import failover, rtt
from testbed.theory.interval import Expectation

SOURCE, TARGET, LINK = "aws-a", "dc-1", "dx"

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
    with lab.udp(SOURCE, TARGET, lab.value("probe.interval", Duration), name="traffic"):
        lab.sleep(lab.value("before", Duration))
        # The fault's phase against the detection's timers is chance: the seed's.
        period = session.bfd.interval if session.bfd else session.keepalive
        lab.sleep(Duration(lab.random.randrange(period)))
        dead = lab.value("fault.for", Duration)
        with lab.fault.start(lab.value("fault", str), LINK):
            lab.sleep(dead if session.bfd else max(dead, Duration(2 * session.hold)))
        lab.wait_until(lab.converged, "routes back after healing")
        lab.sleep(lab.value("after", Duration))


@scenario.measure
def measure(result: Result) -> Iterator[Measurement]:
    """The gap beside theory, and what traffic saw before, meanwhile and after."""
    history, plan = result.history, result.plan
    broke = history.instant("fault.start")
    healed = history.instant("fault.heal")
    back = history.last_route_change(after=healed)
    stream = flows.packets(history, "traffic")
    gap = flows.longest_gap(flows.between(stream, broke, healed))
    yield Measurement.against("gap", gap.length_s if gap else None, expected_gap(result))
    for name, start, end, path in (
        ("before", stream[0].sent_ns, broke, (LINK,)),
        ("meanwhile", gap.end_ns if gap else healed, healed, ("inet-vgw", "inet-cgw")),
        ("after", back, stream[-1].sent_ns, (LINK,)),
    ):
        seen = flows.between(stream, start, end)
        yield Measurement.against(f"rtt_ms_p50_{name}", flows.rtt_ms(seen), rtt.over(plan, path))
    yield Measurement("packets_lost", float(gap.packets) if gap else None, "packets")
    yield Measurement("time_to_return", (back - healed) / 1e9, "s")


def expected_gap(result: Result) -> Expectation:
    """What the detection in use leaves."""
    plan = result.plan
    session, link = plan.session(LINK), plan.link(LINK)
    grain = result.value("probe.interval", Duration)
    if result.value("fault", str) == "carrier":
        return failover.carrier().widened(grain.seconds)
    timers = [failover.TIMERS[plan.routing_of(end.node).daemon] for end in (link.a, link.b)]
    cut = failover.Cut(delay=link.a_to_b.delay)
    if session.bfd is not None:
        ends = [failover.BfdEnd(session.bfd.interval, session.bfd.interval, session.bfd.multiplier, timers=t) for t in timers]
        return failover.bfd(ends[0], ends[1], cut).widened(grain.seconds)
    return failover.bgp_hold(session.hold, session.keepalive, cut, a=timers[0], b=timers[1]).widened(grain.seconds)
