"""Which axis of a study runs along a chart, and which of them makes its curves. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from testbed.report.studydir import StudyRun
from testbed.study import Axis, CellResult
from testbed.units import Duration, Quantity, Rate, Ratio, Size, UnitError

SHOWN_IN: tuple[tuple[type[Quantity], tuple[tuple[int, str], ...]], ...] = (
    (Duration, ((10**9, "s"), (10**6, "ms"), (10**3, "us"))),
    (Ratio, ((10**7, "%"),)),
    (Rate, ((10**9, "Gbit/s"), (10**6, "Mbit/s"), (10**3, "kbit/s"))),
    (Size, ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"))),
)
"""What a quantity's axis may count in: the largest of which its middle label has one or more, or else the last."""


SIDE = "side"
"""The axis of a comparison: its labels are names, whatever they look like."""


@dataclass(frozen=True)
class Numbers:
    """An axis whose labels are numbers."""

    axis: Axis
    places: dict[str, float]
    unit: str

    @property
    def title(self) -> str:
        """For the chart's axis."""
        return f"{self.axis.name}, {self.unit}" if self.unit else self.axis.name


@dataclass(frozen=True)
class Curve:
    """The cells that one curve connects, in the order of the axis."""

    label: str
    cells: tuple[CellResult, ...]


def numbers(axis: Axis) -> Numbers | None:
    """The axis as numbers; ``None``: there is no label, one is no number, or two are the same."""
    if not axis.points:
        return None
    for kind, units in SHOWN_IN:
        try:
            sizes = {label: int(kind.parse(label)) for label in axis.points}
        except UnitError:
            continue
        middle = sorted(sizes.values())[len(sizes) // 2]
        factor, unit = next((each for each in units if middle >= each[0]), units[-1])
        return _distinct(axis, {label: size / factor for label, size in sizes.items()}, unit)
    try:
        return _distinct(axis, {label: float(label) for label in axis.points}, "")
    except ValueError:
        return None


def _distinct(axis: Axis, places: dict[str, float], unit: str) -> Numbers | None:
    return Numbers(axis, places, unit) if len(set(places.values())) == len(places) else None


def along(run: StudyRun) -> Numbers | None:
    """The axis that a chart runs along: of those that are numbers the one with most points; the first of equals."""
    found = [each for each in map(numbers, run.varied) if each is not None and each.axis.name != SIDE]
    return max(found, key=lambda each: len(each.places), default=None)


def curves(run: StudyRun, x: Numbers) -> list[Curve]:
    """One for each combination of the other axes."""
    others = [axis.name for axis in run.varied if axis.name != x.axis.name]
    found: dict[str, list[CellResult]] = {}
    for result in run.results:
        label = ", ".join(_named(name, result.cell.at[name]) for name in others)
        found.setdefault(label, []).append(result)
    return [Curve(label, _sorted(cells, x)) for label, cells in found.items()]


def _sorted(cells: Sequence[CellResult], x: Numbers) -> tuple[CellResult, ...]:
    return tuple(sorted(cells, key=lambda result: x.places[result.cell.at[x.axis.name]]))


def short_name(run: StudyRun, result: CellResult) -> str:
    """A cell by what is varied alone; of two axes and more, numbers with their axis."""
    at = result.cell.at
    if len(run.varied) == 1:
        return at[run.varied[0].name]
    named = [_named(axis.name, at[axis.name]) if numbers(axis) else at[axis.name] for axis in run.varied]
    return ", ".join(named) or "all runs"


def _named(axis: str, label: str) -> str:
    """A place on an axis; a side's name says enough."""
    return label if axis == SIDE else f"{axis} {label}"
