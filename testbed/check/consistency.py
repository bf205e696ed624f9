"""Whether values that were measured follow the distribution that theory says they have.

Kolmogorov's test of one sample, made for a law that is known up to a bounded shift: theory says how a value is drawn,
or between which two laws, and that it is measured at most ``early`` sooner or ``late`` later than that. The distance is
what is left after the law and the shift that suit the values best at each place, so the p-value is never too small. It
is exact for independent values (scipy's ``kstwo``), however few.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from testbed.theory.interval import Expectation

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

POINTS = 400
FAMILY = 0.001
"""A study whose values all follow theory is called wrong as seldom as this, whatever the number of its tests."""
VALUES_MIN = 5
"""Fewer say nothing; arbitrary."""


@dataclass(frozen=True)
class Table:
    """A law as numbers, so that it can be read back: probabilities of at most each place, the least and the most."""

    places: tuple[float, ...]
    shares: tuple[float, ...]
    most: tuple[float, ...]
    early: float
    late: float
    source: str

    def to_json(self) -> dict[str, Any]:
        """JSON's own types only."""
        return {
            "places": list(self.places), "shares": list(self.shares), "most": list(self.most),
            "early": self.early, "late": self.late, "source": self.source,
        }  # fmt: skip

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Table:
        """What :meth:`to_json` wrote."""
        return cls(
            tuple(data["places"]),
            tuple(data["shares"]),
            tuple(data["most"]),
            data["early"],
            data["late"],
            data["source"],
        )


def tabulate(theory: Expectation) -> Table | None:
    """The law of an expectation over its interval; ``None``: it has none, or no interval."""
    law, low, high = theory.law, theory.low, theory.high
    if law is None or low is None or high is None or high <= low:
        return None
    places = tuple(low + (high - low) * step / POINTS for step in range(POINTS + 1))
    shares, most = ([function(place) for place in places] for function in (law.by, law.at_most))
    return Table(places, tuple(shares), tuple(most), law.early, law.late, theory.source)


def p_value(values: Sequence[float], table: Table) -> float:
    """How likely values that follow the law are to be at least as far from it. Raises ``ValueError``: no values."""
    import numpy as np
    from scipy.stats import kstwo

    if not values:
        raise ValueError("no values")
    ordered = np.sort(np.asarray(values, dtype=float))
    count = len(ordered)

    def by(places: npt.NDArray[np.float64], shares: Sequence[float]) -> npt.NDArray[np.float64]:
        return np.interp(places, table.places, shares, left=0.0, right=1.0)

    most = np.arange(1, count + 1) / count - by(ordered + table.early, table.most)
    least = by(ordered - table.late, table.shares) - np.arange(count) / count
    distance = max(0.0, float(most.max()), float(least.max()))
    return float(kstwo.sf(distance, count))
