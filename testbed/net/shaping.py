"""Rates: shapers that queue (tbf), policers that drop (police), and the wire that joins two ports (mirred).

The kernel counts whole bytes a second, so a rate is exact to 4 bit/s. A rate here counts layer-3 bytes and the 14 bytes
of the Ethernet header. tbf sees both. A filter on arriving packets sees no header any more, so a policer there is told
to add 14 (``qdisc_pkt_len_segs_init`` in ``net/core/dev.c``; ``psched_l2t_ns`` adds ``overhead``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pyroute2.netlink.rtnl.tcmsg import tcmsg

from testbed.errors import InputError, Problem
from testbed.net import tc
from testbed.net.netlink import Request
from testbed.plan.plan import Shaper
from testbed.units import Rate

ETHERNET_HEADER = 14
POLICER_BURST_NS = 5 * 10**6
"""Where Juniper's "Determining Proper Burst Size for Traffic Policers" says to start; no provider publishes its own."""
TBF_HANDLE = 0x2_0000
NETEM_CLASS = 0x1_0001
"""Parent for a shaper behind the netem of the same interface, where both are needed."""
MIRRED_REDIRECT = 1
"""``TCA_EGRESS_REDIR`` (``include/uapi/linux/tc_act/tc_mirred.h``)."""
_LINKLAYER_ETHERNET = 1
"""Said outright, the kernel does not guess at ATM cells from a rate table (``__detect_linklayer``)."""
_RATE_TABLE = bytes(1024)
"""police wants one and never reads it; ``cell_log`` has to be there too (``qdisc_get_rtab``)."""
_CELL_LOG = 3


@dataclass(frozen=True, kw_only=True)
class Policer:
    """What may pass; the rest is dropped.

    Attributes:
        rate, burst_bytes: bytes; ``None``: any number.
        packets_per_s, burst_packets: packets; ``None``: any number.
        overhead_bytes: what to add to each packet's length.
    """

    rate: Rate | None = None
    burst_bytes: int = 0
    packets_per_s: int | None = None
    burst_packets: int = 0
    overhead_bytes: int = 0


@dataclass(frozen=True, kw_only=True)
class Wire:
    """A filter read back. ``dropped``: packets dropped by its policers. ``target``: index of a port, or 0."""

    priority: int
    target: int
    policer: Policer
    dropped: int


def policer(
    mtu: int, *, rate: Rate | None = None, packets_per_s: int | None = None, overhead_bytes: int = ETHERNET_HEADER
) -> Policer:
    """A policer whose bursts last :data:`POLICER_BURST_NS` at its rate, and at least two packets."""
    burst = 0 if rate is None else max(2 * (mtu + ETHERNET_HEADER), rate * POLICER_BURST_NS // (8 * 10**9))
    packets = 0 if packets_per_s is None else max(2, packets_per_s * POLICER_BURST_NS // 10**9)
    return Policer(
        rate=rate, burst_bytes=burst, packets_per_s=packets_per_s, burst_packets=packets, overhead_bytes=overhead_bytes
    )


def tbf_messages(
    index: int, shaper: Shaper, what: str, *, parent: int = tc.ROOT, change: bool = False
) -> list[Request]:
    """Ask for a shaper, or with ``change`` for another rate of the one there, which keeps its queue.

    Raises:
        InputError: no packet would ever pass.
    """
    if shaper.burst_bytes <= ETHERNET_HEADER or shaper.limit_bytes < shaper.burst_bytes // 2:
        raise InputError(
            Problem(what, f"a bucket of {shaper.burst_bytes} B and a queue of {shaper.limit_bytes} B pass no packet")
        )
    rate = _bytes_per_s(shaper.rate)
    parms = {
        "rate": min(rate, tc.U32_MAX), "rate_linklayer": _LINKLAYER_ETHERNET, "limit": shaper.limit_bytes,
        "buffer": _ticks(shaper.burst_bytes, rate),
    }  # fmt: skip
    # BURST in bytes is exact, and overrides the ticks, of which one is 80 bytes at 10 Gbit/s.
    attrs = [("TCA_TBF_PARMS", parms), ("TCA_TBF_RATE64", rate), ("TCA_TBF_BURST", shaper.burst_bytes)]
    message = tc.qdisc("tbf", index, {"attrs": attrs}, handle=TBF_HANDLE, parent=parent, change=change)
    return [Request(message, f"shaper of {what}")]


def plain_message(index: int, what: str, *, limit_packets: int | None = None, parent: int = tc.ROOT) -> Request:
    """Ask for a plain queue of so many packets (pfifo), or, with ``None``, for none at all (noqueue)."""
    kind, body = ("noqueue", None) if limit_packets is None else ("pfifo", {"limit": limit_packets})
    return Request(tc.qdisc(kind, index, body, handle=tc.ROOT_HANDLE, parent=parent), f"queue of {what}")


def wire_messages(source: int, target: int, what: str, police: Rate | None, mtu: int) -> list[Request]:
    """Send what arrives at one port out of another, and drop what exceeds a policed rate.

    Between ports that are veths in one namespace this is a cable: nothing looks at the packets.
    """
    return [_ingress(source, what), _wire(source, target, what, police, mtu, 1)]


def plain_wire_messages(source: int, target: int, what: str) -> list[Request]:
    """The same without a policer, of what kernels have that have little (mirred, u32)."""
    selector = {"keys": ["0x0/0x0+0"]}
    body = {"attrs": [("TCA_U32_SEL", selector), ("TCA_U32_ACT", _actions([_redirect(target)]))]}
    wire = tc.every(source, body, parent=tc.INGRESS_HOOK, priority=1)
    return [_ingress(source, what), Request(wire, f"wire of {what}")]


def rewire_messages(
    source: int, target: int, what: str, police: Rate | None, mtu: int, *, priority: int
) -> list[Request]:
    """Change a wire's policed rate without a gap: lay a second filter, then remove the one of ``priority``, 1 or 2.

    (The kernel changes no matchall filter in place: ``mall_change`` in ``net/sched/cls_matchall.c``.)
    """
    old = tc.delete_filter(source, parent=tc.INGRESS_HOOK, priority=priority)
    return [_wire(source, target, what, police, mtu, 3 - priority), Request(old, f"old wire of {what}")]


def tunnel_messages(
    index: int, what: str, mtu: int, *, rate: Rate | None = None, packets_per_s: int | None = None
) -> list[Request]:
    """Drop what exceeds the limits of a tunnel, on its way out. Only layer-3 bytes count: a tunnel has no Ethernet."""
    limits = policer(mtu, rate=rate, packets_per_s=packets_per_s, overhead_bytes=0)
    hook = tc.qdisc("clsact", index, None, handle=tc.CLSACT_HANDLE, parent=tc.CLSACT)
    body = {"attrs": [("TCA_MATCHALL_ACT", _actions(_police_actions(limits, tc.Act.OK)))]}
    lay = tc.matchall(index, body, parent=tc.EGRESS_HOOK, priority=1)
    return [Request(hook, f"egress hook of {what}"), Request(lay, f"policer of {what}")]


def decode_tbf(answer: tcmsg) -> Shaper:
    """What a decoded tbf message says; the bucket, which the kernel keeps as ticks of 64 ns, rounded to bytes."""
    body = answer.get_attr("TCA_OPTIONS")
    parms = body.get_attr("TCA_TBF_PARMS")
    rate = body.get_attr("TCA_TBF_RATE64") or parms["rate"]
    return Shaper(
        rate=Rate(rate * 8), burst_bytes=_units(parms["buffer"], rate), limit_bytes=parms["limit"]
    )  # fmt: skip


def decode_wire(answer: tcmsg) -> Wire:
    """What a decoded matchall filter message says; bursts, which the kernel keeps as ticks of 64 ns, rounded."""
    limits: dict[str, int] = {}
    rate: Rate | None = None
    target = dropped = 0
    for kind, body, statistics in _read_actions(answer):
        if kind == "mirred":
            target = body.get_attr("TCA_MIRRED_PARMS")["ifindex"]
        if kind != "police":
            continue
        parms = body.get_attr("TCA_POLICE_TBF")
        dropped += statistics.get_attr("TCA_STATS_QUEUE")["drops"] if statistics else 0
        if parms["rate"]:
            bytes_per_s = body.get_attr("TCA_POLICE_RATE64") or parms["rate"]
            rate = Rate(bytes_per_s * 8)
            limits["burst_bytes"] = _units(parms["burst"], bytes_per_s)
            limits["overhead_bytes"] = parms["rate_overhead"]
        if per_s := body.get_attr("TCA_POLICE_PKTRATE64"):
            limits["packets_per_s"] = per_s
            limits["burst_packets"] = _units(body.get_attr("TCA_POLICE_PKTBURST64"), per_s)
    return Wire(priority=answer["info"] >> 16, target=target, policer=Policer(rate=rate, **limits), dropped=dropped)


def is_wire(answer: tcmsg) -> bool:
    """Whether a decoded filter message is of a filter: u32 has its table as well, and matchall its head."""
    options = answer.get_attr("TCA_OPTIONS")
    return options is not None and any(options.get_attr(name) for name in ("TCA_U32_ACT", "TCA_MATCHALL_ACT"))


def _read_actions(answer: tcmsg) -> Iterator[tuple[str, tcmsg, tcmsg]]:
    options = answer.get_attr("TCA_OPTIONS")
    actions = options.get_attr("TCA_U32_ACT" if answer.get_attr("TCA_KIND") == "u32" else "TCA_MATCHALL_ACT")
    for _, action in actions["attrs"] if actions else ():
        yield tuple(action.get_attr(f"TCA_ACT_{name}") for name in ("KIND", "OPTIONS", "STATS"))


def _ingress(port: int, what: str) -> Request:
    hook = tc.qdisc("clsact", port, None, handle=tc.CLSACT_HANDLE, parent=tc.CLSACT)
    return Request(hook, f"ingress hook of {what}")


def _redirect(target: int) -> tuple[str, dict[str, object]]:
    redirect = {"action": tc.Act.STOLEN, "eaction": MIRRED_REDIRECT, "ifindex": target}
    return "mirred", {"attrs": [("TCA_MIRRED_PARMS", redirect)]}


def _wire(source: int, target: int, what: str, police: Rate | None, mtu: int, priority: int) -> Request:
    actions = [] if police is None else [*_police_actions(policer(mtu, rate=police), tc.Act.PIPE)]
    actions.append(_redirect(target))
    body = {"attrs": [("TCA_MATCHALL_ACT", _actions(actions))]}
    return Request(tc.matchall(source, body, parent=tc.INGRESS_HOOK, priority=priority), f"wire of {what}")


def _actions(actions: list[tuple[str, dict[str, object]]]) -> dict[str, object]:
    """Actions in the order in which they are to be carried out, counted from 1."""
    return {
        "attrs": [
            (f"TCA_ACT_PRIO_{number}", {"attrs": [("TCA_ACT_KIND", kind), ("TCA_ACT_OPTIONS", body)]})
            for number, (kind, body) in enumerate(actions, start=1)
        ]
    }


def _police_actions(limits: Policer, passed: tc.Act) -> list[tuple[str, dict[str, object]]]:
    """One action for each limit, since the kernel takes bytes and packets in one action only one at a time.

    ``mtu`` is set because otherwise everything longer than 255 cells counts as excess (``tcf_police_init``).
    """
    common: dict[str, int] = {"action": tc.Act.SHOT, "mtu": tc.U32_MAX}
    bodies: list[list[tuple[str, object]]] = []
    if limits.rate is not None:
        rate = _bytes_per_s(limits.rate)
        spec = {
            "rate": min(rate, tc.U32_MAX), "rate_linklayer": _LINKLAYER_ETHERNET, "rate_cell_log": _CELL_LOG,
            "rate_overhead": limits.overhead_bytes, "burst": _ticks(limits.burst_bytes, rate),
        }  # fmt: skip
        bodies.append(
            [("TCA_POLICE_TBF", common | spec), ("TCA_POLICE_RATE", _RATE_TABLE), ("TCA_POLICE_RATE64", rate)]
        )
    if limits.packets_per_s is not None:
        burst = _ticks(limits.burst_packets, limits.packets_per_s)
        bodies.append(
            [
                ("TCA_POLICE_TBF", common), ("TCA_POLICE_PKTRATE64", limits.packets_per_s),
                ("TCA_POLICE_PKTBURST64", burst),
            ]
        )  # fmt: skip
    verdicts = [tc.Act.PIPE] * (len(bodies) - 1) + [passed]
    return [
        ("police", {"attrs": [*body, ("TCA_POLICE_RESULT", int(verdict))]})
        for body, verdict in zip(bodies, verdicts, strict=False)
    ]


def _bytes_per_s(rate: Rate) -> int:
    """Nearest whole number of bytes, and never 0, which would mean no limit."""
    return max(1, (rate + 4) // 8)


def _ticks(amount: int, per_s: int) -> int:
    """How long ``amount`` takes, in ticks, rounded up so that the amount fits. Raises InputError for over 274 s."""
    ticks = -(-amount * 10**9 // (per_s * tc.TICK_NS))
    if ticks > tc.U32_MAX:
        raise InputError(
            Problem("burst", f"{amount} at {per_s}/s lasts longer than the 274 s that the kernel can count")
        )
    return ticks


def _units(ticks: int, per_s: int) -> int:
    """The amount that passes in a number of ticks."""
    return round(ticks * tc.TICK_NS * per_s / 10**9)
