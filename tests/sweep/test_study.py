"""Claims about studies: cells are combinations, all problems are told at once, and UNKNOWN is never averaged."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from testbed.check.cells import judge_cells, shown, summarise
from testbed.cli.studying import MANY
from testbed.errors import InputError
from testbed.load import read_study
from testbed.study import Cell, CellResult, Played, Study
from testbed.sweep.planned import plan_study
from testbed.verdict import Measurement, Verdict, judge
from tests.conftest import ROOT

HERE = Path(__file__).parent


def a_study(seeds: int = 10, settings: Mapping[str, str] | None = None) -> Study:
    return Study("tiny.py", "?", "", "", seeds, settings or {})


def result(*values: float | None, low: float = 0.0, high: float = 10.0, unknown: tuple[int, ...] = ()) -> CellResult:
    runs = [
        Played(
            seed,
            judge(
                [Measurement("gap", value, "s", 5.0, low, high, "a book", "lower")],
                ["a daemon died"] if seed in unknown else [],
            ),
        )
        for seed, value in enumerate(values, start=1)
    ]
    return CellResult(Cell({"a": "1"}, {}), tuple(runs))


def test_cells_are_all_combinations_in_order_and_what_the_user_gives_counts() -> None:
    study = a_study(settings={"z": "0"})
    study.axis("a", {"one": {"x": "1"}, "two": {"x": "2"}})
    study.axis("b", {"three": {"y": "3"}})
    cells = study.cells({"z": "given"})
    assert [cell.at for cell in cells] == [{"a": "one", "b": "three"}, {"a": "two", "b": "three"}]
    given = {"z": "given", "y": "3"}
    assert [cell.settings for cell in cells] == [{"x": "1", **given}, {"x": "2", **given}]
    assert cells[0].name == "a one, b three"


def test_what_an_axis_varies_cannot_be_given_as_well() -> None:
    """A cell that says "two Direct Connects" would be another design."""
    study = a_study()
    study.axis("design", {"one": {"topology": "1.py"}, "two": {"topology": "2.py"}})
    with pytest.raises(InputError, match="--set topology: is what the axis design varies"):
        study.cells({"topology": "3.py"})


def test_runs_are_counted_without_making_the_cells() -> None:
    study = a_study(seeds=7)
    for number in range(20):
        study.axis(str(number), {str(label): {} for label in range(1000)})
    assert study.count() == 7 * 1000**20


def test_what_is_skipped_does_not_count() -> None:
    study = a_study(seeds=3)
    study.axis("a", {"one": {}, "two": {}})
    study.skip(lambda at: "makes no sense" if at["a"] == "one" else "")
    assert study.count() == 3


def test_the_shipped_matrix_is_played_without_being_asked_about() -> None:
    found = read_study(str(ROOT / "scenarios" / "failover_matrix.py"))
    assert found is not None and found[1].count() <= MANY


def test_a_study_without_axes_is_one_cell() -> None:
    assert [cell.settings for cell in a_study().cells()] == [{}]


def test_a_skipped_combination_is_left_out_and_told() -> None:
    study = a_study()
    study.axis("a", {"one": {}, "two": {}})
    study.skip(lambda at: "makes no sense" if at["a"] == "one" else "")
    assert [cell.at["a"] for cell in study.cells()] == ["two"]
    assert study.skipped() == {"a one": "makes no sense"}


def test_all_that_is_wrong_with_the_axes_is_told_at_once() -> None:
    study = a_study(seeds=0)
    study.axis("a", {})
    study.axis("b", {"x": {}})
    study.axis("b", {"x": {}})
    with pytest.raises(InputError) as caught:
        study.cells()
    assert [problem.where for problem in caught.value.problems] == ["axis a", "axis b", "seeds"]


def test_problems_of_all_cells_are_told_at_once_and_each_once() -> None:
    study = a_study()
    study.axis("a", {"one": {"dx.delay": "5"}, "two": {"dx.delay": "nonsense"}})
    with pytest.raises(InputError) as caught:
        plan_study(study, HERE, {"no.such": "1"})
    assert len(caught.value.problems) == 3
    assert sum("no.such" in problem.where for problem in caught.value.problems) == 1


def test_folders_depend_on_values_and_not_on_their_spelling() -> None:
    def folder(text: str, topology: str = "../../topologies/twenty_lines.py") -> str:
        study = a_study(settings={"dx.delay": text, "topology": topology})
        return plan_study(study, HERE, {}).cells[0].folder

    assert folder("5 ms") == folder("5ms") == folder("0.005 s") != folder("6 ms")
    assert folder("5 ms") != folder("5 ms", "../../topologies/hybrid.py")


def test_a_median_has_an_interval_from_six_runs_on() -> None:
    five, six = (summarise(result(*map(float, range(count))), "gap") for count in (5, 6))
    assert five is not None and six is not None
    assert (five.median, five.low, five.high) == (2.0, None, None)
    assert (six.median, six.low, six.high) == (2.5, 0.0, 5.0)  # 1 - 2 / 2^6 is 96.9 %


def test_an_unknown_run_is_counted_and_in_no_median() -> None:
    found = summarise(result(1.0, 2.0, 9.0, None, unknown=(3,)), "gap")
    assert found is not None
    assert (found.values, found.left_out) == ((1.0, 2.0), 2)


def test_bounds_span_all_seeds_and_values_outside_are_counted() -> None:
    found = summarise(result(1.0, 11.0, 12.0), "gap")
    assert found is not None
    assert (found.bound_low, found.bound_high, found.expected, found.outside) == (0.0, 10.0, 5.0, 2)


@pytest.mark.parametrize(
    ("results", "verdict"),
    [
        ((result(1.0, 2.0),), Verdict.PASS),
        ((result(1.0, None),), Verdict.UNKNOWN),
        ((result(1.0, 11.0),), Verdict.FAIL),
        ((result(1.0, None), result(11.0)), Verdict.FAIL),
    ],
)
def test_the_verdict_is_that_of_the_worst_run(results: tuple[CellResult, ...], verdict: Verdict) -> None:
    judgement = judge_cells(results)
    assert judgement.verdict is verdict
    assert (judgement.why == ()) is (verdict is Verdict.PASS)


def test_what_is_drawn_is_what_has_bounds_or_what_was_wanted() -> None:
    runs = (Played(1, judge([Measurement("a", 1.0, "s"), Measurement("b", 1.0, "s", low=0.0)])),)
    cell = CellResult(Cell({}, {}), runs)
    assert shown([cell]) == ("b",)
    assert shown([cell], ["a", "none"]) == ("a",)
