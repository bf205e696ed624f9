"""The samples of a probe that sends numbered packets, as arrays: what charts and their sentences are computed from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from testbed.check.flows import Gap

COLUMNS = ("sent_ns", "reached_ns", "returned_ns")
NEVER = -1
Instants = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Stream:
    """A probe's packets in sending order; ``returned_ns`` is :data:`NEVER` for those that never came back."""

    name: str
    source: str
    target: str
    sent_ns: Instants
    returned_ns: Instants

    @cached_property
    def lost(self) -> NDArray[np.bool_]:
        """Which packets never came back."""
        return np.equal(self.returned_ns, NEVER)

    @cached_property
    def rtt_ms(self) -> NDArray[np.float64]:
        """Round-trip times, NaN where there is none."""
        return np.where(self.lost, np.nan, (self.returned_ns - self.sent_ns) / 1e6)

    @cached_property
    def spacing_ns(self) -> int:
        """The usual distance of two packets."""
        return int(np.median(np.diff(self.sent_ns))) if len(self.sent_ns) > 1 else 0

    @cached_property
    def gaps(self) -> tuple[Gap, ...]:
        """Every run of lost packets. One that lasts to the end is counted up to the last packet sent."""
        edges = np.flatnonzero(np.diff(np.concatenate(([0], self.lost.astype(np.int8), [0]))))
        begins, ends = edges[::2], edges[1::2]
        last = len(self.sent_ns) - 1
        return tuple(
            Gap(int(self.sent_ns[begin]), int(self.sent_ns[min(end, last)]), int(end - begin))
            for begin, end in zip(begins.tolist(), ends.tolist(), strict=True)
        )

    @property
    def longest(self) -> Gap | None:
        """The longest gap, if any packet was lost."""
        return max(self.gaps, key=lambda gap: (gap.end_ns - gap.start_ns, gap.packets), default=None)

    @property
    def who(self) -> str:
        """From where to where, where that is known."""
        return f"{self.source} → {self.target}" if self.source and self.target else self.name

    def median_rtt_ms(self, start_ns: int, stop_ns: int) -> float | None:
        """Median round-trip time of the packets sent in a span of time."""
        chosen = self.rtt_ms[(self.sent_ns >= start_ns) & (self.sent_ns < stop_ns) & ~self.lost]
        return float(np.median(chosen)) if len(chosen) else None


def read_stream(text: str, name: str, source: str, target: str) -> Stream | None:
    """Read a probe's CSV; ``None`` when it is of another kind. Raises ``ValueError`` with the line that is wrong."""
    header, _, body = text.partition("\n")
    columns = header.strip().split(",")
    if not set(COLUMNS) <= set(columns):
        return None
    sent, returned = columns.index("sent_ns"), columns.index("returned_ns")
    pairs = []
    for number, line in enumerate(body.splitlines(), start=2):
        cells = line.split(",")
        try:
            if len(cells) != len(columns):
                raise ValueError(f"{len(cells)} cells instead of {len(columns)}")
            pairs.append((int(cells[sent]), int(cells[returned]) if cells[returned] else NEVER))
        except ValueError as error:
            raise ValueError(f"line {number}: {error}") from error
    table = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return Stream(name, source, target, table[:, 0], table[:, 1])


@dataclass(frozen=True, eq=False)
class Thinned:
    """A curve with a minimum, median and maximum for each pixel column, so that no extreme is lost."""

    centre_s: NDArray[np.float64]
    low: NDArray[np.float64]
    middle: NDArray[np.float64]
    high: NDArray[np.float64]


def thin(t_s: NDArray[np.float64], values: NDArray[np.float64], start_s: float, stop_s: float, columns: int) -> Thinned:
    """Extremes and median in each of ``columns`` equal spans of time; NaN where there is no value."""
    width = (stop_s - start_s) / columns
    place = np.floor((t_s - start_s) / width)
    good = ~np.isnan(values) & (place >= 0) & (place < columns)
    index, kept = place[good].astype(np.int64), values[good]
    order = np.lexsort((kept, index))
    index, kept = index[order], kept[order]
    begins = np.searchsorted(index, np.arange(columns))
    counts = np.bincount(index, minlength=columns)
    some = counts > 0
    low, middle, high = (np.full(columns, np.nan) for _ in range(3))
    low[some] = kept[begins[some]]
    middle[some] = kept[(begins + (counts - 1) // 2)[some]]
    high[some] = kept[(begins + counts - 1)[some]]
    centres: NDArray[np.float64] = start_s + (np.arange(columns, dtype=np.float64) + 0.5) * width
    return Thinned(centres, low, middle, high)
