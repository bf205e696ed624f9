"""The directory of a study or a sweep, read and checked in one go."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any, TypeVar

from testbed.check.consistency import Table
from testbed.errors import InputError, Problem
from testbed.history import VERDICT
from testbed.report.facts import Facts, check_facts
from testbed.report.rundir import ENVIRONMENT, RECORD
from testbed.study import Axis, Cell, CellResult, Played
from testbed.verdict import Judgement

T = TypeVar("T")
STUDY, CELLS, RESULTS, LAWS, FACTS = "study.json", "cells", "results.json", "laws.json", "facts.json"
OTHER = "interrupted, damaged or changed by hand: the same command with --out makes it whole; runs are kept"


@dataclass(frozen=True)
class StudyRun:
    """All that a study's report is made from."""

    directory: Path
    asked: Mapping[str, Any]
    axes: tuple[Axis, ...]
    environment: Mapping[str, Any]
    results: tuple[CellResult, ...]
    judgement: Judgement
    laws: Mapping[str, Mapping[str, Table]] = field(default_factory=dict)
    """What theory says of distributions, by cell and measurement."""
    facts: Mapping[str, Facts] = field(default_factory=dict)
    """What the runs were done with, by cell; empty where that is not on record."""
    so_far: str = ""
    """How many runs there are, while more are being done."""

    @property
    def varied(self) -> tuple[Axis, ...]:
        """The axes with more than one point."""
        return tuple(axis for axis in self.axes if len(axis.points) > 1)


def is_study(directory: Path) -> bool:
    """Whether a study or a sweep wrote this."""
    return (directory / STUDY).exists()


def read_study_run(directory: Path) -> StudyRun:
    """Read it. Raises :class:`InputError` with everything that is missing or cannot be read."""
    problems: list[Problem] = []

    def read(name: str, parse: Callable[[Any], T]) -> T | None:
        path = directory / name
        try:
            return parse(json.loads(path.read_text(encoding="utf-8")))
        except InputError as error:
            problems.extend(Problem(str(path), each.what, OTHER) for each in error.problems)
        except FileNotFoundError:
            problems.append(Problem(str(path), "missing", OTHER))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            problems.append(Problem(str(path), f"cannot be read: {type(error).__name__}: {error}", OTHER))
        return None

    asked = read(STUDY, check_asked)
    environment = read(ENVIRONMENT, _object)
    results = read(f"{RECORD}/{RESULTS}", _results)
    judgement = read(f"{RECORD}/{VERDICT}", Judgement.from_json)
    laws = read(f"{RECORD}/{LAWS}", _laws) if (directory / RECORD / LAWS).exists() else {}
    facts = read(FACTS, _facts) if (directory / FACTS).exists() else {}
    if problems or None in (asked, environment, results, judgement, laws, facts):
        raise InputError(problems)
    assert asked is not None and environment is not None and results is not None and judgement is not None
    check_whole(directory, asked, results)
    return StudyRun(directory, asked, tuple(axes_of(asked)), environment, results, judgement, laws or {}, facts or {})


def check_whole(directory: Path, asked: Mapping[str, Any], results: tuple[CellResult, ...]) -> None:
    """Raise :class:`InputError` where results are not those of what was asked: one is newer than the other."""
    axes = axes_of(asked)
    wanted = prod(len(axis.points) for axis in axes) - len(asked.get("skipped", {}))
    fits = [
        list(result.cell.at) == [axis.name for axis in axes]
        and all(result.cell.at[axis.name] in axis.points for axis in axes)
        and len(result.runs) == asked["seeds"]
        for result in results
    ]
    if not all(fits) or len({result.cell.name for result in results}) != wanted:
        what = f"has {sum(fits)} of the {wanted} cells of {asked['seeds']} runs that {STUDY} asks for"
        raise InputError(Problem(str(directory / RECORD / RESULTS), what, OTHER))


def read_asked(directory: Path) -> dict[str, Any]:
    """What was asked. Raises :class:`InputError`: no study, or one that cannot be read."""
    path = directory / STUDY
    try:
        return check_asked(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        hint = "give the folder that a sweep or a study wrote"
        raise InputError(Problem(str(directory), f"has no {STUDY}", hint)) from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        hint = "changed by hand, or damaged; the runs in cells/ are kept: start anew in another folder"
        raise InputError(Problem(str(path), f"cannot be read: {type(error).__name__}: {error}", hint)) from error


def check_asked(found: dict[str, Any]) -> dict[str, Any]:
    """The same, if it says what a study has to say."""
    axes_of(found)
    if not isinstance(found["seeds"], int) or not isinstance(found["show"], list):
        raise ValueError("seeds are a number, and show is a list")
    for name in ("kind", "file", "scenario", "question", "hypothesis", "refuted_by"):
        if not isinstance(found[name], str):
            raise ValueError(f"{name} is no text")
    return dict(found)


def axes_of(found: Mapping[str, Any]) -> list[Axis]:
    """The axes that were asked for."""
    return [Axis(str(each["name"]), {str(k): dict(v) for k, v in each["points"].items()}) for each in found["axes"]]


def _object(found: object) -> dict[str, Any]:
    if not isinstance(found, dict):
        raise TypeError(f"{type(found).__name__} instead of an object")
    return found


def _laws(found: Mapping[str, Any]) -> dict[str, dict[str, Table]]:
    return {cell: {name: Table.from_json(table) for name, table in each.items()} for cell, each in found.items()}


def _facts(found: Mapping[str, Any]) -> dict[str, dict[str, dict[str, int]]]:
    return {str(cell): check_facts(each) for cell, each in found.items()}


def _results(found: Mapping[str, Any]) -> tuple[CellResult, ...]:
    return tuple(
        CellResult(
            Cell({str(k): str(v) for k, v in cell["at"].items()}, {}),
            tuple(Played(int(run["seed"]), Judgement.from_json(run), str(run["directory"])) for run in cell["runs"]),
        )
        for cell in found["cells"]
    )
