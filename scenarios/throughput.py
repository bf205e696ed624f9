"""What gets through a path: TCP with CUBIC, BBR or Reno, or UDP, over delay, loss, rate, queue and tunnels.

The rate that arrives is measured after slow start, at the receiver, and stands beside what the response function of the
congestion control, or the headers' arithmetic, says.
"""

from collections.abc import Iterator

from testbed import Duration, Flow, Lab, Measurement, Rate, Ratio, Result, Scenario
from testbed.check import iperf, udp_flood
from testbed.check.received import jain
from testbed.plan.plan import Plan, PlannedLink
from testbed.presets import IPSEC_SUITES
from testbed.theory import mtu, storage, throughput
from testbed.theory.interval import Expectation, smallest

LEFT, RIGHT, LINK = "left", "right", "path"
MEGA, MBIT = 1e-6, "Mbit/s"
RTT_GRAIN = Duration.parse("0.1 ms")
"""Added to the path's delays: serialisation and forwarding; arbitrary."""

scenario = Scenario(
    topology="../topologies/one_path.py",
    question="How much of a path's rate do its users get?",
    hypothesis="what the headers leave of the rate, under loss what the congestion control's response function says",
    refuted_by="a rate outside the interval of theory",
)
scenario.param("traffic", str, "tcp", "what is sent", choices=("tcp", "udp"))
scenario.param("congestion", str, "cubic", "congestion control of the first flow", choices=("cubic", "bbr", "reno"))
scenario.param("rival", str, "none", "that of a second flow at the same time", choices=("none", "cubic", "bbr", "reno"))
scenario.param("overlay", str, "none", "tunnel between the hosts", choices=("none", *mtu.OVERLAY))
scenario.param("duration", Duration, "30 s", "how long to send, in whole seconds")
scenario.param("warmup", Duration, "10 s", "how much of that is slow start, and not measured")
scenario.param("udp.payload", int, "1400", "bytes in a datagram")
scenario.param("udp.rate", Rate, "200 Mbit/s", "how much payload is offered")
scenario.chart(
    "goodput", "Goodput", {"all": "goodput", "first flow": "goodput_flow-1", "second flow": "goodput_flow-2"}
)
scenario.chart(
    "functions", "Goodput over the response function's",
    {"Mathis 1997": "ratio_mathis", "PFTK 1998": "ratio_pftk", "CUBIC, RFC 9438": "ratio_cubic"},
)  # fmt: skip
scenario.chart("fairness", "Jain's index", {"": "fairness"})
scenario.chart("lost", "Share of datagrams lost", {"": "share_lost"})


@scenario.run
def run(lab: Lab) -> None:
    """One or two flows from left to right."""
    ends = LEFT, RIGHT
    kind = lab.value("overlay", str)
    if kind != "none":
        ends = lab.overlay(kind, LEFT, RIGHT, path_mtu(lab.plan))
    duration = lab.value("duration", Duration)
    if lab.value("traffic", str) == "udp":
        payload, rate = lab.value("udp.payload", int), lab.value("udp.rate", Rate)
        with lab.probe.udp_flood(*ends, rate, payload=payload, name="flow-1"):
            lab.sleep(duration)
        return
    controls = [lab.value("congestion", str), lab.value("rival", str)]
    flows = [
        Flow(*ends, name=f"flow-{number}", congestion=control)
        for number, control in enumerate(controls, start=1)
        if control != "none"
    ]
    lab.probe.flows(flows, duration)


@scenario.measure
def measure(result: Result) -> Iterator[Measurement]:
    """Goodput of all flows beside theory, each flow's share, and what it cost."""
    after = result.value("warmup", Duration)
    if result.value("traffic", str) == "udp":
        found = udp_flood.received(result.history, "flow-1")
        yield Measurement.against(
            "goodput", mbit(found.rate_bit_s(after)), udp_expected(result).scaled(MEGA, MBIT), better="higher"
        )
        yield Measurement("share_lost", found.share_lost, "", better="lower")
        return
    names = ["flow-1"] if result.value("rival", str) == "none" else ["flow-1", "flow-2"]
    flows = [iperf.received(result.history, name) for name in names]
    rates = [flow.rate_bit_s(after) for flow in flows]
    known = [rate for rate in rates if rate is not None]
    total = sum(known) if len(known) == len(rates) else None
    yield Measurement.against("goodput", mbit(total), tcp_expected(result).scaled(MEGA, MBIT), better="higher")
    if total and len(names) == 1 and loss_of(result.plan):
        for name, function in responses(result).items():
            said = function.expected or 0.0
            yield Measurement(f"ratio_{name}", total / said, "", 1.0, source=f"for information: {function.source}")
    if len(names) > 1:
        for name, rate in zip(names, rates, strict=True):
            yield Measurement(f"goodput_{name}", mbit(rate), MBIT, better="higher")
        yield Measurement.against("fairness", jain(known), throughput.fairness(len(names)), better="higher")
    for name in names:
        yield Measurement(f"retransmits_{name}", iperf.retransmits(result.history, name), "segments", better="lower")


def mbit(rate: float | None) -> float | None:
    """From bit/s."""
    return None if rate is None else rate * MEGA


def path_mtu(plan: Plan) -> int:
    """What the path between the hosts carries."""
    return mtu.path_mtu([plan.link(LINK).mtu, *(tunnel.mtu for tunnel in plan.tunnels)])


def outer(plan: Plan, inner: int) -> int:
    """Size on the slow link of an IP packet that the hosts' network sends."""
    for tunnel in plan.tunnels:
        if tunnel.kind == "wireguard":
            return inner + mtu.WIREGUARD[4]
        transform = IPSEC_SUITES[tunnel.suite].transform
        return mtu.ipsec_packet(inner, transform, nat_traversal=tunnel.nat_traversal)
    return inner


def tcp_expected(result: Result) -> Expectation:
    """The least of what the headers leave and what the flow's congestion control gets under this loss."""
    plan, link = result.plan, result.plan.link(LINK)
    size = path_mtu(plan)
    inner = size - mtu.OVERLAY.get(result.value("overlay", str), 0)
    capacity = throughput.tcp_goodput(slow_rate(link), inner, outer=outer(plan, size))
    rtt, loss = rtt_of(link), loss_of(plan)
    least = smallest(capacity, *tunnel_limits(plan, mtu.mss(inner) - mtu.TCP_TIMESTAMPS, size))
    if least is not capacity:  # a tunnel's limit drops: how a congestion control lives with that has no closed form
        return storage.at_most(least)
    control = result.value("congestion", str)
    controls = control, result.value("rival", str)
    if "bbr" in controls:
        over = Duration(result.value("duration", Duration) - result.value("warmup", Duration))
        return throughput.bbr(capacity, loss, rtt, over)
    if not loss:
        beta = throughput.RENO_BETA if "reno" in controls else throughput.CUBIC_BETA  # of whoever gives up more
        return throughput.sawtooth(capacity, rtt, queue_of(link), beta)
    return smallest(responses(result)["cubic" if control == "cubic" else "mathis"], capacity)


def responses(result: Result) -> dict[str, Expectation]:
    """What each response function says of one flow, whatever the link's rate."""
    plan = result.plan
    segment = mtu.mss(path_mtu(plan) - mtu.OVERLAY.get(result.value("overlay", str), 0)) - mtu.TCP_TIMESTAMPS
    rtt, loss = rtt_of(plan.link(LINK)), loss_of(plan)
    return {
        "mathis": throughput.mathis(segment, rtt, loss, constant=throughput.MATHIS_RANDOM_LOSS),
        "pftk": throughput.pftk(segment, rtt, loss, acked=1),
        "cubic": throughput.cubic(segment, rtt, loss),
    }


def rtt_of(link: PlannedLink) -> Duration:
    """Of an idle path."""
    return Duration(link.a_to_b.delay + link.b_to_a.delay + RTT_GRAIN)


def loss_of(plan: Plan) -> float:
    """Share of packets that is lost from left to right."""
    loss = plan.link(LINK).a_to_b.loss
    assert isinstance(loss, Ratio)  # what the topology sets
    return loss.fraction


def queue_of(link: PlannedLink) -> Duration:
    """How long the queue before the slow link may grow."""
    assert link.shaper is not None
    return Duration(link.shaper.limit_bytes * 8 * 10**9 // link.shaper.rate)


def slow_rate(link: PlannedLink) -> Rate:
    """The slow link's rate, which the topology always sets."""
    assert link.rate is not None
    return link.rate


def udp_expected(result: Result) -> Expectation:
    """The least of what is offered, what the headers leave of the rate, and the tunnel's packets a second."""
    plan, payload = result.plan, result.value("udp.payload", int)
    inner = payload + mtu.UDP_HEADER + mtu.IP_HEADER[4] + mtu.OVERLAY.get(result.value("overlay", str), 0)
    limits = [
        throughput.offered(result.value("udp.rate", Rate)),
        throughput.udp_goodput(slow_rate(plan.link(LINK)), payload, overhead=outer(plan, inner) - payload - 28),
    ]
    return smallest(*limits, *tunnel_limits(plan, payload, inner)).within(0.01)


def tunnel_limits(plan: Plan, payload: int, inner: int) -> Iterator[Expectation]:
    """Goodput that each limit of a tunnel allows to packets of that payload and, before the tunnel, of that size."""
    for tunnel in plan.tunnels:
        if tunnel.packets_per_s is not None:
            yield throughput.packet_limit(tunnel.packets_per_s, payload)
        if tunnel.rate is not None:
            yield throughput.byte_limit(tunnel.rate, payload, inner)
