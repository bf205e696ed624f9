"""What is compared: runs, sweeps and studies, read and brought to one form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from testbed.errors import InputError, Problem, known
from testbed.report.facts import PARAMETER, Facts, facts_of, together
from testbed.report.rundir import Run, read_run
from testbed.report.studydir import CELLS, StudyRun, is_study, read_study_run
from testbed.study import DESIGN, Axis, Cell, CellResult, Played


@dataclass(frozen=True)
class Side:
    """One of those that are compared.

    Attributes:
        axes: what its cells are places on.
        facts: what its runs were done with, and on which topologies.
    """

    name: str
    axes: tuple[Axis, ...]
    results: tuple[CellResult, ...]
    facts: Facts
    question: str = ""


def read_sides(directories: Sequence[Path], by: str | None) -> list[Side]:
    """Two sides or more. One study alone is compared along one of its axes.

    Raises:
        InputError: with everything that cannot be read or compared.
    """
    problems: list[Problem] = []
    if by is not None and len(directories) > 1:
        problems.append(Problem(f"--by {by}", "is for one study alone", "leave it out, or name one folder"))
    sides: list[Side] = []
    for name, directory in zip(_names(directories), directories, strict=True):
        try:
            sides += along(directory, by) if len(directories) == 1 else [_read(name, directory)]
        except InputError as error:
            problems += (_at(directory, each) for each in error.problems)
    if problems:
        raise InputError(problems)
    return sides


def _at(directory: Path, problem: Problem) -> Problem:
    """The same, with the folder it is in."""
    if str(directory) in problem.where or problem.where.startswith("--"):
        return problem
    return Problem(f"{directory}: {problem.where}", problem.what, problem.hint)


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
        return Side(name, run.varied, _only(run.results, run.varied), _facts(run, run.results), run.asked["question"])
    single = read_run(directory)
    played = Played(int(single.environment.get("seed") or 0), single.judgement)
    return Side(name, (), (CellResult(Cell({}, {}), (played,)),), facts_of([directory]), _question(single))


def _question(run: Run) -> str:
    scenario = run.environment.get("scenario")
    return str(scenario.get("question", "")) if isinstance(scenario, dict) else ""


def _only(results: Sequence[CellResult], axes: Sequence[Axis]) -> tuple[CellResult, ...]:
    """Cells by what is varied alone: what is the same everywhere is no place."""
    names = [axis.name for axis in axes]
    return tuple(CellResult(Cell({name: r.cell.at[name] for name in names}, {}), r.runs) for r in results)


def _facts(run: StudyRun, results: Sequence[CellResult]) -> dict[str, dict[str, int]]:
    """What the runs of these cells were done with."""
    return together([run.facts.get(result.cell.name, {}) for result in results])


def along(directory: Path, by: str | None) -> list[Side]:
    """The points of one axis of a study as sides. Raises :class:`InputError`: there is none, or not that one."""
    if not is_study(directory):
        read_run(directory)  # what is no run either is told as such
        what = "is one run, and there is nothing that it is compared with"
        raise InputError(Problem(str(directory), what, "name another run, sweep or study beside it"))
    run = read_study_run(directory)
    axes = {axis.name: axis for axis in run.varied}
    if not axes:
        what = "is alone, and nothing in it is varied"
        raise InputError(Problem(str(directory), what, f"name another folder beside it, such as {CELLS}/..."))
    name = by or (DESIGN if DESIGN in axes else next(iter(axes)))
    if name not in axes:
        raise InputError(Problem(f"--by {name}", "no such axis, or it has one point", known(name, axes)))
    rest = tuple(axis for axis in run.varied if axis.name != name)
    points = axes[name].points
    compared = {setting for point in points.values() for setting in point}  # what differs is what is compared
    sides = []
    for label in points:
        cells = tuple(result for result in run.results if result.cell.at[name] == label)
        facts = {k: v for k, v in _facts(run, cells).items() if k.removeprefix(PARAMETER) not in compared}
        sides.append(
            Side(label if name == DESIGN else f"{name} {label}", rest, _only(cells, rest), facts, run.asked["question"])
        )
    return sides
