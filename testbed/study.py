"""A study: one scenario played in many cells, each a set of settings, and in each with many seeds.

A study file makes one and says what its axes are; cells are all combinations::

    study = Study(scenario="failover.py", question="...", hypothesis="...", refuted_by="...", seeds=10)
    study.axis("failure", {"silent": {"fault": "silent"}, "carrier": {"fault": "carrier"}})
    study.axis("detection", {"BFD 300 ms x 3": {"dx.bfd": "300 ms"}, "BGP 90/30": {"dx.bfd": "off"}})

    @study.skip
    def skip(at): ...     # optional: why a combination makes no sense; empty when it does

    @study.measure
    def measure(cells): ...   # optional, afterwards: yields measurements of the study as a whole

``testbed run FILE`` plays it. A sweep is a study whose axes are parameters. Pure.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from testbed.errors import InputError, Problem
from testbed.verdict import Judgement, Measurement

Settings = Mapping[str, str]
At = Mapping[str, str]
"""A place on the axes: axis to label."""
DESIGN = "design"
"""The axis of designs; a comparison is along it where there is one of that name."""
ASKED_MAX = 10_000
"""So many cells are asked one by one whether they are skipped; arbitrary: some milliseconds."""


@dataclass(frozen=True)
class Axis:
    """One thing that is varied: labels, each with the settings that it stands for."""

    name: str
    points: Mapping[str, Settings]


@dataclass(frozen=True)
class Cell:
    """One combination: its place on the axes and all of its settings."""

    at: At
    settings: Settings

    @property
    def name(self) -> str:
        """As people read it."""
        return ", ".join(f"{axis} {label}" for axis, label in self.at.items()) or "the one cell"


@dataclass(frozen=True)
class Played:
    """One run of a cell. A run that did not come to an end has a judgement, too: UNKNOWN, with the reason."""

    seed: int
    judgement: Judgement
    directory: str = ""


@dataclass(frozen=True)
class CellResult:
    """A cell with its runs, in the order of seeds."""

    cell: Cell
    runs: tuple[Played, ...]

    def named(self, name: str) -> tuple[Measurement, ...]:
        """The measurements of that name, of all runs that have it, also those without a value."""
        return tuple(each for run in self.runs for each in run.judgement.measurements if each.name == name)

    def values(self, name: str) -> list[float]:
        """The values of a measurement over the seeds, in their order; a run without one gives none."""
        return [each.value for each in self.named(name) if each.value is not None]


Skip = Callable[[At], str]
Measure = Callable[[Sequence[CellResult]], Iterable[Measurement]]


@dataclass
class Study:
    """See the module.

    Attributes:
        scenario: the file that is played in each cell; beside the study's own, or shipped.
        seeds: how many runs each cell has, seeds 1 and up; ``--seeds`` says otherwise.
        settings: for all cells.
        show: names of the measurements that the report draws; empty: those that have bounds.
        matrix: measurements that are drawn first, each as a matrix: the first axis down, the second across.
    """

    scenario: str
    question: str
    hypothesis: str
    refuted_by: str
    seeds: int = 10
    settings: Settings = field(default_factory=dict)
    show: Sequence[str] = ()
    matrix: Sequence[str] = ()
    axes: list[Axis] = field(default_factory=list)
    skip_function: Skip | None = None
    measure_function: Measure | None = None

    def axis(self, name: str, points: Mapping[str, Settings]) -> None:
        """Vary something: labels in the order in which they are shown, each with its settings."""
        self.axes.append(Axis(name, dict(points)))

    def skip(self, function: Skip) -> Skip:
        """Decorator: says why a combination is left out; an empty text keeps it."""
        self.skip_function = function
        return function

    def measure(self, function: Measure) -> Measure:
        """Decorator: what is measured of the study as a whole, from its cells' results alone."""
        self.measure_function = function
        return function

    def cells(self, given: Settings | None = None) -> tuple[Cell, ...]:
        """All combinations that are not skipped; ``given`` by the user comes last and so counts.

        Raises:
            InputError: an axis without points, or of a name that there is already; what is given is what an axis
                varies; or nothing is left.
        """
        self._check(given or {})
        found = tuple(self._cells(given or {}))
        if not found:
            raise InputError(Problem("study", "every combination is skipped", "keep one"))
        return found

    def skipped(self) -> dict[str, str]:
        """Combinations that are left out, with the reason."""
        return {Cell(at, {}).name: reason for at, _ in self._combinations() if (reason := self._reason(at))}

    def count(self) -> int:
        """How many runs that is; at most, where there are too many cells to ask of each whether it is skipped."""
        cells = math.prod(len(axis.points) for axis in self.axes)
        if self.skip_function is not None and cells <= ASKED_MAX:
            cells = sum(not self._reason(at) for at, _ in self._combinations())
        return cells * self.seeds

    def _check(self, given: Settings) -> None:
        names = [axis.name for axis in self.axes]
        problems = [
            Problem(f"axis {axis.name}", "has no points", "give at least one") for axis in self.axes if not axis.points
        ]
        problems += [
            Problem(f"study, {field}", f"{value!r} is one text, and names belong here", f"({value!r},)")
            for field, value in (("show", self.show), ("matrix", self.matrix))
            if isinstance(value, str)  # which is a sequence of its letters to Python
        ]
        problems += [
            Problem(f"axis {name}", "declared twice", "give each its own name")
            for name in dict.fromkeys(names)
            if names.count(name) > 1
        ]
        problems += [
            Problem(
                f"--set {name}",
                f"is what the axis {axis.name} varies",
                "cells would not be what they say: leave it out",
            )
            for axis in self.axes
            for name in given
            if any(name in settings for settings in axis.points.values())
        ]
        if self.seeds < 1:
            problems.append(Problem("seeds", f"{self.seeds} runs a cell", "one at least"))
        if problems:
            raise InputError(problems)

    def _cells(self, given: Settings) -> Iterator[Cell]:
        for at, settings in self._combinations():
            if not self._reason(at):
                yield Cell(at, {**self.settings, **settings, **given})

    def _combinations(self) -> Iterator[tuple[dict[str, str], dict[str, str]]]:
        for points in itertools.product(*(axis.points.items() for axis in self.axes)):
            at = {axis.name: label for axis, (label, _) in zip(self.axes, points, strict=True)}
            yield at, {name: value for _, settings in points for name, value in settings.items()}

    def _reason(self, at: At) -> str:
        return self.skip_function(at) if self.skip_function else ""
