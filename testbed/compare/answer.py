"""The answer of a comparison: which side is better, on what, by how much, and what must not be read into it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from testbed.check.cells import LEVEL, Summary
from testbed.compare.comparison import Comparison, Place, differences, summaries
from testbed.compare.difference import LEAST, Difference, difference
from testbed.numbers import capital, counted, interval, listed, number, percent, quantity, spoken

ANSWERS_MAX = 6
"""Sentences of the answer; arbitrary: more are not read."""
PLACES_TOLD = 2
"""So many cells are told one by one, more are counted; arbitrary."""
MISSED = 0.05
"""How likely all runs of a cell miss what is rare, for the number that is told."""
MANY = 10
"""From so many differences on it is said how many of their intervals miss; arbitrary."""

Ranked = Sequence[tuple[str, Summary]]
"""Sides that have a number, from the best median on."""


def answer(comparison: Comparison) -> list[str]:
    """A sentence for each measurement of which one side is wanted; the rest is in the tables."""
    wanted = [name for name in comparison.measured if _direction(comparison, name)]
    if not wanted:
        return ["No measurement says which side is better: see the differences."]
    sentences = [_sentence(comparison, name) for name in wanted[:ANSWERS_MAX]]
    rest = [spoken(name) for name in wanted[ANSWERS_MAX:]]
    return [*sentences, f"In the tables as well: {listed(rest)}."] if rest else sentences


def _direction(comparison: Comparison, name: str) -> str:
    """``lower`` or ``higher``; empty: neither side is wanted."""
    every = (each for place in comparison.places for each in summaries(place, name) if each is not None)
    return next((each.better for each in every if each.better), "")


def _sentence(comparison: Comparison, name: str) -> str:
    title, places = capital(spoken(name)), comparison.places
    if len(places) == 1:
        return f"{title}: {_best(comparison, places[0], name)}"
    if len(places) <= PLACES_TOLD:
        return " ".join(f"{title} with {each.name}: {_best(comparison, each, name)}" for each in places)
    return f"{title}: {'; '.join(_counts(comparison, name))}."


def _counts(comparison: Comparison, name: str) -> Iterator[str]:
    """In how many cells each side is clearly best, and by how much."""
    total, led = len(comparison.places), {side: list[float]() for side in comparison.names}
    same, unit = 0, ""
    for place in comparison.places:
        ranked = _ranked(comparison, place, name)
        if len(ranked) < 2:
            continue
        found, unit = difference(ranked[1][1], ranked[0][1]), ranked[0][1].unit
        same += found.same
        if found.verdict == "better":
            led[ranked[0][0]].append(abs(found.value or 0))
    for side, leads in led.items():
        if leads:
            ahead = f"{interval(min(leads), max(leads))} {unit}".rstrip().removeprefix("exactly ")
            yield f"{side} is best in {len(leads)} of {counted(total, 'cell')}, {ahead} ahead of the next"
    if same:
        yield f"the best are equal in {same}"
    unclear = total - same - sum(map(len, led.values()))
    if unclear:
        yield f"{unclear} of {total} are too close to call, or not measured on two sides"


def _ranked(comparison: Comparison, place: Place, name: str) -> Ranked:
    pairs = zip(comparison.names, summaries(place, name), strict=True)
    known = [(side, each) for side, each in pairs if each is not None and each.median is not None]
    sign = -1 if _direction(comparison, name) == "higher" else 1
    return sorted(known, key=lambda pair: sign * (pair[1].median or 0.0))


def _best(comparison: Comparison, place: Place, name: str) -> str:
    """All medians, then which is clearly best and worst, and by how much."""
    ranked = _ranked(comparison, place, name)
    lacking = [side for side in comparison.names if side not in dict(ranked)]
    parts = [f"not measured: {listed(lacking)}"] if lacking else []
    values = ", ".join(f"{side} {quantity(each.median, each.unit)}" for side, each in ranked)
    if len(ranked) < 2:
        return f"{'; '.join([values, *parts]) if values else 'measured on no side'}."
    medians = " (medians)" if any(len(each.values) > 1 for _, each in ranked) else ""
    if min(len(each.values) for _, each in ranked) < LEAST:
        parts.append(f"with fewer than {LEAST} runs a side nothing is said about chance")
    else:
        parts = [*_claims(ranked), *parts]
    return f"{values}{medians}: {'; '.join(parts)}."


def _claims(ranked: Ranked) -> Iterator[str]:
    """What is clear about the first and the last."""
    (first, one), (second, other) = ranked[:2]
    lead = difference(other, one)
    alike = [side for side, each in ranked if difference(one, each).same]
    close = [side for side, each in ranked if not difference(one, each).clear]
    if len(alike) == len(ranked):
        yield "all are equal"
    elif lead.clear:
        yield f"{first} is best, {_by(lead, second)}"
    else:
        yield f"{listed(close)} are too close to call" if len(alike) < len(close) else f"{listed(alike)} are equal"
    last, worst = ranked[-1]
    behind = difference(one, worst)
    if len(ranked) > 2 and behind.clear:
        yield f"{last} is worst, {_by(behind, first)}"


def _by(found: Difference, than: str) -> str:
    by = quantity(abs(found.value or 0), found.base.unit)
    low, high = sorted((abs(found.low or 0), abs(found.high or 0)))
    between = f"{percent(LEVEL)} interval {number(low)} to {number(high)} {found.base.unit}".rstrip()
    return f"{by} {'less' if (found.value or 0) < 0 else 'more'} than {than} ({between})"


def not_shown(comparison: Comparison) -> list[str]:
    """What must not be read into it."""
    runs = [len(result.runs) for place in comparison.places for result in place.results]
    few, most = min(runs), max(runs)
    count = counted(few, "run") if few == most else f"{few} to {counted(most, 'run')}"
    share = 1 - MISSED ** (1 / few)
    missed = f"what happens in {percent(share)} of runs is missed by {few} of them once in {1 / MISSED:.0f} times"
    lines = [
        f"What is rare: a cell has {count}, and {missed if few > 1 else 'one run shows nothing of it'}.",
        "How often a failure happens: each was made to happen. Price and operation are not measured.",
        "Other numbers than those in the table, and other settings than those of the runs.",
    ]
    total = sum(
        each is not None and each.low is not None
        for place in comparison.places for name in comparison.measured for each in differences(place, name)
    )  # fmt: skip
    if total >= MANY:
        once = f"{1 / (1 - LEVEL):.0f}"
        lines.append(f"That all intervals are right at once: there are {total}, and one in {once} misses the truth.")
    if any("virtual" in side.facts.get("clock", {}) for side in comparison.sides):
        lines.append("What computing costs: on the virtual clock time passes by waiting alone.")
    return lines
