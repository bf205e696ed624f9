"""The numbers of a study as CSV and Parquet: one row for each measurement of each run."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from testbed.report.studydir import StudyRun

CSV, PARQUET = "data.csv", "data.parquet"
Row = dict[str, str | int | float | None]


def rows(run: StudyRun) -> list[Row]:
    """Axes first, then the run, then the measurement."""
    return [
        {
            **result.cell.at, "seed": each.seed, "verdict": each.judgement.verdict.name, "measurement": found.name,
            "value": found.value, "unit": found.unit, "expected": found.expected, "low": found.low, "high": found.high,
        }
        for result in run.results
        for each in result.runs
        for found in each.judgement.measurements
    ]  # fmt: skip


def write_tables(table: Sequence[Row], directory: Path) -> None:
    """Write both files. No number is an empty cell in CSV, and null in Parquet."""
    import pyarrow
    from pyarrow import parquet

    names = list(dict.fromkeys(name for row in table for name in row)) or ["measurement"]
    with (directory / CSV).open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(table)
    numbers = {"value", "expected", "low", "high"}
    columns = {
        name: pyarrow.array(
            [row.get(name) for row in table],
            pyarrow.float64() if name in numbers else pyarrow.int64() if name == "seed" else pyarrow.string(),
        )
        for name in names
    }
    parquet.write_table(pyarrow.table(columns), directory / PARQUET)
