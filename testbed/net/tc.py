"""Netlink layouts of the queueing disciplines and actions used here, complete, for pyroute2's message classes.

pyroute2 0.9.7 lacks netem's distribution, loss models, slot, seed and every 64-bit field, tbf's ``BURST`` and
``RATE64``, and all of police that was added after 2012. Importing this module puts the layouts below in the place of
its own, so that what the kernel sends is decoded with them too. They hold no conversion: every number is the kernel's.

Source: ``include/uapi/linux/pkt_sched.h`` and ``pkt_cls.h`` of Linux 7.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from types import SimpleNamespace

from pyroute2.netlink import NLM_F_ACK, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REQUEST, nla
from pyroute2.netlink.rtnl import (
    RTM_DELQDISC,
    RTM_DELTFILTER,
    RTM_GETQDISC,
    RTM_GETTFILTER,
    RTM_NEWQDISC,
    RTM_NEWTFILTER,
    TC_H_CLSACT,
    TC_H_ROOT,
)
from pyroute2.netlink.rtnl import tcmsg as tc_messages
from pyroute2.netlink.rtnl.tcmsg import common_act, tcmsg

TICK_NS = 64
"""What one tick of the older fields is, ``1 << PSCHED_SHIFT`` (``include/net/pkt_sched.h``)."""
U32_MAX = 2**32 - 1
ROOT = int(TC_H_ROOT)
ROOT_HANDLE = 0x1_0000
"""``1:``. Naming the handle is what makes a second message change the discipline in place (``__tc_modify_qdisc``)."""
CLSACT = int(TC_H_CLSACT)
CLSACT_HANDLE = 0xFFFF_0000
INGRESS_HOOK = 0xFFFF_FFF2
"""``TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS)``: what a filter on arriving packets has as its parent."""
EGRESS_HOOK = 0xFFFF_FFF3
"""The same for leaving packets, before they reach the interface's discipline."""


class Act(IntEnum):
    """Verdicts of an action (``TC_ACT_*``)."""

    OK = 0
    SHOT = 2
    PIPE = 3
    STOLEN = 4


class Layout(nla):
    """A netlink attribute: ``fields`` with their struct codes, then nested attributes in the order of their numbers."""


class NetemOptions(Layout):
    """``struct tc_netem_qopt`` and ``TCA_NETEM_*``. Times in the fixed part are ticks of :data:`TICK_NS`."""

    fields = (("latency", "I"), ("limit", "I"), ("loss", "I"), ("gap", "I"), ("duplicate", "I"), ("jitter", "I"))
    nla_map = (
        ("TCA_NETEM_UNSPEC", "none"),
        ("TCA_NETEM_CORR", "correlation"),
        ("TCA_NETEM_DELAY_DIST", "cdata"),
        ("TCA_NETEM_REORDER", "chance"),
        ("TCA_NETEM_CORRUPT", "chance"),
        ("TCA_NETEM_LOSS", "loss"),
        ("TCA_NETEM_RATE", "rate"),
        ("TCA_NETEM_ECN", "uint32"),
        ("TCA_NETEM_RATE64", "uint64"),
        ("TCA_NETEM_PAD", "hex"),
        ("TCA_NETEM_LATENCY64", "int64"),
        ("TCA_NETEM_JITTER64", "int64"),
        ("TCA_NETEM_SLOT", "slot"),
        ("TCA_NETEM_SLOT_DIST", "cdata"),
        ("TCA_NETEM_PRNG_SEED", "uint64"),
    )

    class correlation(Layout):
        """``struct tc_netem_corr``."""

        fields = (("delay", "I"), ("loss", "I"), ("duplicate", "I"))

    class chance(Layout):
        """``struct tc_netem_reorder`` and ``tc_netem_corrupt``."""

        fields = (("probability", "I"), ("correlation", "I"))

    class loss(Layout):
        """``NETEM_LOSS_*``: at most one of the two models."""

        nla_map = (("NETEM_LOSS_UNSPEC", "none"), ("NETEM_LOSS_GI", "four_state"), ("NETEM_LOSS_GE", "gilbert"))

        class four_state(Layout):
            """``struct tc_netem_gimodel``."""

            fields = (("p13", "I"), ("p31", "I"), ("p32", "I"), ("p14", "I"), ("p23", "I"))

        class gilbert(Layout):
            """``struct tc_netem_gemodel``."""

            fields = (("p", "I"), ("r", "I"), ("h", "I"), ("k1", "I"))

    class rate(Layout):
        """``struct tc_netem_rate``: bytes a second."""

        fields = (("rate", "I"), ("packet_overhead", "i"), ("cell_size", "I"), ("cell_overhead", "i"))

    class slot(Layout):
        """``struct tc_netem_slot``: nanoseconds."""

        fields = (
            ("min_delay", "q"), ("max_delay", "q"), ("max_packets", "i"), ("max_bytes", "i"),
            ("dist_delay", "q"), ("dist_jitter", "q"),
        )  # fmt: skip


class NetemCounters(Layout):
    """``struct tc_netem_xstats``, in Linux from 7.2 on."""

    fields = tuple(
        (name, "Q")
        for name in ("delayed", "dropped", "corrupted", "duplicated", "reordered", "ecn_marked", "allocation_errors")
    )


def _ratespec(name: str) -> tuple[tuple[str, str], ...]:
    """``struct tc_ratespec``: the rate is bytes a second."""
    return (
        (f"{name}_cell_log", "B"), (f"{name}_linklayer", "B"), (f"{name}_overhead", "H"),
        (f"{name}_cell_align", "h"), (f"{name}_mpu", "H"), (name, "I"),
    )  # fmt: skip


class TbfOptions(Layout):
    """``TCA_TBF_*``. ``buffer`` and ``mtu`` are ticks, the rest bytes and bytes a second."""

    nla_map = (
        ("TCA_TBF_UNSPEC", "none"),
        ("TCA_TBF_PARMS", "parms"),
        ("TCA_TBF_RTAB", "cdata"),
        ("TCA_TBF_PTAB", "cdata"),
        ("TCA_TBF_RATE64", "uint64"),
        ("TCA_TBF_PRATE64", "uint64"),
        ("TCA_TBF_BURST", "uint32"),
        ("TCA_TBF_PBURST", "uint32"),
        ("TCA_TBF_PAD", "hex"),
    )

    class parms(Layout):
        """``struct tc_tbf_qopt``."""

        fields = (*_ratespec("rate"), *_ratespec("peak"), ("limit", "I"), ("buffer", "I"), ("mtu", "I"))


class PoliceOptions(Layout):
    """``TCA_POLICE_*``. ``burst`` and ``PKTBURST64`` are ticks, the rest bytes and units a second."""

    nla_map = (
        ("TCA_POLICE_UNSPEC", "none"),
        ("TCA_POLICE_TBF", "parms"),
        ("TCA_POLICE_RATE", "cdata"),
        ("TCA_POLICE_PEAKRATE", "cdata"),
        ("TCA_POLICE_AVRATE", "uint32"),
        ("TCA_POLICE_RESULT", "uint32"),
        ("TCA_POLICE_TM", "hex"),
        ("TCA_POLICE_PAD", "hex"),
        ("TCA_POLICE_RATE64", "uint64"),
        ("TCA_POLICE_PEAKRATE64", "uint64"),
        ("TCA_POLICE_PKTRATE64", "uint64"),
        ("TCA_POLICE_PKTBURST64", "uint64"),
    )

    class parms(Layout):
        """``struct tc_police``."""

        fields = (
            ("index", "I"), ("action", "i"), ("limit", "I"), ("burst", "I"), ("mtu", "I"),
            *_ratespec("rate"), *_ratespec("peak"), ("refcnt", "i"), ("bindcnt", "i"), ("capab", "I"),
        )  # fmt: skip


def install() -> None:
    """Put these layouts into pyroute2's registries. Doing it again changes nothing."""
    tc_messages.plugins.update(
        netem=SimpleNamespace(options=NetemOptions, stats=NetemCounters, parent=ROOT),
        tbf=SimpleNamespace(options=TbfOptions, parent=ROOT),
    )
    common_act.plugins["police"] = SimpleNamespace(options=PoliceOptions)


install()


def qdisc(kind: str, ifindex: int, options: object, *, handle: int, parent: int, change: bool = False) -> tcmsg:
    """Make the message that adds a discipline, or with ``change`` alters the one that is there, in place.

    An addition fails where a discipline with this parent was added before, and a change where there is none: the
    kernel never replaces one, since that would throw away the packets that it holds.
    """
    message = _message(RTM_NEWQDISC, 0 if change else NLM_F_CREATE | NLM_F_EXCL, ifindex, handle, parent)
    message["attrs"] = [("TCA_KIND", kind)] if options is None else [("TCA_KIND", kind), ("TCA_OPTIONS", options)]
    return message


def delete_qdisc(ifindex: int, *, handle: int = 0, parent: int = ROOT) -> tcmsg:
    """Make the message that removes a discipline. The interface's default (for veth: none) takes its place."""
    return _message(RTM_DELQDISC, 0, ifindex, handle, parent)


def matchall(ifindex: int, options: object, *, parent: int, priority: int) -> tcmsg:
    """Make the message that adds a filter which takes every packet of every protocol. Lower priorities come first."""
    message = _message(RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_EXCL, ifindex, 0, parent)
    message["info"] = _filter_info(priority)
    message["attrs"] = [("TCA_KIND", "matchall"), ("TCA_OPTIONS", options)]
    return message


def every(ifindex: int, options: object, *, parent: int, priority: int) -> tcmsg:
    """Make the same by the filter u32, with a key that fits all: what a kernel without matchall has."""
    message = matchall(ifindex, options, parent=parent, priority=priority)
    message["attrs"] = [("TCA_KIND", "u32"), ("TCA_OPTIONS", options)]
    return message


def delete_filter(ifindex: int, *, parent: int, priority: int) -> tcmsg:
    """Make the message that removes the filters of one priority."""
    message = _message(RTM_DELTFILTER, 0, ifindex, 0, parent)
    message["info"] = _filter_info(priority)
    return message


@dataclass(frozen=True, kw_only=True)
class Counters:
    """What went through a discipline since it was made, and what is in it now. ``drops`` includes losses asked for."""

    bytes: int
    packets: int
    drops: int
    overlimits: int
    backlog_bytes: int
    backlog_packets: int


def counters(answer: tcmsg) -> Counters:
    """The counters in a decoded answer about a discipline."""
    statistics = answer.get_attr("TCA_STATS2")
    basic, queue = statistics.get_attr("TCA_STATS_BASIC"), statistics.get_attr("TCA_STATS_QUEUE")
    return Counters(
        bytes=basic["bytes"], packets=basic["packets"], drops=queue["drops"], overlimits=queue["overlimits"],
        backlog_bytes=queue["backlog"], backlog_packets=queue["qlen"],
    )  # fmt: skip


def get_qdiscs(ifindex: int) -> tcmsg:
    """Make the message that asks for disciplines; sent as a dump.

    The kernel answers about every interface of the namespace, so choose by ``index``. Defaults of veths do not show.
    """
    return _message(RTM_GETQDISC, 0, ifindex, 0, 0)


def get_filters(ifindex: int, parent: int) -> tcmsg:
    """Make the message that asks for the filters of an interface at a hook; sent as a dump."""
    return _message(RTM_GETTFILTER, 0, ifindex, 0, parent)


def _filter_info(priority: int) -> int:
    """``TC_H_MAKE(priority << 16, htons(ETH_P_ALL))``."""
    if not 0 < priority < 2**16:
        raise ValueError(f"a filter's priority lies between 1 and 65535, not {priority}")
    return priority << 16 | int.from_bytes((0x0003).to_bytes(2, "big"), "little")


def _message(kind: int, flags: int, ifindex: int, handle: int, parent: int) -> tcmsg:
    message = tcmsg()
    message["header"]["type"] = kind
    message["header"]["flags"] = NLM_F_REQUEST | NLM_F_ACK | flags
    message["index"], message["handle"], message["parent"] = ifindex, handle, parent
    return message
