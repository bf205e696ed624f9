"""The numbers of a study as CSV and Parquet: one row for each measurement of each run."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from testbed.report.studydir import StudyRun
from testbed.study import At, Played

if TYPE_CHECKING:
    import pyarrow

CSV, PARQUET = "data.csv", "data.parquet"
Row = dict[str, str | int | float | None]


def rows(run: StudyRun) -> list[Row]:
    """Axes first, then the run, then the measurement."""
    return [row for result in run.results for each in result.runs for row in run_rows(result.cell.at, each)]


def run_rows(at: At, run: Played) -> Iterator[Row]:
    """Those of one run of the cell at that place."""
    for found in run.judgement.measurements:
        yield {
            **at, "seed": run.seed, "verdict": run.judgement.verdict.name, "measurement": found.name,
            "value": found.value, "unit": found.unit, "expected": found.expected, "low": found.low, "high": found.high,
        }  # fmt: skip


def write_tables(table: Sequence[Row], directory: Path) -> None:
    """Write both files. No number is an empty cell in CSV, and null in Parquet."""
    names = _names(table)
    with (directory / CSV).open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(table)
    write_parquet(table, directory / PARQUET)


def write_parquet(table: Sequence[Row], path: Path) -> None:
    """One file with these rows."""
    from pyarrow import parquet

    parquet.write_table(_arrow(table), path)


def _names(table: Sequence[Row]) -> list[str]:
    return list(dict.fromkeys(name for row in table for name in row)) or ["measurement"]


def _arrow(table: Sequence[Row]) -> pyarrow.Table:
    import pyarrow

    numbers = {"value", "expected", "low", "high"}
    kinds: dict[str, Any] = {"seed": pyarrow.int64(), **dict.fromkeys(numbers, pyarrow.float64())}
    columns = {
        name: pyarrow.array([row.get(name) for row in table], kinds.get(name, pyarrow.string()))
        for name in _names(table)
    }
    return pyarrow.table(columns)
