"""What is compared: runs, sweeps and studies, read and brought to one form."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from testbed.errors import InputError, Problem, known
from testbed.history import IDENTITY
from testbed.report.rundir import RECORD, read_run
from testbed.report.studydir import CELLS, is_study, read_study_run
from testbed.study import Axis, Cell, CellResult, Played

DESIGN = "design"
"""The axis that is compared by when there is one of that name."""
FACTS = ("testbed", "commit", "kernel", "clock", "host_kernel", "machine")
"""Of the environment: what may change a number."""


PARAMETER = "parameter "
"""Begins the name of a fact that is a parameter's value."""


@dataclass(frozen=True)
class Side:
    """One of those that are compared.

    Attributes:
        axes: what its cells are places on.
        facts: what it was done with, and on which topologies: name to all values that its runs had.
    """

    name: str
    axes: tuple[Axis, ...]
    results: tuple[CellResult, ...]
    facts: Mapping[str, tuple[str, ...]]


def read_sides(directories: Sequence[Path], by: str | None) -> list[Side]:
    """Two sides or more. One study alone is compared along one of its axes.

    Raises:
        InputError: with everything that cannot be read or compared.
    """
    problems: list[Problem] = []
    sides: list[Side] = []
    for name, directory in zip(_names(directories), directories, strict=True):
        try:
            sides.append(_read(name, directory))
        except InputError as error:
            problems += (
                Problem(
                    f"{directory}: {each.where}" if str(directory) not in each.where else each.where,
                    each.what,
                    each.hint,
                )
                for each in error.problems
            )
    if problems:
        raise InputError(problems)
    if len(sides) == 1:
        return _along(sides[0], directories[0], by)
    if by is not None:
        raise InputError(Problem(f"--by {by}", "is for one study alone", "leave it out, or name one folder"))
    return sides


def _names(directories: Sequence[Path]) -> list[str]:
    """The folders' own names; with more of the path where two have the same."""
    parts = [directory.absolute().parts for directory in directories]
    for length in range(1, max(map(len, parts), default=1) + 1):
        names = ["/".join(part[-length:]) for part in parts]
        if len(set(names)) == len(names):
            return names
    raise InputError(Problem("compare", "one folder is named twice", "name each once"))


def _read(name: str, directory: Path) -> Side:
    if is_study(directory):
        run = read_study_run(directory)
        return Side(name, run.varied, _only(run.results, run.varied), study_facts(directory, run.results))
    single = read_run(directory)
    played = Played(int(single.environment.get("seed", 0)), single.judgement)
    return Side(name, (), (CellResult(Cell({}, {}), (played,)),), _facts([directory]))


def _only(results: Sequence[CellResult], axes: Sequence[Axis]) -> tuple[CellResult, ...]:
    """Cells by what is varied alone: what is the same everywhere is no place."""
    names = [axis.name for axis in axes]
    return tuple(CellResult(Cell({name: r.cell.at[name] for name in names}, {}), r.runs) for r in results)


def study_facts(directory: Path, results: Sequence[CellResult]) -> dict[str, tuple[str, ...]]:
    """What the runs of these cells were done with."""
    return _facts([directory / run.directory for result in results for run in result.runs if run.directory])


def _facts(runs: Sequence[Path]) -> dict[str, tuple[str, ...]]:
    found: dict[str, dict[str, None]] = {}
    for run in runs:
        environment, identity = _json(run / "environment.json"), _json(run / RECORD / IDENTITY)
        for name in (each for each in FACTS if each in environment):
            found.setdefault(name, {})[str(environment[name])] = None
        topology = f"{identity.get('topology', '?')} ({str(identity.get('topology_bytes', 'not on record'))[:8]})"
        found.setdefault("topology", {})[topology] = None
        scenario = f"{identity.get('scenario', '?')} ({str(identity.get('scenario_bytes', 'not on record'))[:8]})"
        found.setdefault("scenario", {})[scenario] = None
        for name, value in dict(identity.get("parameters", {})).items():
            found.setdefault(f"{PARAMETER}{name}", {})[str(value)] = None
    return {name: tuple(values) for name, values in found.items()}


def _json(path: Path) -> Mapping[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}  # runs of before have no identity
    except (OSError, ValueError) as error:
        raise InputError(Problem(str(path), f"cannot be read: {error}", "the run was damaged: do it again")) from error
    return value if isinstance(value, dict) else {}


def _along(side: Side, directory: Path, by: str | None) -> list[Side]:
    """The points of one axis as sides."""
    axes = {axis.name: axis for axis in side.axes}
    if not axes:
        raise InputError(
            Problem(side.name, "is alone, and nothing in it is varied", f"name another folder ({CELLS}/?)")
        )
    name = by or (DESIGN if DESIGN in axes else next(iter(axes)))
    if name not in axes:
        raise InputError(Problem(f"--by {name}", "no such axis", known(name, axes)))
    rest = tuple(axis for axis in side.axes if axis.name != name)
    sides = []
    for label in axes[name].points:
        cells = tuple(result for result in side.results if result.cell.at[name] == label)
        facts = study_facts(directory, cells)
        set_by = {setting for point in axes[name].points.values() for setting in point}
        facts = {fact: value for fact, value in facts.items() if fact.removeprefix(PARAMETER) not in set_by}
        sides.append(Side(label if name == DESIGN else f"{name} {label}", rest, _only(cells, rest), facts))
    return sides
