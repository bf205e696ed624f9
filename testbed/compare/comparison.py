"""A comparison: sides on the same axes, their differences, what has to be said about them, and the answer. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from testbed.check.cells import LEVEL, Summary, shown, summarise
from testbed.compare.difference import LEAST, Difference, difference
from testbed.compare.sides import FACTS, Side
from testbed.errors import InputError, Problem
from testbed.report.numbers import counted, listed, number, quantity
from testbed.study import At, CellResult
from testbed.verdict import Verdict

ANSWERS_MAX = 6
"""Sentences of the answer; arbitrary: more are not read."""
PLACES_TOLD = 2
"""So many cells are told one by one, more are counted; arbitrary."""


@dataclass(frozen=True)
class Place:
    """A place on the axes that every side has, with the result of each, in the order of sides."""

    at: At
    results: tuple[CellResult, ...]

    @property
    def name(self) -> str:
        """Empty where there are no axes."""
        return ", ".join(f"{axis} {label}" for axis, label in self.at.items())


@dataclass(frozen=True)
class Comparison:
    """Sides, the places that all have, and what is not comparable."""

    sides: tuple[Side, ...]
    places: tuple[Place, ...]
    missing: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Of the sides."""
        return tuple(side.name for side in self.sides)

    @property
    def measured(self) -> tuple[str, ...]:
        """What is compared: what has a better side or a bound."""
        return shown([result for place in self.places for result in place.results])


def compare(sides: Sequence[Side]) -> Comparison:
    """Bring sides together. Raises :class:`InputError`: they have other axes, or no cell that is everywhere."""
    axes = [tuple(sorted(axis.name for axis in side.axes)) for side in sides]
    first = listed(list(axes[0])) or "nothing"
    problems = [
        Problem(
            side.name, f"is varied by {listed(list(found)) or 'nothing'}, {sides[0].name} by {first}",
            "compare what has the same axes",
        )
        for side, found in zip(sides, axes, strict=True) if found != axes[0]
    ]  # fmt: skip
    if problems:
        raise InputError(problems)
    by_place: dict[tuple[tuple[str, str], ...], dict[str, CellResult]] = {}
    for side in sides:
        for result in side.results:
            by_place.setdefault(tuple(sorted(result.cell.at.items())), {})[side.name] = result
    places, missing = [], []
    for found in by_place.values():
        at = next(iter(found.values())).cell.at
        if len(found) == len(sides):
            places.append(Place(at, tuple(found[side.name] for side in sides)))
        else:
            lacking = listed([side.name for side in sides if side.name not in found])
            missing.append(f"{Place(at, ()).name} is not in {lacking}")
    if not places:
        raise InputError(Problem("compare", "no cell is in every side", "compare what has the same values on its axes"))
    return Comparison(tuple(sides), tuple(places), tuple(missing))


def loud(comparison: Comparison) -> list[str]:
    """What differs besides what is compared, and what is in no number: to be said before any of them."""
    return [*_facts(comparison.sides), *comparison.missing, *_not_passed(comparison)]


def _facts(sides: Sequence[Side]) -> Iterator[str]:
    for name in dict.fromkeys(name for side in sides for name in side.facts):
        values = [side.facts.get(name, ()) for side in sides]
        if not all(values):
            continue  # a parameter that only some topologies have
        if len({tuple(sorted(value)) for value in values}) > 1:
            each = "; ".join(f"{side.name}: {' and '.join(value)}" for side, value in zip(sides, values, strict=True))
            yield f"the {name.replace('_', ' ')} differs: {each}"
        elif len(values[0]) > 1 and name in FACTS:
            yield f"within the sides the {name.replace('_', ' ')} differs: {', '.join(values[0])}"


def _not_passed(comparison: Comparison) -> Iterator[str]:
    words = {
        Verdict.UNKNOWN: "UNKNOWN and in no number",
        Verdict.FAIL: "FAIL: theory does not allow what they measured",
    }
    for number_of, side in enumerate(comparison.sides):
        runs = [run for place in comparison.places for run in place.results[number_of].runs]
        for verdict, said in words.items():
            these = [run for run in runs if run.judgement.verdict is verdict]
            if these:
                why = these[0].judgement.why[0].splitlines()[0] if these[0].judgement.why else "no reason on record"
                yield f"{side.name}: {len(these)} of {len(runs)} runs are {said} ({why})"


def summaries(place: Place, name: str) -> list[Summary | None]:
    """One measurement at a place, side by side."""
    return [summarise(result, name) for result in place.results]


def differences(place: Place, name: str) -> list[Difference | None]:
    """Of each side to the first; ``None`` where one has no such number."""
    base, *others = summaries(place, name)
    return [None if base is None or other is None else difference(base, other) for other in others]


def answer(comparison: Comparison) -> list[str]:
    """Which side is better, on what, and by how much: a sentence for each measurement with a better side."""
    sentences = [
        sentence
        for name in comparison.measured
        if any((each := found[0]) is not None and each.better for found in _all(comparison, name))
        and (sentence := _sentence(comparison, name))
    ]
    if not sentences:
        return ["No measurement says which side is better: see the differences."]
    return sentences[:ANSWERS_MAX]


def _all(comparison: Comparison, name: str) -> list[list[Summary | None]]:
    return [summaries(place, name) for place in comparison.places]


def _sentence(comparison: Comparison, name: str) -> str:
    words = name.replace("_", " ")
    if len(comparison.places) == 1:
        return f"{words[:1].upper()}{words[1:]}: {_best(comparison, comparison.places[0], name)}."
    if len(comparison.places) <= PLACES_TOLD:
        each = [f"with {place.name} {_best(comparison, place, name)}" for place in comparison.places]
        return f"{words[:1].upper()}{words[1:]}: {'; '.join(each)}."
    wins = dict.fromkeys(comparison.names, 0)
    for place in comparison.places:
        winner = _winner(comparison, place, name)
        if winner is not None:
            wins[winner] += 1
    total = len(comparison.places)
    parts = [f"{side} is best in {count} of {counted(total, 'cell')}" for side, count in wins.items() if count]
    unclear = total - sum(wins.values())
    parts += [f"{unclear} of {total} are too close to call"] if unclear else []
    return f"{words[:1].upper()}{words[1:]}: {'; '.join(parts)}."


def _ranked(comparison: Comparison, place: Place, name: str) -> list[tuple[str, Summary]]:
    """From the best median on."""
    pairs = zip(comparison.names, summaries(place, name), strict=True)
    known = [(side, each) for side, each in pairs if each is not None and each.median is not None]
    lower = all(each.better != "higher" for _, each in known)
    return sorted(known, key=lambda pair: (pair[1].median or 0.0) * (1 if lower else -1))


def _winner(comparison: Comparison, place: Place, name: str) -> str | None:
    """The side that is clearly better than the next; ``None``: there is none."""
    ranked = _ranked(comparison, place, name)
    if len(ranked) < 2:
        return None
    return ranked[0][0] if difference(ranked[1][1], ranked[0][1]).verdict == "better" else None


def _best(comparison: Comparison, place: Place, name: str) -> str:
    ranked = _ranked(comparison, place, name)
    if len(ranked) < 2:
        return "it was not measured on two sides"
    (first, one), (second, other) = ranked[:2]
    found = difference(other, one)
    medians = ", ".join(f"{side} {quantity(each.median, each.unit)}" for side, each in ranked)
    by = f"{number(abs(found.value or 0))} {one.unit}".rstrip()
    if found.low is None or found.high is None:
        return f"medians are {medians}; with fewer than {LEAST} runs a side nothing is said about chance"
    if not found.clear:
        return f"{first} and {second} are too close to call{_worst(ranked)}; medians {medians}"
    low, high = sorted((abs(found.low), abs(found.high)))
    between = f"{LEVEL:.0%} interval {number(low)} to {number(high)} {one.unit}".rstrip()
    less = "less" if (found.value or 0) < 0 else "more"
    return f"{first} is best, {by} {less} than {second} ({between}){_worst(ranked)}; medians {medians}"


def _worst(ranked: Sequence[tuple[str, Summary]]) -> str:
    """The last of three and more, where it is clearly worse than the first."""
    (_, one), (last, other) = ranked[0], ranked[-1]
    found = difference(one, other)
    if len(ranked) < 3 or found.low is None or found.high is None or not found.clear:
        return ""
    low, high = sorted((abs(found.low), abs(found.high)))
    less = "less" if (found.value or 0) < 0 else "more"
    by = f"{number(abs(found.value or 0))} {one.unit}".rstrip()
    return f"; {last} is worst, {by} {less} than the first ({number(low)} to {number(high)})"


def not_shown(comparison: Comparison, clocks: Mapping[str, object]) -> list[str]:
    """What must not be read into it."""
    runs = [len(result.runs) for place in comparison.places for result in place.results]
    lines = [
        f"Seeds: {min(runs)} to {max(runs)} runs a cell. Rare events below one in {max(runs)} are not seen."
        if min(runs) != max(runs)
        else f"Seeds: {counted(runs[0], 'run')} a cell. Rare events below one in {runs[0]} are not seen.",
        "How often a failure happens: each was made to happen. Price and operation are not measured.",
        "Other numbers than those in the table, and other settings than those of the runs.",
    ]  # fmt: skip
    if "virtual" in clocks:
        lines.append("What computing costs: on the virtual clock time passes by waiting alone.")
    return lines
