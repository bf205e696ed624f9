"""Tables that give netem's jitter its shape.

netem draws an entry ``t`` of a table at random and delays a packet by ``delay + jitter * t / 8192``, rounded to a
nanosecond (``tabledist`` in ``net/sched/sch_netem.c``). Every table made here has mean 0 and standard deviation 1
in that scale, so ``jitter`` is the standard deviation of the delay whatever the shape. (iproute2's own tables differ:
its ``pareto`` has a standard deviation of 0.82 and a mean of -0.03, its ``uniform`` a deviation of 0.58.)

A delay below 0 is sent at once by the kernel, which would raise the mean and lower the deviation. So no table reaches
below ``-delay / jitter``: shapes with a lower tail are cut there and stretched, and what cannot be had is refused.
Entries are sorted: a table is the quantile function of its shape.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist, fmean

from testbed.errors import InputError, Problem
from testbed.model import Distribution
from testbed.units import Duration

SCALE = 8192
"""Entries of one standard deviation (``NETEM_DIST_SCALE``, ``include/uapi/linux/pkt_sched.h``)."""
ENTRIES_MAX = 16384
"""``NETEM_DIST_MAX``, same place."""
ENTRIES = 4096
"""As many as iproute2's tables have (``netem/pareto.c``): 8 KiB in each message."""
ENTRY_MAX = 2**15 - 1
JITTER_NS_MAX = 2**31 - 1
"""What netem cuts its jitter to (``netem_change``): 2.1 s."""
TAIL = ENTRY_MAX / SCALE
"""Where iproute2 cuts its tables and we cut the named shapes: 4 standard deviations."""
PARETO_SHAPE = 3.0
"""``a`` in iproute2's ``netem/pareto.c``."""
NORMAL_SHARE = 0.25
"""Of ``paretonormal``; the rest is Pareto (iproute2's ``netem/paretonormal.c``)."""
_STEPS_MAX = 200
"""Bound of each search below; all end within 60."""


@dataclass(frozen=True)
class Table:
    """A shape for netem.

    Attributes:
        entries: what goes into ``TCA_NETEM_DELAY_DIST``, sorted.
        spread: by how much to multiply the jitter that the kernel is told; more than 1 where the shape reaches beyond
            the four standard deviations that an entry can hold.
    """

    entries: tuple[int, ...]
    spread: int = 1


def table(distribution: Distribution, *, delay_ns: int, jitter_ns: int, samples: Sequence[int] = ()) -> Table | None:
    """The table that delivers a standard deviation of ``jitter_ns`` around ``delay_ns``; ``None`` for no jitter.

    Args:
        distribution: the shape.
        delay_ns: mean, in nanoseconds.
        jitter_ns: standard deviation, in nanoseconds.
        samples: for ``table``: measured delays in any one unit. All count alike; more than 16384 are thinned evenly.

    Raises:
        InputError: the kernel cannot deliver that; the hint says what it could.
    """
    if jitter_ns < 0 or delay_ns < 0:
        raise _refuse("a delay and its jitter cannot be negative")
    if jitter_ns == 0:
        return None
    if distribution == "constant":
        raise _refuse("a constant delay has no jitter", "take the jitter away, or choose another distribution")
    made = _measured(tuple(samples)) if distribution == "table" else _named(distribution, delay_ns / jitter_ns)
    if made.spread * jitter_ns > JITTER_NS_MAX:
        most = Duration(JITTER_NS_MAX // made.spread // 10**6 * 10**6)
        raise _refuse(f"the kernel takes at most {most} of jitter in this shape", "lower it")
    # The lowest entry that leaves no delay below 0. One entry too low is rounding, and is raised; more is refused.
    floor = -(delay_ns * SCALE // (jitter_ns * made.spread))
    if made.entries[0] < floor - 1:
        reach = -made.entries[0] * made.spread / SCALE
        raise _refuse(
            f"{distribution} jitter reaches {reach:.2f} standard deviations below the mean, and so below a delay of 0",
            f"the delay must be at least {reach:.3f} times the jitter: {_rounded_up(reach * jitter_ns)}",
        )
    return Table(tuple(max(entry, floor) for entry in made.entries), made.spread)


def _rounded_up(ns: float) -> Duration:
    """A delay that reads well."""
    return Duration(math.ceil(ns / 1000) * 1000)


def _refuse(what: str, hint: str = "") -> InputError:
    return InputError(Problem("jitter", what, hint))


def _named(distribution: str, room: float) -> Table:
    """A named shape that stays above ``-room`` standard deviations, where cutting its lower tail can do that."""
    has_lower_tail = distribution in ("normal", "paretonormal")
    return _cut_to(distribution, min(room, TAIL) if has_lower_tail else TAIL)


@lru_cache(maxsize=256)
def _cut_to(distribution: str, room: float) -> Table:
    """Most links have more room than the shape needs, and so share one table."""
    if distribution == "uniform":
        values = list(_midpoints())
    elif distribution == "normal":
        values = _normal(_normal_cut(room))
    elif distribution == "pareto":
        values = _pareto()
    elif distribution == "paretonormal":
        values = _paretonormal(room)
    else:
        raise ValueError(f"no distribution is called {distribution!r}")
    return Table(tuple(round(value * SCALE) for value in _standardise(values, TAIL)))


@lru_cache(maxsize=64)
def _measured(samples: tuple[int, ...]) -> Table:
    """The shape of measured delays, outliers and all."""
    ordered = sorted(samples)
    if len(ordered) > ENTRIES_MAX:
        ordered = [ordered[(2 * i + 1) * len(ordered) // (2 * ENTRIES_MAX)] for i in range(ENTRIES_MAX)]
    if not ordered or ordered[0] == ordered[-1]:
        raise _refuse("a table needs at least two delays that differ", "give the measured delays, or use normal")
    values = _standardise([float(value) for value in ordered], math.inf)
    spread = math.ceil(max(-values[0], values[-1]) / TAIL)
    return Table(tuple(round(value * SCALE / spread) for value in values), spread)


def _midpoints() -> tuple[float, ...]:
    """The middles of ``ENTRIES`` equal parts of 0 to 1."""
    return tuple((i + 0.5) / ENTRIES for i in range(ENTRIES))


def _standardise(values: list[float], tail: float) -> list[float]:
    """Shift and stretch to mean 0 and standard deviation 1, and raise no value above ``tail``.

    Cutting the tail lowers the deviation, so it is stretched and cut again until nothing changes.
    """
    for _ in range(_STEPS_MAX):
        mean = fmean(values)
        deviation = math.sqrt(fmean([(value - mean) ** 2 for value in values]))
        values = [(value - mean) / deviation for value in values]
        if values[-1] <= tail + 1e-6:
            return values
        values = [min(value, tail) for value in values]
    raise AssertionError("the shape cannot have its tail cut there")


def _normal(cut: float) -> list[float]:
    """Quantiles of a normal distribution cut at ``cut`` standard deviations on both sides."""
    normal = NormalDist()
    outside = normal.cdf(-cut)
    return [normal.inv_cdf(outside + p * (1 - 2 * outside)) for p in _midpoints()]


def _normal_cut(reach: float) -> float:
    """Where to cut a normal distribution so that, stretched to a deviation of 1, it ends at ``reach`` on both sides.

    Cut ever closer it becomes a uniform one, which ends at the square root of 3: below that the answer is 0, which is
    too far. Source: the variance of a truncated normal distribution, 1 - 2 c pdf(c) / (cdf(c) - cdf(-c)).
    """
    normal = NormalDist()

    def end(cut: float) -> float:
        return cut / math.sqrt(1 - 2 * cut * normal.pdf(cut) / (2 * normal.cdf(cut) - 1))

    return _largest(lambda cut: end(cut) <= reach, 0.05, 8.0)


def _pareto() -> list[float]:
    """Quantiles of a Pareto distribution."""
    return [(1 - p) ** (-1 / PARETO_SHAPE) for p in _midpoints()]


def _paretonormal(reach: float) -> list[float]:
    """Weighted sum of the quantiles of both shapes, the normal one cut so that the sum stays above ``-reach``."""
    pareto = _standardise(_pareto(), TAIL)

    def mixed(cut: float) -> list[float]:
        normal = _normal(cut)
        scale = math.sqrt(fmean([value * value for value in normal]))
        sums = [NORMAL_SHARE * n / scale + (1 - NORMAL_SHARE) * p for n, p in zip(normal, pareto, strict=True)]
        return _standardise(sums, TAIL)

    if mixed(8.0)[0] >= -reach:
        return mixed(8.0)
    return mixed(_largest(lambda cut: mixed(cut)[0] >= -reach, 0.05, 8.0, steps=16))


def _largest(holds: Callable[[float], bool], low: float, high: float, steps: int = 60) -> float:
    """The largest value between ``low`` and ``high`` for which something holds that holds below some value only."""
    for _ in range(steps):
        middle = (low + high) / 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low
