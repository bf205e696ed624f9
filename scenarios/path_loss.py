"""One connection between two sites goes silent, and many flows cross at the time: how many are hit, and for how long?

Made for comparing designs: where several connections are used at once (ECMP), flows that are elsewhere lose nothing.
"""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import replace

from testbed import Duration, Lab, Measurement, Result, Scenario
from testbed.check import flows, paths
from testbed.check.cases import case
from testbed.check.flows import Packet
from testbed.check.forecasts import silent
from testbed.errors import Problem, known
from testbed.plan.plan import Plan
from testbed.theory import ecmp
from testbed.theory.interval import Expectation

AUTO = "auto"
CALM_NS = 10**9
"""So far from a change of path nothing of it is seen; arbitrary."""

scenario = Scenario(
    topology="../topologies/hybrid.py",
    question="A connection between two sites goes silent: what do the flows of the moment lose?",
    hypothesis="none is gone for longer than the detection in use allows",
    refuted_by="a flow that is gone for longer, or one that never comes back",
)
scenario.param("path", str, AUTO, "the link or VPN that goes silent; auto: one that carries the traffic")
scenario.param("source", str, AUTO, "host that sends; auto: the first")
scenario.param("target", str, AUTO, "host that answers; auto: the first of the last site")
scenario.param("flows", int, "8", "how many flows there are")
scenario.param("probe.interval", Duration, "20 ms", "distance of a flow's packets, and so the grain of the gap")
scenario.param("before", Duration, "15 s", "traffic before")
scenario.param("outage", Duration, "60 s", "how long it is silent; longer than the detection takes")
scenario.param("after", Duration, "15 s", "traffic after the routes are back")


@scenario.check
def check(plan: Plan, values: Mapping[str, object]) -> Iterator[Problem]:
    """Hosts or a connection that this design has not."""
    names = [host.name for host in plan.hosts]
    for end in ("source", "target"):
        if values[end] not in (AUTO, *names):
            yield Problem(f"--set {end}", f"no such host in {plan.topology}", known(str(values[end]), names))
    source, target = ends(plan, values)
    if source not in names or target not in names or plan.node(source).site == plan.node(target).site:
        yield Problem(plan.topology, "has no two hosts in different sites", "name them: --set source=... target=...")
        return
    path, every = str(values["path"]), connections(plan)
    if not every:
        yield Problem(plan.topology, "has no link and no VPN with BGP", "what has no other way cannot fail over")
    elif path not in (AUTO, *every):
        yield Problem(f"--set path={path}", f"no connection with BGP in {plan.topology}", known(path, every))


def ends(plan: Plan, values: Mapping[str, object]) -> tuple[str, str]:
    """The two hosts; empty where there are none."""
    hosts = [host for host in plan.hosts if host.site]
    first = next((host.name for host in hosts), "")
    last = next((host.name for host in hosts if host.site == hosts[-1].site), "")
    source, target = str(values["source"]), str(values["target"])
    return first if source == AUTO else source, last if target == AUTO else target


def connections(plan: Plan) -> list[str]:
    """Links and VPNs that routers speak BGP over: they can fail over."""
    sessions = {session.name for routing in plan.routing for session in routing.sessions}
    links = [link.name for link in plan.links if link.name in sessions]
    return [*links, *dict.fromkeys(tunnel.vpn for tunnel in plan.tunnels if tunnel.name in sessions)]


def silenced(plan: Plan, values: Mapping[str, object]) -> str:
    """The connection that goes silent: what carries the traffic, unless another is asked for."""
    if values["path"] != AUTO:
        return str(values["path"])
    first = paths.primary(plan, *ends(plan, values))[0]
    return next((tunnel.vpn for tunnel in plan.tunnels if tunnel.name == first), first)


@scenario.run
def run(lab: Lab) -> None:
    """Traffic, silence, traffic."""
    source, target = ends(lab.plan, lab.values)
    with contextlib.ExitStack() as traffic:
        for number in range(lab.value("flows", int)):
            every = lab.value("probe.interval", Duration)
            traffic.enter_context(lab.probe.udp(source, target, every, name=f"flow-{number + 1}"))
        # The phase against the detection's timers is chance: the seed's. Ten seconds are a VPN's keepalive.
        lab.sleep(Duration(lab.value("before", Duration) + lab.random.randrange(10 * 10**9)))
        with lab.fault.start("silent", silenced(lab.plan, lab.values)):
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
    longest, hit = theory(result)
    yield Measurement.against("longest_gap", gaps[-1], longest, better="lower")
    yield Measurement.against("flows_hit", float(sum(gap > 0 for gap in gaps)), hit, better="lower")
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


def theory(result: Result) -> tuple[Expectation, Expectation]:
    """Of the longest gap, and of how many flows are hit: those that use what goes silent, one way or the other."""
    plan, path = result.plan, silenced(result.plan, result.values)
    broken = {path} | {tunnel.name for tunnel in plan.tunnels if path == tunnel.vpn}
    spacing, count = result.value("probe.interval", Duration), result.value("flows", int)
    used = case(plan, *ends(plan, result.values), result.value("outage", Duration), spacing)
    mine = [via for via in (*used.there, *used.back) if via in broken]
    # Behind another router nothing says which flows come by.
    hit = ecmp.hit(count, 1 - used.spared(broken)) if mine else Expectation(None, 0.0, float(count), "flows", "")
    first = (*mine, *sorted(broken & {each.name for routing in plan.routing for each in routing.sessions}))[0]
    gap = silent(replace(used, there=(first,), back=(first,), together=broken)).gap
    assert gap is not None, "a silent path has a theory"
    seen = gap.seen_by_probes(spacing)
    low = seen.low if hit.low else 0.0
    return Expectation(None, low, seen.high, "s", f"{seen.source}; a flow on another path loses nothing"), hit
