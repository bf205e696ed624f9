"""What netem cannot deliver, so that it is refused before anything is touched. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from functools import lru_cache
from typing import get_args

from testbed.errors import InputError, Problem, known
from testbed.model import ALL, Distribution, FourState, GilbertElliott, Impairment, Slot
from testbed.plan import distribution
from testbed.units import Duration, Ratio

DELAY_MAX = Duration(2**62)
"""Half of what netem's field holds, so that adding the clock cannot overflow."""
_S32_MAX, _U32_MAX = 2**31 - 1, 2**32 - 1
CORRELATED = {"loss": "loss_correlation", "duplicate": "duplicate_correlation", "corrupt": "corrupt_correlation",
              "reorder": "reorder_correlation"}  # fmt: skip
"""Share to its correlation."""


def shape(impairment: Impairment) -> distribution.Table | None:
    """The table of an impairment's jitter; ``None`` for no jitter. Raises :class:`InputError`."""
    return distribution.table(
        impairment.distribution, delay_ns=impairment.delay, jitter_ns=impairment.jitter, samples=impairment.table
    )


@lru_cache(maxsize=256)
def deviations_ns(impairment: Impairment) -> tuple[float, ...]:
    """What jitter adds to the delay, each value as likely as the others, ascending; empty without jitter."""
    table = shape(impairment)
    if table is None:
        return ()
    unit = impairment.jitter * table.spread / distribution.SCALE
    return tuple(entry * unit for entry in table.entries)


def reordered_share(impairment: Impairment) -> float:
    """Share of packets that skip the delay: after ``reorder_gap - 1`` that do not, each does with its chance."""
    chance = impairment.reorder.fraction
    return 1 / (impairment.reorder_gap - 1 + 1 / chance) if chance else 0.0


def problems(impairment: Impairment) -> Iterator[Problem]:
    """Everything that netem would refuse, get wrong or ignore; ``where`` is the setting."""
    yield from _delay_problems(impairment)
    if not 0 < impairment.reorder_gap <= _U32_MAX:
        what = f"{impairment.reorder_gap} is not a number of packets"
        yield Problem("reorder_gap", what, "1: any packet may be reordered")
    yield from _share_problems(impairment)
    yield from _correlation_problems(impairment)
    if isinstance(impairment.loss, FourState):
        yield from _four_state_problems(impairment.loss)
    if impairment.slot is not None:
        yield from _slot_problems(impairment.slot)


def without_effect(impairment: Impairment) -> Iterator[Problem]:
    """Settings that do nothing, and so are mistakes in a topology. In a fault they may be what is left of a link's."""
    for share, correlation in CORRELATED.items():
        if getattr(impairment, correlation) and not getattr(impairment, share):
            yield Problem(correlation, f"there is no {share} that it could correlate", f"give {share}, or leave it out")
    if impairment.delay_correlation and not impairment.jitter:
        yield Problem("delay_correlation", "there is no jitter that it could correlate", "leave it out")
    if impairment.table and impairment.distribution != "table":
        yield Problem("table", f"the distribution is {impairment.distribution}", "set it to 'table', or leave this out")
    if impairment.distribution == "table" and not impairment.table:
        yield Problem("distribution", "'table' without a table", "give measured delays in table=")
    if impairment.reorder_gap > 1 and not impairment.reorder:
        yield Problem("reorder_gap", "nothing is reordered", "give reorder, or leave it out")


def _delay_problems(i: Impairment) -> Iterator[Problem]:
    if not 0 <= i.delay <= DELAY_MAX:
        yield Problem("delay", f"{i.delay} is not a delay that netem can hold", f"between 0 ms and {DELAY_MAX}")
    if i.distribution not in get_args(Distribution):
        yield Problem("distribution", f"{i.distribution!r} is none", known(i.distribution, get_args(Distribution)))
    else:
        try:
            shape(i)
        except InputError as error:
            yield from error.problems
    if i.delay_correlation and i.jitter:
        # It picks the table's entry by ``random % size``, so by the low bits, which its correlation leaves independent.
        yield Problem(
            "delay_correlation",
            "netem takes a correlation of delays and then loses it",
            "leave it out: ordered packets that are sent close together have correlated delays anyway",
        )
    if i.reorder and not i.delay and not i.jitter:
        yield Problem("reorder", "reordered packets skip the delay, and there is none", "give the link a delay")


def _share_problems(i: Impairment) -> Iterator[Problem]:
    named = {f.name: getattr(i, f.name) for f in fields(i)}
    if isinstance(i.loss, GilbertElliott | FourState):
        named |= {f"loss, {f.name}": getattr(i.loss, f.name) for f in fields(i.loss)}
    for name, value in named.items():
        if isinstance(value, Ratio) and not 0 <= value <= ALL:
            yield Problem(name, f"{value} is no share: it lies between 0 % and 100 %", "for example 0.5 %")


def _correlation_problems(i: Impairment) -> Iterator[Problem]:
    if isinstance(i.loss, GilbertElliott | FourState) and i.loss_correlation:
        what = "a loss model has its own correlation, and netem ignores this one"
        yield Problem("loss_correlation", what, "leave it out")
    for name, setting in CORRELATED.items():
        share, correlation = getattr(i, name), getattr(i, setting)
        if isinstance(share, Ratio) and correlation >= ALL and 0 < share < ALL:
            what = "at 100 % netem draws one number for ever: all packets, or none"
            yield Problem(setting, what, "99 % is strong already")


def _four_state_problems(loss: FourState) -> Iterator[Problem]:
    for name, total in (("p13 + p14", loss.p13 + loss.p14), ("p31 + p32", loss.p31 + loss.p32)):
        if total > ALL:
            yield Problem(
                "loss", f"{name} is {Ratio(total)}, more than 100 %", "lower p31, which is 100 % unless given"
            )


def _slot_problems(slot: Slot) -> Iterator[Problem]:
    if not 0 <= slot.min <= slot.max or slot.max == 0:
        yield Problem("slot", f"it lasts from {slot.min} to {slot.max}", "min is at most max, and max more than 0")
    if slot.max > DELAY_MAX:
        yield Problem("slot", f"{slot.max} is longer than netem can wait", f"at most {DELAY_MAX}")
    for name, value in (("packets", slot.packets), ("bytes", int(slot.bytes))):
        if not 0 <= value <= _S32_MAX:
            yield Problem("slot", f"{name} is {value}", f"netem takes 0 (no limit) to {_S32_MAX}")
