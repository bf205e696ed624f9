"""The directory of a study: what was asked, its runs, and what came out. Nothing in it is overwritten half.

``study.json`` says what was asked; ``cells/CELL/seed-N`` are the runs, each there only when it is complete;
``record/results.json`` has every run's judgement and ``record/verdict.json`` that of the whole: the same bytes for the
same seeds.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from testbed.errors import InputError, Problem
from testbed.history import VERDICT
from testbed.report.facts import facts_of
from testbed.report.rundir import RECORD
from testbed.report.studydir import CELLS
from testbed.study import CellResult, Played, Study
from testbed.sweep.planned import Planned, PlannedCell
from testbed.verdict import Judgement, judge

SEED = "seed-"
"""Begins the name of a run's folder."""
OTHER = "it was damaged or changed by hand: remove that folder to have the run done again"


def run_directory(directory: Path, cell: PlannedCell, seed: int) -> Path:
    """Where one run is, or will be."""
    return directory / CELLS / cell.folder / f"{SEED}{seed}"


def write_text(path: Path, text: str) -> None:
    """The whole text, or what was there before."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.tmp")
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(path)


def write_json(path: Path, value: object) -> None:
    """Likewise."""
    write_text(path, json.dumps(value, indent=1) + "\n")


def asked(
    planned: Planned, kind: str, file: str, settings: Mapping[str, str], place: tuple[str, str]
) -> dict[str, Any]:
    """What ``study.json`` says."""
    study = planned.study
    return {
        "kind": kind, "file": Path(file).name, "scenario": planned.scenario.name, "question": study.question,
        "hypothesis": study.hypothesis, "refuted_by": study.refuted_by, "seeds": study.seeds,
        "settings": dict(settings), "show": list(study.show), "matrix": list(study.matrix),
        "charts": [asdict(chart) for chart in planned.charts],
        "axes": [{"name": axis.name, "points": {k: dict(v) for k, v in axis.points.items()}} for axis in study.axes],
        "skipped": study.skipped(), "kernel": place[0], "clock": place[1],
    }  # fmt: skip


def complete(directory: Path, planned: Planned) -> set[tuple[str, int]]:
    """The runs that are there. Raises :class:`InputError` with each that is there and cannot be read."""
    found: set[tuple[str, int]] = set()
    problems: list[Problem] = []
    for cell in planned.cells:
        for seed in range(1, planned.study.seeds + 1):
            run = run_directory(directory, cell, seed)
            if not run.exists():
                continue
            try:
                read_judgement(run)
                facts_of([run])
            except InputError as error:
                problems += error.problems
            found.add((cell.folder, seed))
    if problems:
        raise InputError(problems)
    return found


def read_judgement(run: Path) -> Judgement:
    """A run's judgement. Raises :class:`InputError`."""
    path = run / RECORD / VERDICT
    try:
        return Judgement.from_json(json.loads(path.read_text(encoding="utf-8")))
    except InputError as error:
        raise InputError(Problem(str(run), each.what, OTHER) for each in error.problems) from error
    except (OSError, ValueError) as error:
        what = "is missing" if isinstance(error, FileNotFoundError) else f"cannot be read: {error}"
        raise InputError(Problem(str(run), f"{RECORD}/{VERDICT} {what}", OTHER)) from error


def collect(directory: Path, planned: Planned, failed: Mapping[str, str]) -> tuple[CellResult, ...]:
    """The results of all cells. ``failed``: why a run's directory is not there."""
    return tuple(CellResult(cell.cell, tuple(_runs(directory, planned.study, cell, failed))) for cell in planned.cells)


def _runs(directory: Path, study: Study, cell: PlannedCell, failed: Mapping[str, str]) -> Sequence[Played]:
    runs = []
    for seed in range(1, study.seeds + 1):
        run = run_directory(directory, cell, seed)
        if run.exists():
            runs.append(Played(seed, read_judgement(run), str(run.relative_to(directory))))
        else:
            runs.append(Played(seed, judge((), [failed.get(str(run), "it was not run")])))
    return runs


def results_json(results: Sequence[CellResult]) -> dict[str, Any]:
    """What ``results.json`` says."""
    return {
        "cells": [
            {
                "at": dict(result.cell.at),
                "runs": [
                    {"seed": run.seed, "directory": run.directory, **run.judgement.to_json()} for run in result.runs
                ],
            }
            for result in results
        ]
    }


def facts_by_cell(directory: Path, results: Sequence[CellResult]) -> dict[str, dict[str, dict[str, int]]]:
    """What ``facts.json`` says: by cell, what its runs were done with. Raises :class:`InputError`: a damaged run."""
    return {
        result.cell.name: facts_of(directory / run.directory for run in result.runs if run.directory)
        for result in results
    }
