"""Claims about comparisons: intervals are right, differences besides are loud, and UNKNOWN is in no number."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from testbed.check.cells import Summary
from testbed.compare.answer import answer, not_shown
from testbed.compare.comparison import compare, complete, loud
from testbed.compare.difference import LEAST, difference
from testbed.compare.page import to_json, write_comparison
from testbed.compare.sides import Side, read_sides
from testbed.errors import InputError
from testbed.study import Cell, CellResult, Played
from testbed.verdict import Measurement, judge
from tests.compare.sample import Values, write_study


def summary(values: list[float], better: str = "lower") -> Summary:
    median = float(np.median(values)) if values else None
    return Summary("gap", "s", tuple(values), median, None, None, 0, None, None, None, 0, "", better)


@pytest.mark.parametrize(
    ("better", "verdict"), [("lower", "worse"), ("higher", "better"), ("", "other")],
)  # fmt: skip
def test_a_clear_difference_is_better_or_worse_by_what_is_wanted(better: str, verdict: str) -> None:
    found = difference(summary([1.0, 2, 3, 4, 5], better), summary([11.0, 12, 13, 14, 15], better))
    assert (found.value, found.verdict) == (10.0, verdict)
    assert found.low is not None and found.high is not None
    assert 6 <= found.low <= 10 <= found.high <= 14


def test_the_same_numbers_do_not_differ_and_give_the_same_interval_each_time() -> None:
    one = summary([1.0, 2, 3, 4, 5, 6])
    found = difference(one, one)
    assert (found.value, found.verdict) == (0.0, "unclear")
    assert found == difference(one, one)


def test_few_runs_have_no_interval_and_no_numbers_no_difference() -> None:
    found = difference(summary([1.0, 2, 3, 4]), summary([9.0, 9, 9, 9, 9]))
    assert (found.value, found.low, found.verdict) == (6.5, None, "unclear")
    assert difference(summary([]), summary([1.0])).value is None
    assert difference(summary([3.0] * 5), summary([3.0] * 5)).verdict == "equal"


DRAWS: dict[str, Callable[[np.random.Generator, int], list[float]]] = {
    "normal": lambda chance, n: list(chance.normal(0, 1, n)),
    "uniform": lambda chance, n: list(chance.uniform(0, 1, n)),
    "exponential": lambda chance, n: list(chance.exponential(1, n)),
    "bimodal": lambda chance, n: list(np.where(chance.random(n) < 0.5, 0, 5) + chance.normal(0, 0.1, n)),
}


@pytest.mark.parametrize("shape", DRAWS)
@pytest.mark.parametrize("runs", [LEAST, 12])
def test_intervals_hold_the_true_difference_about_as_often_as_they_say(shape: str, runs: int) -> None:
    """Of 60 pairs, two draws of one distribution shifted by 2: 95 % - 4 sigma of the binomial (sigma is 2.8 %)."""
    chance, draw = np.random.default_rng(runs), DRAWS[shape]
    covered = 0
    for _ in range(60):
        found = difference(summary(draw(chance, runs)), summary([2 + value for value in draw(chance, runs)]))
        assert found.low is not None and found.high is not None
        covered += found.low <= 2 <= found.high
    assert covered / 60 >= 0.84


def test_designs_of_one_study_are_its_sides_and_the_answer_names_the_best(tmp_path: Path) -> None:
    values: Values = {("DX",): [1.0, 1.1, 1.2, 1.3, 1.4, 1.5], ("VPN",): [30.0, 31, 32, 33, 34, 35]}
    found = compare(read_sides([write_study(tmp_path / "s", ["design"], values)], None))
    assert found.names == ("DX", "VPN")
    (sentence,) = answer(found)
    assert sentence.startswith(
        "Gap: DX 1.25 s, VPN 32.5 s (medians): DX is best, 31.25 s less than VPN (95 % interval "
    )
    assert loud(found) == []


def test_sweeps_are_compared_cell_by_cell(tmp_path: Path) -> None:
    one: Values = {("1 ms",): [1.0] * 6, ("5 ms",): [5.0] * 6, ("7 ms",): [7.0] * 6}
    other: Values = {("1 ms",): [2.0] * 6, ("5 ms",): [5.0] * 6, ("7 ms",): [7.0] * 6, ("9 ms",): [9.0] * 6}
    folders = [write_study(tmp_path / name, ["dx.delay"], v) for name, v in (("a", one), ("b", other))]
    found = compare(read_sides(folders, None))
    assert answer(found) == ["Gap: a is best in 1 of 3 cells, 1 s ahead of the next; the best are equal in 2."]
    assert loud(found) == ["dx.delay 9 ms is not in a"]


def test_another_kernel_and_runs_that_are_unknown_or_fail_are_said_loudly(tmp_path: Path) -> None:
    a = write_study(tmp_path / "a", ["x"], {("1",): [1.0] * 6, ("2",): [1.0] * 6})
    b = write_study(tmp_path / "b", ["x"], {("1",): [None, *[1.0] * 5], ("2",): [200.0] * 6}, kernel="host")
    said = loud(compare(read_sides([a, b], None)))
    assert said[0] == "the kernel differs: a: guest; b: host"
    assert "b: 1 of 12 runs are UNKNOWN and in no number" in said[1]
    assert "b: 6 of 12 runs are FAIL" in said[2]


def test_a_side_without_a_number_is_named_in_the_answer_and_the_comparison_is_not_complete(tmp_path: Path) -> None:
    values: Values = {("A",): [1.0] * 6, ("B",): [2.0] * 6, ("C",): [None] * 6}
    found = compare(read_sides([write_study(tmp_path / "s", ["design"], values)], None))
    (sentence,) = answer(found)
    assert sentence.endswith("; not measured: C.")
    assert not complete(found)


def test_many_cells_are_counted_with_the_leads_and_what_is_equal(tmp_path: Path) -> None:
    sides = {"A": (1.0, 2.0, 3.0, 9.0), "B": (2.0, 5.0, 3.0, 8.0)}
    values: Values = {(side, str(x)): [gap] * 6 for side, gaps in sides.items() for x, gap in enumerate(gaps)}
    found = compare(read_sides([write_study(tmp_path / "s", ["design", "x"], values)], None))
    assert answer(found) == [
        "Gap: A is best in 2 of 4 cells, 1 to 3 s ahead of the next; B is best in 1 of 4 cells, 1 s ahead of the next; "
        "the best are equal in 1."
    ]


def test_what_is_not_told_in_a_sentence_is_named(tmp_path: Path) -> None:
    names = [f"number_{n}" for n in range(8)]
    runs = tuple(
        Played(seed, judge([Measurement(n, 1.0, "s", None, None, None, "", "lower") for n in names])) for seed in (1, 2)
    )
    side = [Side(name, (), (CellResult(Cell({}, {}), runs),), {"clock": {"virtual": 2}}) for name in "ab"]
    assert answer(compare(side))[-1] == "In the tables as well: number 6 and number 7."


@pytest.mark.parametrize("axes", [["y"], ["x", "y"]])
def test_other_axes_are_refused(tmp_path: Path, axes: list[str]) -> None:
    a = write_study(tmp_path / "a", ["x"], {("1",): [1.0], ("2",): [1.0]})
    labels: Values = {("1",) * len(axes): [1.0], ("2",) * len(axes): [1.0]}
    b = write_study(tmp_path / "b", axes, labels)
    with pytest.raises(InputError, match="varied by"):
        compare(read_sides([a, b], None))


def test_nothing_in_common_and_what_cannot_be_read_are_refused_all_at_once(tmp_path: Path) -> None:
    a = write_study(tmp_path / "a", ["x"], {("1",): [1.0], ("2",): [1.0]})
    b = write_study(tmp_path / "b", ["x"], {("3",): [1.0], ("4",): [1.0]})
    with pytest.raises(InputError, match="no cell is in every side"):
        compare(read_sides([a, b], None))
    (a / "study.json").write_text("[", encoding="utf-8")
    (b / "record" / "results.json").unlink()
    with pytest.raises(InputError) as caught:
        read_sides([a, b, tmp_path / "nowhere"], None)
    assert len(caught.value.problems) >= 3
    assert all(str(tmp_path) in problem.where for problem in caught.value.problems)


def test_one_run_alone_and_an_unknown_axis_are_refused(tmp_path: Path) -> None:
    a = write_study(tmp_path / "a", ["x"], {("1",): [1.0]})
    with pytest.raises(InputError, match="alone"):
        read_sides([a], None)
    b = write_study(tmp_path / "b", ["x"], {("1",): [1.0], ("2",): [1.0]})
    with pytest.raises(InputError, match="no such axis"):
        read_sides([b], "z")


def test_the_page_has_the_answer_first_and_the_data_beside_it(tmp_path: Path) -> None:
    import pyarrow.parquet

    values: Values = {("DX",): [1.0, 1.1, 1.2, 1.3, 1.4, 1.5], ("VPN",): [30.0, 31, 32, 33, 34, 35]}
    found = compare(read_sides([write_study(tmp_path / "s", ["design"], values)], None))
    page = write_comparison(found, tmp_path / "out", "testbed compare s").read_text(encoding="utf-8")
    assert page.index("DX is best") < page.index("<svg") < page.index("What this does not show")
    assert all((tmp_path / "out" / "charts" / f"gap.{kind}").exists() for kind in ("svg", "png"))
    table = pyarrow.parquet.read_table(tmp_path / "out" / "data.parquet")
    assert table.num_rows == 12
    assert table.column("value").to_pylist()[:2] == [1.0, 1.1]
    text = (tmp_path / "out" / "summary.md").read_text(encoding="utf-8")
    assert text.index("DX is best") < text.index("charts/gap.svg") < text.index("| **32.5**<br>+31.25 (29.25 to")
    assert "What this does not show:" in text
    assert json.loads((tmp_path / "out" / "comparison.json").read_text(encoding="utf-8")) == to_json(found)


def test_what_it_does_not_show_has_the_virtual_clock_what_is_rare_and_that_intervals_miss(tmp_path: Path) -> None:
    values: Values = {(str(x), y): [1.0 * x] * 6 for x in range(11) for y in "ab"}
    found = compare(read_sides([write_study(tmp_path / "s", ["x", "y"], values)], "y"))
    said = " ".join(not_shown(found))
    assert "virtual clock" in said
    assert "what happens in 39 % of runs is missed by 6 of them once in 20 times" in said  # 0.61^6 is 5 %
    assert "there are 11, and one in 20 misses the truth" in said
