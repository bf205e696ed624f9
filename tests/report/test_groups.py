"""Claims about charts of measurements: which belong together, what their sentence says, and that all are drawn."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pytest

from testbed.report import groups, style
from testbed.scenario import Chart
from testbed.verdict import Measurement

TIMES = Chart("times", "Time of an operation", {"p50": "p50_*", "p99": "p99_*", "p99.9": "p99.9_*"})


def a(name: str, value: float | None, low: float | None = None, high: float | None = None) -> Measurement:
    return Measurement(name, value, "ms", None, low, high)


FOUND = [
    a("p50_read", 2.0, 1.9, 2.1), a("p50_write", 4.0, high=5.0), a("p99_read", 3.0), a("p99.9_read", 9.0), a("iops", 1),
]  # fmt: skip


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        ("p99_*", "p99_read", "read"), ("p99_*", "p99.9_read", None), ("*_p50", "commit_p50", "commit"),
        ("iops_*", "iops_", None), ("a*a", "aa", None), ("a*a", "aba", "b"),
    ],
)  # fmt: skip
def test_a_pattern_fits_whole_names_alone(pattern: str, name: str, expected: str | None) -> None:
    assert groups.part(pattern, name) == expected


def test_rows_are_what_stands_for_the_star_and_what_was_not_measured_has_none() -> None:
    found = groups.rows(TIMES, [*FOUND, a("p50_fsync", None)])
    assert [(row.label, sorted(row.found)) for row in found] == [("read", ["p50", "p99", "p99.9"]), ("write", ["p50"])]


def test_the_sentence_has_each_series_extremes_and_how_many_theory_bounds() -> None:
    said = groups.sentence(TIMES, groups.rows(TIMES, FOUND))
    assert said.startswith("P50 from 2 ms with read to 4 ms with write; p99 3 ms with read")
    assert said.endswith("All 2 values with a bound lie where theory allows.")
    outside = groups.sentence(TIMES, groups.rows(TIMES, [a("p50_read", 2.2, 1.9, 2.1)]))
    assert outside.endswith("1 of 1 values are outside what theory allows.")


def test_what_no_theory_bounds_is_called_that() -> None:
    assert groups.sentence(TIMES, groups.rows(TIMES, [a("p50_read", 2.2)])).endswith("No theory bounds these.")


@pytest.mark.parametrize("largest", [9.0, 9000.0])
def test_each_value_has_a_mark_and_what_is_outside_is_red(largest: float) -> None:
    found = groups.rows(TIMES, [*FOUND, a("p50_x", largest, 1.0, 2.0)])
    with style.settings():
        axes = groups.group_figure(TIMES, found).axes[0]
    marks = [line for line in axes.lines if line.get_marker() in tuple(groups.MARKERS)]
    values = [float(np.asarray(line.get_xdata())[0]) for line in marks if len(np.asarray(line.get_xdata()))]
    assert sorted(values) == sorted(
        each.value for row in found for each in row.found.values() if each.value is not None
    )
    assert [line.get_color() for line in marks].count(style.BAD) == 1
    assert axes.get_xscale() == ("log" if largest > groups.WIDE * 2 else "linear")


def test_charts_survive_being_written_down_and_runs_of_before_have_none() -> None:
    assert groups.charts_of({"charts": [asdict(TIMES)]}) == (TIMES,)
    assert groups.charts_of({}) == ()
