"""What theory says about one number: the value every expectation in this package is returned as."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from testbed.units import Duration


@dataclass(frozen=True)
class Law:
    """How likely each value is.

    Attributes:
        by: the probability of a value of at most this, at least; what is measured follows it but for what comes next.
        most: the same, at most, where theory does not know how much what decides depends on each other.
        early, late: by how much less, or more, may be measured than was drawn, for reasons that theory only bounds.
    """

    by: Callable[[float], float]
    early: float = 0.0
    late: float = 0.0
    most: Callable[[float], float] | None = None

    def at_most(self, value: float) -> float:
        """The largest probability of a value of at most this."""
        return (self.most or self.by)(value)


@dataclass(frozen=True)
class Expectation:
    """An expected value, the interval it must lie in, and who says so.

    Attributes:
        expected: the mean (or, for a plain limit, the limit); ``None``: theory gives only bounds.
        low, high: what theory allows, both inclusive; ``None``: unbounded on that side.
        unit: of all three, such as ``s``, ``bit/s`` or ``B``.
        source: formula and where it comes from.
        law: the distribution, in this unit, where theory has one.
    """

    expected: float | None
    low: float | None
    high: float | None
    unit: str
    source: str
    law: Law | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        numbers = [number for number in (self.low, self.expected, self.high) if number is not None]
        if not all(math.isfinite(number) for number in numbers):
            raise ValueError(f"an expectation holds finite numbers or None, not {self}")
        if numbers != sorted(numbers):
            raise ValueError(f"low, expected and high must not decrease: {self}")

    def contains(self, value: float) -> bool:
        """True when ``value``, in this unit, is within the bounds. NaN never is."""
        if math.isnan(value):
            return False
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)

    def within(self, share: float) -> Expectation:
        """The same with both bounds set ``share`` (0.1 is 10 %) of the expected value around it.

        For formulas that give no bounds of their own. The share is the caller's judgement, and the source says so.

        Raises:
            ValueError: nothing is expected, or the share is negative.
        """
        if self.expected is None or share < 0:
            raise ValueError(f"no share of {self.expected} can be allowed: {share}")
        slack = abs(self.expected) * share
        source = f"{self.source}; bounds are {share:.1%} around it"
        return replace(self, low=self.expected - slack, high=self.expected + slack, source=source, law=None)

    def scaled(self, factor: float, unit: str) -> Expectation:
        """The same in another unit, ``factor`` of which make one of this.

        Raises:
            ValueError: the factor is not positive.
        """
        if factor <= 0:
            raise ValueError(f"no unit is {factor} of another")
        low, expected, high = (None if n is None else n * factor for n in (self.low, self.expected, self.high))
        return replace(self, low=low, expected=expected, high=high, unit=unit, law=None)

    def seen_by_probes(self, spacing: Duration) -> Expectation:
        """A gap in s, as probes sent each ``spacing`` see it: from the first that is lost to the first that is not.

        That is shorter or longer by up to one spacing, and the same on average.
        """
        step = spacing.seconds
        low = None if self.low is None else max(0.0, self.low - step)
        high = None if self.high is None else self.high + step
        law = self.law and replace(self.law, early=self.law.early + step, late=self.law.late + step)
        return replace(self, low=low, high=high, source=f"{self.source}; seen by probes each {spacing}", law=law)


def exactly(value: float, unit: str, source: str) -> Expectation:
    """A value that admits no deviation, such as a size in bytes."""
    return Expectation(value, value, value, unit, source)


def smallest(*expectations: Expectation) -> Expectation:
    """The one with the smallest expected value: what binds when several limits hold at once.

    Raises:
        ValueError: none is given, one expects nothing, or the units differ.
    """
    if len({each.unit for each in expectations}) != 1 or any(each.expected is None for each in expectations):
        raise ValueError("limits are comparable when each expects a value and all have one unit")
    return min(expectations, key=lambda each: each.expected or 0.0)
