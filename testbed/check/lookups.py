"""What questions for names came to, read from the samples of a probe. Pure functions of the record."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

from testbed.history import SAMPLES, History
from testbed.resolvers import RESULTS

HEADER = "seq,sent_ns,done_ns,result,ttl"
"""First line of its samples."""


@dataclass(frozen=True)
class Lookup:
    """One question. ``result`` is a word of :data:`testbed.resolvers.RESULTS`; ``ttl`` in s."""

    sent_ns: int
    done_ns: int
    result: str
    ttl: int | None

    @property
    def ok(self) -> bool:
        """The right answer came."""
        return self.result == "answer"

    @property
    def took_ms(self) -> float:
        """From the question to its end."""
        return (self.done_ns - self.sent_ns) / 10**6


def parse(text: str) -> tuple[Lookup, ...]:
    """The samples of a probe, in order; none where they are of another kind. Raises ``ValueError``: a line is wrong."""
    lines = text.splitlines()
    if lines[:1] != [HEADER]:
        return ()
    return tuple(_parse(number, line) for number, line in enumerate(lines[1:], start=2))


def _parse(number: int, line: str) -> Lookup:
    cells = line.split(",")
    try:
        _, sent, done, result = map(int, cells[:4])
        return Lookup(sent, done, RESULTS[result], int(cells[4]) if cells[4] else None)
    except (ValueError, IndexError) as error:
        raise ValueError(f"line {number}: {error}") from None


def lookups(history: History, name: str) -> tuple[Lookup, ...]:
    """All of a probe, in order; none where it left no samples."""
    path = history.record / SAMPLES / f"{name}.csv"
    return parse(path.read_text(encoding="ascii")) if path.exists() else ()


def median_ms(some: Iterable[Lookup]) -> float | None:
    """Of those that were answered; ``None``: none was."""
    times = [each.took_ms for each in some if each.ok]
    return median(times) if times else None


def between(some: Iterable[Lookup], begun_ns: int, ended_ns: int) -> tuple[Lookup, ...]:
    """Those that were asked within a span of time."""
    return tuple(each for each in some if begun_ns <= each.sent_ns < ended_ns)


def results(some: Iterable[Lookup]) -> Counter[str]:
    """How many ended how."""
    return Counter(each.result for each in some)
