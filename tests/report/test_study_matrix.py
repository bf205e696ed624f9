"""Claims about the matrix: every cell says its number, theory, or why there is none; distributions have their law."""

from __future__ import annotations

from pathlib import Path

import pytest

from testbed.check.consistency import Table
from testbed.report import study_matrix, style
from testbed.report.studydir import StudyRun
from testbed.study import Axis, Cell, CellResult, Played
from testbed.verdict import Measurement, judge

ROWS = Axis("failure", {"silent": {}, "carrier": {}, "brown-out": {}})
COLUMNS = Axis("detection", {"BFD": {}, "hold": {}})
LAW = Table((0.6, 0.9), (0.0, 1.0), (0.0, 1.0), 0.0, 0.02, "a book")


def cell(row: str, column: str, *values: float, low: float | None = 0.6, high: float | None = 0.9) -> CellResult:
    runs = (Played(n, judge([Measurement("gap", v, "s", None, low, high, "book")])) for n, v in enumerate(values))
    return CellResult(Cell({"failure": row, "detection": column}, {}), tuple(runs))


@pytest.fixture
def run(tmp_path: Path) -> StudyRun:
    results = (
        cell("silent", "BFD", *(0.6 + 0.03 * n for n in range(11))), cell("silent", "hold", 2.0, 3.0),
        cell("carrier", "BFD", 0.0, low=0.0, high=0.03), cell("brown-out", "BFD", 70.0, low=None, high=None),
    )  # fmt: skip
    asked = {"seeds": 11, "skipped": {"failure carrier, detection hold": "never: the carrier stays"}}
    laws = {"failure silent, detection BFD": {"gap": LAW}}
    return StudyRun(tmp_path, asked, (ROWS, COLUMNS), {}, results, judge([]), laws)


def test_each_cell_has_median_and_longest_and_theory_beneath(run: StudyRun) -> None:
    found = study_matrix.squares(run, "gap")
    assert found["silent", "BFD"].text == "0.75 s | 0.90 s"
    assert found["silent", "BFD"].small == "theory 0.60 to 0.90 s"
    assert found["carrier", "BFD"].small == "theory to 30 ms"
    assert found["brown-out", "BFD"].small == "no theory"
    assert found["carrier", "BFD"].text == "0"  # of one seed, one number
    assert [found[row, "BFD"].shade for row in ROWS.points] == [1, 0, 4]


def test_what_is_outside_theory_is_framed_and_what_is_impossible_says_why(run: StudyRun) -> None:
    found = study_matrix.squares(run, "gap")
    assert found["silent", "hold"].wrong and not found["silent", "BFD"].wrong
    assert found["carrier", "hold"].text == "never: the carrier stays"
    assert "2 of 14 values do not lie" in study_matrix.matrix_sentence(run, "gap")


def test_a_distribution_is_told_with_its_test_and_drawn(run: StudyRun) -> None:
    ((result, name, table, values),) = study_matrix.distributions(run)
    assert (result.cell.at["failure"], name) == ("silent", "gap")
    assert "are consistent with theory's distribution" in study_matrix.distribution_sentence(name, table, values)
    assert "hardly" in study_matrix.distribution_sentence(name, table, [0.6] * 10)
    with style.settings():
        for figure in (study_matrix.distribution_figure(name, table, values), study_matrix.matrix(run, "gap")):
            assert style.svg_text(figure) == style.svg_text(figure)
