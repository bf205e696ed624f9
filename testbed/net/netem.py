"""netem: from an impairment to the kernel's own numbers, to a message, and back.

Every message carries every setting, zeros too: what a message leaves out, netem keeps from before
(``netem_change`` in ``net/sched/sch_netem.c``), and so one fault would leak into the next. Two exceptions: the
table of a jitter of 0, which is not looked at, and in a change the seed, which would play the same losses again.

What the kernel does not say back is the table (``netem_dump``), so that alone cannot be verified by reading.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, fields
from typing import Any

from pyroute2.netlink.rtnl.tcmsg import tcmsg

from testbed.errors import InputError, Problem
from testbed.model import FourState, GilbertElliott, Impairment
from testbed.net import chance, tc
from testbed.net.netlink import Request
from testbed.plan import impairments
from testbed.units import Ratio

ORDERED_RATE = 10**15
"""Bytes a second. Having a rate makes netem send no packet before the one ahead of it (``netem_enqueue``); at this rate
every packet up to 1 MB takes 0 ns, so that is all it does."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What netem holds, in its own integers: times in ns, probabilities in 2^-32, rates in bytes/s.

    Attributes:
        jitter_ns: standard deviation times the table's spread.
        table: entries sent; read back it is empty.
        gilbert: p, r, 1 - loss_bad, loss_good. ``states``: p13, p31, p32, p14, p23.
        slot: shortest and longest wait in ns, packets, bytes.
        seed: of the random numbers; ``None``: this kernel has no such setting (before 6.6), so no run is repeatable.
    """

    limit_packets: int
    delay_ns: int = 0
    jitter_ns: int = 0
    table: tuple[int, ...] = ()
    rate: int = 0
    loss: int = 0
    loss_correlation: int = 0
    gilbert: tuple[int, int, int, int] | None = None
    states: tuple[int, int, int, int, int] | None = None
    duplicate: int = 0
    duplicate_correlation: int = 0
    corrupt: int = 0
    corrupt_correlation: int = 0
    reorder: int = 0
    reorder_correlation: int = 0
    gap: int = 0
    slot: tuple[int, int, int, int] | None = None
    seed: int | None = None


def encode(impairment: Impairment, *, limit_packets: int, seed: int, what: str = "impairment") -> Settings:
    """What the kernel is to hold.

    Args:
        impairment: of one direction.
        limit_packets: how many packets may be under way; more are dropped without a word.
        seed: any number; each direction should have its own.
        what: the place that an error names.

    Raises:
        InputError: with every setting that netem cannot deliver, or would ignore.
    """
    problems = [*impairments.problems(impairment)]
    if not 0 < limit_packets <= tc.U32_MAX:
        problems.append(Problem("limit", f"{limit_packets} packets: netem holds between 1 and {tc.U32_MAX}"))
    if problems:
        raise InputError(Problem(f"{what}, {p.where}", p.what, p.hint) for p in problems)
    shape = impairments.shape(impairment)
    loss, slot = impairment.loss, impairment.slot
    return Settings(
        limit_packets=limit_packets,
        delay_ns=int(impairment.delay),
        jitter_ns=int(impairment.jitter) * (shape.spread if shape else 1),
        table=shape.entries if shape else (),
        rate=ORDERED_RATE if impairment.ordered else 0,
        loss=chance.threshold(loss, impairment.loss_correlation) if isinstance(loss, Ratio) else 0,
        loss_correlation=chance.correlation(impairment.loss_correlation),
        gilbert=_gilbert(loss) if isinstance(loss, GilbertElliott) else None,
        states=_states(loss) if isinstance(loss, FourState) else None,
        duplicate=chance.threshold(impairment.duplicate, impairment.duplicate_correlation),
        duplicate_correlation=chance.correlation(impairment.duplicate_correlation),
        corrupt=chance.threshold(impairment.corrupt, impairment.corrupt_correlation),
        corrupt_correlation=chance.correlation(impairment.corrupt_correlation),
        reorder=chance.threshold(impairment.reorder, impairment.reorder_correlation),
        reorder_correlation=chance.correlation(impairment.reorder_correlation),
        gap=impairment.reorder_gap if impairment.reorder else 0,
        slot=(int(slot.min), int(slot.max), slot.packets, int(slot.bytes)) if slot else None,
        seed=mixed(seed),
    )


def mixed(seed: int) -> int:
    """Spread a seed over 64 bits.

    netem's generator starts from the seed as it is, and small ones make it begin with numbers near 0: with the seeds
    0 to 3 a loss of 2 % takes the second and the fourth packet of every link. Source of the mixing: SplitMix64 (Steele,
    Lea, Flood, "Fast splittable pseudorandom number generators", 2014).
    """
    mask = 2**64 - 1
    x = (seed + 0x9E37_79B9_7F4A_7C15) & mask
    x = (x ^ x >> 30) * 0xBF58_476D_1CE4_E5B9 & mask
    x = (x ^ x >> 27) * 0x94D0_49BB_1331_11EB & mask
    return x ^ x >> 31


def message(
    index: int, impairment: Impairment, *, limit_packets: int, seed: int, change: bool, what: str,
    parent: int = tc.ROOT, handle: int = tc.ROOT_HANDLE,
) -> Request:  # fmt: skip
    """Ask for netem on an interface, or with ``change`` for other settings of the netem there, which loses no packet.

    Raises:
        InputError: as :func:`encode`.
    """
    settings = encode(impairment, limit_packets=limit_packets, seed=seed, what=what)
    body = options(settings, seeded=not change)
    return Request(tc.qdisc("netem", index, body, handle=handle, parent=parent, change=change), f"netem of {what}")


def options(settings: Settings, *, seeded: bool = True) -> dict[str, Any]:
    """The body of a netem message."""
    s = settings
    slot = s.slot or (0, 0, 0, 0)
    attrs: list[tuple[str, object]] = [
        ("TCA_NETEM_CORR", {"delay": 0, "loss": s.loss_correlation, "duplicate": s.duplicate_correlation}),
        ("TCA_NETEM_REORDER", {"probability": s.reorder, "correlation": s.reorder_correlation}),
        ("TCA_NETEM_CORRUPT", {"probability": s.corrupt, "correlation": s.corrupt_correlation}),
        ("TCA_NETEM_RATE", {"rate": min(s.rate, tc.U32_MAX)}),
        ("TCA_NETEM_RATE64", s.rate),
        ("TCA_NETEM_ECN", 0),
        ("TCA_NETEM_LATENCY64", s.delay_ns),
        ("TCA_NETEM_JITTER64", s.jitter_ns),
        ("TCA_NETEM_SLOT", dict(zip(("min_delay", "max_delay", "max_packets", "max_bytes"), slot, strict=True))),
    ]
    if s.gilbert is not None:
        nested = ("NETEM_LOSS_GE", dict(zip(("p", "r", "h", "k1"), s.gilbert, strict=True)))
        attrs.append(("TCA_NETEM_LOSS", {"attrs": [nested]}))
    if s.states is not None:
        nested = ("NETEM_LOSS_GI", dict(zip(("p13", "p31", "p32", "p14", "p23"), s.states, strict=True)))
        attrs.append(("TCA_NETEM_LOSS", {"attrs": [nested]}))
    if s.table:
        attrs.append(("TCA_NETEM_DELAY_DIST", struct.pack(f"={len(s.table)}h", *s.table)))
    if seeded and s.seed is not None:
        attrs.append(("TCA_NETEM_PRNG_SEED", s.seed))
    return {
        "latency": min(s.delay_ns // tc.TICK_NS, tc.U32_MAX), "jitter": min(s.jitter_ns // tc.TICK_NS, tc.U32_MAX),
        "limit": s.limit_packets, "loss": s.loss, "duplicate": s.duplicate, "gap": s.gap, "attrs": attrs,
    }  # fmt: skip


def decode(answer: tcmsg) -> Settings:
    """What a decoded netem message says, be it the kernel's answer or one made here.

    Raises:
        ValueError: it is about another discipline.
    """
    if answer.get_attr("TCA_KIND") != "netem":
        raise ValueError(f"this is {answer.get_attr('TCA_KIND')}, not netem")
    held = answer.get_attr("TCA_OPTIONS")
    corr, reorder = held.get_attr("TCA_NETEM_CORR"), held.get_attr("TCA_NETEM_REORDER")
    corrupt, loss = held.get_attr("TCA_NETEM_CORRUPT"), held.get_attr("TCA_NETEM_LOSS")
    gilbert = loss.get_attr("NETEM_LOSS_GE") if loss else None
    states = loss.get_attr("NETEM_LOSS_GI") if loss else None
    slot = held.get_attr("TCA_NETEM_SLOT")
    waits = (slot["min_delay"], slot["max_delay"], slot["max_packets"], slot["max_bytes"]) if slot else None
    table = held.get_attr("TCA_NETEM_DELAY_DIST") or b""
    return Settings(
        limit_packets=held["limit"],
        delay_ns=held.get_attr("TCA_NETEM_LATENCY64"),
        jitter_ns=held.get_attr("TCA_NETEM_JITTER64"),
        table=struct.unpack(f"={len(table) // 2}h", table),
        rate=held.get_attr("TCA_NETEM_RATE64") or held.get_attr("TCA_NETEM_RATE")["rate"],
        loss=held["loss"],
        loss_correlation=corr["loss"],
        gilbert=tuple(gilbert[name] for name in ("p", "r", "h", "k1")) if gilbert else None,
        states=tuple(states[name] for name in ("p13", "p31", "p32", "p14", "p23")) if states else None,
        duplicate=held["duplicate"],
        duplicate_correlation=corr["duplicate"],
        corrupt=corrupt["probability"],
        corrupt_correlation=corrupt["correlation"],
        reorder=reorder["probability"],
        reorder_correlation=reorder["correlation"],
        gap=held["gap"],
        slot=waits if waits and any(waits[:2]) else None,
        seed=held.get_attr("TCA_NETEM_PRNG_SEED"),
    )


def differences(asked: Settings, held: Settings) -> tuple[str, ...]:
    """Each setting that the kernel holds otherwise than asked, in words, but for the table, which it does not show."""
    return tuple(
        f"{f.name}: asked {getattr(asked, f.name)}, the kernel holds {getattr(held, f.name)}"
        for f in fields(Settings)
        if f.name != "table" and getattr(asked, f.name) != getattr(held, f.name)
    )


def _gilbert(loss: GilbertElliott) -> tuple[int, int, int, int]:
    """The kernel is told 1 - loss_bad, and loses in the bad state what is *above* it (``loss_gilb_ell``)."""
    kept = chance.WHOLE - 1 - chance.below(loss.loss_bad)
    return chance.below(loss.p), chance.below(loss.r), kept, chance.below(loss.loss_good)


def _states(loss: FourState) -> tuple[int, int, int, int, int]:
    """Two sums of probabilities are made in 32 bits (``loss_4state``): one that is 1 would come out as 0."""
    p13, p31, p32 = chance.below(loss.p13), chance.below(loss.p31), chance.below(loss.p32)
    p14, p23 = chance.below(loss.p14), chance.below(loss.p23)
    return min(p13, tc.U32_MAX - p14), min(p31, tc.U32_MAX - p32), p32, p14, p23
