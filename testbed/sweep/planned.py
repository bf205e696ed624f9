"""From what was asked to the runs that are to be done: every cell is loaded and validated before any starts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from testbed.boot.identity import key
from testbed.errors import InputError, Problem
from testbed.load import TOPOLOGY, Loaded, find_file, load
from testbed.scenario import Chart
from testbed.study import Cell, Study
from testbed.theory.interval import Expectation

SLUG_MOST = 48
"""Characters of a folder's name that are for people; arbitrary."""


@dataclass(frozen=True)
class PlannedCell:
    """A cell that can be run: its settings are understood, and its folder's name says all but the seed.

    Attributes:
        theory: what its scenario expects of measurements, by name.
        topology: the file that declares the network; none where what is played is that file.
    """

    cell: Cell
    folder: str
    settings: dict[str, str]
    theory: Mapping[str, Expectation]
    topology: str = ""


@dataclass(frozen=True)
class Planned:
    """A study that can be run."""

    study: Study
    scenario: Path
    cells: tuple[PlannedCell, ...]
    charts: tuple[Chart, ...] = ()
    """Of the scenario."""

    @property
    def total(self) -> int:
        """How many runs that is."""
        return len(self.cells) * self.study.seeds


def plan_study(study: Study, beside: Path, given: Mapping[str, str]) -> Planned:
    """Load each cell. Raises :class:`InputError` with every problem of every cell, each once."""
    scenario = find_file(study.scenario, beside=beside)
    problems: dict[Problem, None] = {}
    cells = []
    charts: tuple[Chart, ...] = ()
    for cell in study.cells(given):
        settings = dict(cell.settings)
        try:
            if TOPOLOGY in settings:  # as the study's file says it, or as seen from here
                settings[TOPOLOGY] = str(find_file(settings[TOPOLOGY], beside=beside))
            loaded = load(str(scenario), settings)
            charts = tuple(loaded.scenario.charts) if loaded.scenario else ()
            topology = str(loaded.topology) if loaded.scenario else ""
            cells.append(PlannedCell(cell, folder_name(cell, loaded), settings, loaded.theory(), topology))
        except InputError as error:
            problems |= dict.fromkeys(error.problems)
    if problems:
        raise InputError(problems)
    return Planned(study, scenario, tuple(cells), charts)


def folder_name(cell: Cell, loaded: Loaded) -> str:
    """For people, then what makes it the only one."""
    words = "_".join(f"{axis}={label}" for axis, label in cell.at.items())
    slug = re.sub(r"[^A-Za-z0-9.=_-]+", "", words)[:SLUG_MOST].strip("._-")
    return f"{slug}-{key(loaded)}" if slug else key(loaded)
