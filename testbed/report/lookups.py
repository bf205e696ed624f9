"""Names that were asked for again and again: when each was learned, how long that took, and how it failed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from testbed.check.lookups import Lookup, parse, results
from testbed.numbers import listed, number


@dataclass(frozen=True)
class Asked:
    """What one probe asked for, and what came of it, in order."""

    name: str
    source: str
    target: str
    lookups: tuple[Lookup, ...]


def read_lookups(text: str, name: str, source: str, target: str) -> Asked | None:
    """Read a probe's CSV; ``None`` when it is of another kind, or empty. Raises ``ValueError``: a line is wrong."""
    found = parse(text)
    return Asked(name, source, target, found) if found else None


def lookup_sentence(every: Sequence[Asked]) -> str:
    """How many were answered, and what became of the others."""
    return " ".join(_sentence(each) for each in every)


def _sentence(one: Asked) -> str:
    times = [each.took_ms for each in one.lookups if each.ok]
    said = f"{one.name}: {one.source} learned {one.target} in {len(times)} of {len(one.lookups)} lookups"
    said += f", median {number(median(times))} ms" if times else ""
    others = [f"{count} {word}" for word, count in results(each for each in one.lookups if not each.ok).most_common()]
    return f"{said}; {listed(others)}." if others else f"{said}."
