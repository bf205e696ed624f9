"""A comparison: sides on the same axes, their differences, and what has to be said before any of them. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from testbed.check.cells import Summary, shown, summarise, trusted
from testbed.compare.difference import Difference, difference
from testbed.compare.sides import Side
from testbed.errors import InputError, Problem
from testbed.numbers import listed
from testbed.report.facts import is_tool, words
from testbed.study import At, CellResult
from testbed.verdict import Verdict


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
    def question(self) -> str:
        """What was asked of the sides; empty where each was asked something else."""
        asked = {side.question for side in self.sides}
        return asked.pop() if len(asked) == 1 else ""

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
    for side in sides:
        if not side.facts:
            yield f"{side.name}: what its runs were done with is not on record"
    for name in dict.fromkeys(name for side in sides for name in side.facts):
        values = [side.facts.get(name, {}) for side in sides]
        if not all(values):
            continue  # a parameter or a program that only some topologies have
        if len({tuple(sorted(value)) for value in values}) > 1:
            each = "; ".join(f"{side.name}: {' and '.join(value)}" for side, value in zip(sides, values, strict=True))
            yield f"the {words(name)} differs: {each}"
        elif len(values[0]) > 1 and is_tool(name):
            yield f"within the sides the {words(name)} differs: {', '.join(values[0])}"


def _not_passed(comparison: Comparison) -> Iterator[str]:
    verdicts = {
        Verdict.UNKNOWN: "UNKNOWN and in no number",
        Verdict.FAIL: "FAIL: theory does not allow what they measured",
    }
    for number_of, side in enumerate(comparison.sides):
        runs = [run for place in comparison.places for run in place.results[number_of].runs]
        for verdict, said in verdicts.items():
            these = [run for run in runs if run.judgement.verdict is verdict]
            if these:
                why = these[0].judgement.why[0].splitlines()[0] if these[0].judgement.why else "no reason on record"
                yield f"{side.name}: {len(these)} of {len(runs)} runs are {said} ({why})"


def complete(comparison: Comparison) -> bool:
    """Whether every side has a run that counts at every place."""
    return all(trusted(result) for place in comparison.places for result in place.results)


def summaries(place: Place, name: str) -> list[Summary | None]:
    """One measurement at a place, side by side."""
    return [summarise(result, name) for result in place.results]


def differences(place: Place, name: str) -> list[Difference | None]:
    """Of each side to the first; ``None`` where one has no such number."""
    base, *others = summaries(place, name)
    return [None if base is None or other is None else difference(base, other) for other in others]
