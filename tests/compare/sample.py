"""Studies written as the tool writes them, from numbers made up here."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from testbed.check.cells import judge_cells
from testbed.study import Cell, CellResult, Played
from testbed.sweep.directory import results_json
from testbed.verdict import Measurement, judge

Values = Mapping[tuple[str, ...], Sequence[float | None]]
"""Labels on the axes, and the value of each seed; ``None`` makes the run UNKNOWN."""


def write_study(
    directory: Path, axes: Sequence[str], values: Values, *, name: str = "gap", better: str = "lower",
    kernel: str = "guest", high: float = 100.0, matrix: Sequence[str] = (),
) -> Path:  # fmt: skip
    """A study's directory without its runs."""
    results = []
    for labels, numbers in values.items():
        runs = [
            Played(seed, judge([Measurement(name, value, "s", 50.0, 0.0, high, "a book", better)]), f"cells/{seed}")
            for seed, value in enumerate(numbers, start=1)
        ]
        results.append(CellResult(Cell(dict(zip(axes, labels, strict=True)), {}), tuple(runs)))
    points = {axis: dict.fromkeys(labels[number] for labels in values) for number, axis in enumerate(axes)}
    asked = {
        "kind": "sweep", "file": "failover.py", "scenario": "failover.py", "question": "How long is traffic gone?",
        "hypothesis": "not long", "refuted_by": "long", "seeds": max(map(len, values.values())), "settings": {},
        "show": [], "matrix": list(matrix), "skipped": _skipped(points, values), "kernel": kernel, "clock": "virtual",
        "axes": [{"name": axis, "points": {k: {} for k in found}} for axis, found in points.items()],
    }  # fmt: skip
    files = {
        "study.json": asked, "environment.json": {"command": "testbed sweep failover.py", "kernel": kernel},
        "record/results.json": results_json(results), "record/verdict.json": judge_cells(results).to_json(),
    }  # fmt: skip
    files["facts.json"] = {r.cell.name: {"clock": {"virtual": 6}, "kernel": {kernel: 6}} for r in results}
    for file, content in files.items():
        path = directory / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content), encoding="utf-8")
    return directory


def _skipped(points: Mapping[str, Mapping[str, object]], values: Values) -> dict[str, str]:
    every = itertools.product(*points.values())
    return {Cell(dict(zip(points, each, strict=True)), {}).name: "no" for each in every if each not in values}
