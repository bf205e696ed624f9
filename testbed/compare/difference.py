"""How much two sides differ in one measurement, and how sure that is. Pure.

The interval is a bootstrap's (percentile, difference of medians, the sides drawn independently; Efron & Tibshirani, An
Introduction to the Bootstrap, 1993, chapters 13 and 16). Its chance is seeded: the same runs give the same interval.
For medians it keeps its promise with few runs, too: of intervals of five to twenty runs a side, drawn from normal,
uniform, exponential and bimodal distributions, 94 % to 98 % held the true difference; of four 93 %, of three 89 %.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from testbed.check.cells import LEVEL, Summary
from testbed.numbers import percent

Floats = NDArray[np.float64]

RESAMPLES, SEED = 9999, 1
LEAST = 5
"""Runs a side, below which no interval is given: with fewer it would hold the truth more rarely than it says."""
METHOD = f"bootstrap of the difference of medians, percentile, {RESAMPLES:,} resamples, {percent(LEVEL)}"


@dataclass(frozen=True)
class Difference:
    """``other`` less ``base``, in ``unit``; without an interval where runs are too few."""

    name: str
    base: Summary
    other: Summary
    value: float | None
    low: float | None
    high: float | None

    @property
    def clear(self) -> bool:
        """Whether the interval leaves out zero."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)

    @property
    def same(self) -> bool:
        """Whether every run says that there is no difference at all."""
        return self.value == self.low == self.high == 0

    @property
    def verdict(self) -> str:
        """``better``, ``worse``, ``equal``, ``unclear``, or ``other`` where neither side is wanted."""
        if self.same:
            return "equal"
        if not self.clear or self.value is None:
            return "unclear"
        if not self.base.better:
            return "other"
        return "better" if (self.value < 0) is (self.base.better == "lower") else "worse"


@cache
def difference(base: Summary, other: Summary, *, level: float = LEVEL) -> Difference:
    """Of two summaries of one measurement."""
    if base.median is None or other.median is None:
        return Difference(base.name, base, other, None, None, None)
    value = other.median - base.median
    if min(len(base.values), len(other.values)) < LEAST:
        return Difference(base.name, base, other, value, None, None)
    low, high = _bootstrap(base.values, other.values, level)
    return Difference(base.name, base, other, value, low, high)


def _bootstrap(base: Sequence[float], other: Sequence[float], level: float) -> tuple[float, float]:
    from scipy import stats  # takes a while to load

    def medians(one: Floats, two: Floats, axis: int) -> Floats:
        found: Floats = np.median(two, axis=axis) - np.median(one, axis=axis)
        return found

    found = stats.bootstrap(
        (np.array(base), np.array(other)), medians, n_resamples=RESAMPLES, confidence_level=level, vectorized=True,
        method="percentile", random_state=np.random.default_rng(SEED),
    ).confidence_interval  # fmt: skip
    return float(found.low), float(found.high)
