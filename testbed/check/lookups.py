"""What questions for names came to, read from the samples of a probe. Pure functions of the record."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

from testbed.history import History
from testbed.resolvers import RESULTS


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


def lookups(history: History, name: str) -> tuple[Lookup, ...]:
    """All of a probe, in order; none where it left no samples."""
    if name not in history.sample_names():
        return ()
    columns = history.samples(name)
    rows = zip(columns["sent_ns"], columns["done_ns"], columns["result"], columns["ttl"], strict=True)
    return tuple(
        Lookup(sent, done, RESULTS[result], ttl)
        for sent, done, result, ttl in rows
        if sent is not None and done is not None and result is not None
    )


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
