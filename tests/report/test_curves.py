"""Claims about charts of studies: every axis says what it shows and in which unit, and every side has its row."""

from __future__ import annotations

from dataclasses import replace

import pytest

from testbed.check.cells import Summary, summarise
from testbed.numbers import spoken
from testbed.report import curves, style
from testbed.report.axes import Curve, Numbers, numbers
from testbed.report.axes import curves as curves_of
from testbed.report.study_words import curve_sentence, theory
from testbed.report.studydir import StudyRun
from testbed.study import Axis, Cell, CellResult, Played
from testbed.verdict import Measurement, judge
from tests.conftest import ROOT

DELAYS, MODELS = ("1 ms", "5 ms", "50 ms"), ("even", "bursts")


def cell(delay: str, model: str) -> CellResult:
    runs = [
        Played(n, judge([Measurement("rtt_p50", float(n), "ms", 2.0, 0.0, 9.0, "a book", "lower")])) for n in range(6)
    ]
    return CellResult(Cell({"dx.delay": delay, "model": model}, {}), tuple(runs))


@pytest.fixture
def run() -> StudyRun:
    axes = (Axis("dx.delay", {each: {} for each in DELAYS}), Axis("model", {each: {} for each in MODELS}))
    results = tuple(cell(delay, model) for delay in DELAYS for model in MODELS)
    return StudyRun(ROOT, {"show": []}, axes, {}, results, judge([]))


def along(run: StudyRun) -> Numbers:
    found = numbers(run.axes[0])
    assert found is not None
    return found


def lines(run: StudyRun) -> list[curves.Line]:
    return [curves.Line(curve.label, "rtt_p50", curve) for curve in curves_of(run, along(run))]


def test_axes_have_names_and_units(run: StudyRun) -> None:
    with style.settings():
        (axes,) = curves.curve_figure(along(run), lines(run), "RTT p50").axes
        assert (axes.get_xlabel(), axes.get_ylabel()) == ("dx.delay, ms", "RTT p50, ms")
        (axes,) = curves.cell_figure(run, "rtt_p50").axes
        assert axes.get_xlabel() == "RTT p50, ms"
        assert axes.get_yticklabels()[0].get_text() == "dx.delay 1 ms, even"


@pytest.mark.parametrize(
    ("labels", "unit", "places"),
    [
        (("95 s", "200 s", "5 min"), "s", [95, 200, 300]), (("500 us", "5 ms", "50 ms"), "ms", [0.5, 5, 50]),
        (("100 Mbit/s", "1 Gbit/s", "10 Gbit/s"), "Gbit/s", [0.1, 1, 10]), (("4 KiB", "64 KiB"), "KiB", [4, 64]),
        (("0 %", "0.1 %"), "%", [0, 0.1]), (("1", "4", "16"), "", [1, 4, 16]), (("0 ms", "0 s"), None, []),
        (("near", "far"), None, []), ((), None, []),
    ],
)  # fmt: skip
def test_an_axis_counts_in_the_unit_of_its_middle(
    labels: tuple[str, ...], unit: str | None, places: list[float]
) -> None:
    found = numbers(Axis("x", {label: {} for label in labels}))
    assert (found and found.unit, [*found.places.values()] if found else []) == (unit, places)


def test_what_stays_the_same_is_told_once_and_drawn_from_zero(run: StudyRun) -> None:
    x, zero = along(run), Played(1, judge([Measurement("lost", 0.0, "records", 0.0, 0.0, 0.0)]))
    cells = tuple(CellResult(Cell({"dx.delay": delay}, {}), (zero,)) for delay in DELAYS)
    line = curves.Line("", "lost", Curve("", cells))
    assert curve_sentence(x, [line]) == "Median lost is 0 records throughout. All 3 values lie where theory allows."
    with style.settings():
        (axes,) = curves.curve_figure(x, [line], "Lost").axes
        assert axes.get_ylim()[1] > 0.9 and -0.1 < axes.get_ylim()[0] < 0


def test_curves_are_told_apart_by_their_marks_and_not_by_colour_alone(run: StudyRun) -> None:
    with style.settings():
        (axes,) = curves.curve_figure(along(run), lines(run), "RTT p50").axes
        marked = [line for line in axes.get_lines() if str(line.get_label()).startswith("model ")]
    assert len({str(line.get_marker()) for line in marked}) == len(MODELS)


def test_panels_have_a_row_for_each_side_and_a_scale_each(run: StudyRun) -> None:
    one: Summary | None = summarise(run.results[0], "rtt_p50")
    panels = [curves.Panel(f"number_{n}", "ms", (one, None, one)) for n in range(4)]
    with style.settings():
        figure = curves.panels_figure(("A", "B", "C"), panels)
    assert [axes.get_xlabel() for axes in figure.axes] == [f"number {n}, ms" for n in range(4)]
    assert [text.get_text() for text in figure.axes[0].get_yticklabels()] == ["A", "B", "C"]
    assert all(len(axes.get_yticks()) == 3 for axes in figure.axes)


def test_a_sentence_counts_values_and_says_how_many_of_them_no_theory_bounds(run: StudyRun) -> None:
    bounded = summarise(run.results[0], "rtt_p50")
    assert bounded is not None
    free = replace(bounded, bound_low=None, bound_high=None)
    assert theory([bounded, free]) == "All 6 values lie where theory allows. No theory bounds the other 6."
    assert theory([bounded, replace(free, values=(1.0,))]).endswith("No theory bounds the other one.")
    assert theory([free]) == "No theory bounds it."


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("rtt_p50_before", "RTT p50 before"),
        ("path_mtus", "path MTUs"),
        ("iops_randread-qd1", "IOPS randread-qd1"),
        ("smallest_mss_ipv4", "smallest MSS IPv4"),
    ],
)
def test_abbreviations_are_written_as_such(name: str, words: str) -> None:
    assert spoken(name) == words
