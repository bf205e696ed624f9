"""Charts of a study: a measurement over an axis, or over cells, with its interval over seeds and theory's band."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from testbed.check.cells import Summary, summarise
from testbed.numbers import spoken, titled
from testbed.report import style
from testbed.report.axes import Curve, Numbers, short_name
from testbed.report.studydir import StudyRun

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CURVES_MAX = len(style.SERIES)
LEFT, RIGHT, TOP, BOTTOM, HEIGHT = 0.85, 0.15, 0.2, 0.5, 2.9
LETTERS_HIGH = 46
"""As many as fit beside the axis upright."""
NAMES_IN, CHARACTER_IN, ROW_IN = 3.4, 0.072, 0.34
PANEL_NAMES_IN, PANEL_ROW_IN, PANEL_COLUMNS = 2.2, 0.28, 3
MARKERS = "os^DvPX"
"""Curves differ by these as well as by colour."""
WIDE = 20
"""Numbers whose largest is more than so many times their smallest are drawn by logarithm; arbitrary."""


@dataclass(frozen=True)
class Panel:
    """One measurement among several: a summary for each row, ``None`` where it was not measured."""

    name: str
    unit: str
    rows: tuple[Summary | None, ...]


@dataclass(frozen=True)
class Line:
    """A measurement along a curve."""

    label: str
    name: str
    curve: Curve


def curve_figure(x: Numbers, found: Sequence[Line], title: str) -> Figure:
    """Measurements along an axis of numbers; to be used inside :func:`testbed.report.style.settings`."""
    labels = any(line.label for line in found)
    legend = 0.24 * len(found) if labels else 0.0
    figure = style.new_figure(TOP + HEIGHT + BOTTOM + legend)
    axes = style.new_axes(figure, LEFT, TOP, style.WIDTH_IN - LEFT - RIGHT, HEIGHT)
    style.dress(axes)
    unit = ""
    medians: list[float] = []
    for number, line in enumerate(found):
        points = [(x.places[cell.cell.at[x.axis.name]], summarise(cell, line.name)) for cell in line.curve.cells]
        known = [(place, each) for place, each in points if each is not None]
        unit = known[0][1].unit if known else unit
        medians += [each.median for _, each in known if each.median is not None]
        _curve(axes, known, number, line.label)
    places = sorted(x.places.values())
    if places[0] > 0 and places[-1] > WIDE * places[0]:
        axes.set_xscale("log")
        axes.set_xticks(places, [f"{place:g}" for place in places])
        axes.minorticks_off()
    axes.set_xlabel(x.title, fontsize=style.SMALL, color=style.MUTED)
    axes.set_ylabel(style.shorten(titled(title, unit), LETTERS_HIGH), fontsize=style.SMALL, color=style.MUTED)
    if medians and min(medians) > 0 and max(medians) > WIDE * min(medians):
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    else:
        _from_zero(axes)
    if labels:
        axes.legend(loc="upper left", bbox_to_anchor=(0, -0.42 / HEIGHT), frameon=False, fontsize=style.SMALL)
    return figure


def _curve(axes: Axes, points: Sequence[tuple[float, Summary]], number: int, label: str) -> None:
    colour, marker = style.SERIES[number % CURVES_MAX], MARKERS[number % len(MARKERS)]
    places = [place for place, each in points if each.median is not None]
    medians = [each.median for _, each in points if each.median is not None]
    axes.plot(
        places, medians, color=colour, marker=marker, markersize=_size(number), linewidth=1.6, label=label, zorder=4
    )
    band = [(place, each) for place, each in points if each.bound_low is not None and each.bound_high is not None]
    if band:
        axes.fill_between(
            [place for place, _ in band], [each.bound_low or 0.0 for _, each in band],
            [each.bound_high or 0.0 for _, each in band], color=colour, alpha=0.12, linewidth=0, zorder=1,
        )  # fmt: skip
        for place, each in band:  # also visible where the band is thin, or there is but one point
            axes.vlines(
                place, each.bound_low or 0, each.bound_high or 0, color=colour, alpha=0.3, linewidth=3, zorder=2
            )
    expected = [(place, each.expected) for place, each in points if each.expected is not None]
    axes.plot(
        [place for place, _ in expected], [value for _, value in expected], color=style.INK, linewidth=0.9,
        linestyle=(0, (4, 3)), zorder=5,
    )  # fmt: skip
    for place, each in points:
        axes.plot([place] * len(each.values), each.values, ".", color=colour, alpha=0.45, markersize=3, zorder=3)
        if each.median is not None and each.low is not None and each.high is not None:
            ends = [[each.median - each.low], [each.high - each.median]]
            axes.errorbar(place, each.median, ends, color=colour, capsize=4, linewidth=1.2, zorder=4)


def _size(number: int) -> float:
    """Later marks are smaller, so that those that lie below them are seen."""
    return max(4.0, 8.5 - 1.5 * number)


def cell_figure(run: StudyRun, name: str) -> Figure:
    """A measurement of each cell, one below the other; to be used inside :func:`testbed.report.style.settings`."""
    rows = [(short_name(run, result), summarise(result, name)) for result in run.results]
    known = [(label, each) for label, each in rows if each is not None]
    return rows_figure(known, name)


def rows_figure(rows: Sequence[tuple[str, Summary]], name: str) -> Figure:
    """Summaries of one measurement below each other."""
    height = ROW_IN * max(1, len(rows)) + 0.1
    names = min(NAMES_IN, 0.4 + CHARACTER_IN * max((len(label) for label, _ in rows), default=0))
    figure = style.new_figure(TOP + height + BOTTOM)
    axes = style.new_axes(figure, names, TOP, style.WIDTH_IN - names - RIGHT, height)
    _rows(axes, rows, titled(spoken(name), rows[0][1].unit if rows else ""), 44)
    return figure


def panels_figure(labels: Sequence[str], panels: Sequence[Panel]) -> Figure:
    """Several measurements of the same rows, each with a scale of its own; labels at the left."""
    columns = min(PANEL_COLUMNS, len(panels))
    names = min(PANEL_NAMES_IN, 0.4 + CHARACTER_IN * max(map(len, labels)))
    wide, height = (style.WIDTH_IN - names) / columns, PANEL_ROW_IN * len(labels) + 0.1
    lines = -(-len(panels) // columns)
    figure = style.new_figure(lines * (TOP + height + BOTTOM))
    for number, panel in enumerate(panels):
        left, top = names + number % columns * wide, number // columns * (TOP + height + BOTTOM) + TOP
        axes = style.new_axes(figure, left, top, wide - 0.2, height)
        shown = labels if number % columns == 0 else [""] * len(labels)
        _rows(
            axes,
            list(zip(shown, panel.rows, strict=True)),
            titled(spoken(panel.name), panel.unit),
            int(names / CHARACTER_IN),
        )
    return figure


def _rows(axes: Axes, rows: Sequence[tuple[str, Summary | None]], title: str, letters: int) -> None:
    """Runs, median, interval and theory of each, below each other."""
    style.dress(axes)
    for number, (_, each) in enumerate(rows):
        if each is not None:
            _row(axes, -float(number), each)
    axes.set_yticks([-float(n) for n in range(len(rows))], [style.shorten(label, letters) for label, _ in rows])
    axes.tick_params(axis="y", length=0, labelcolor=style.INK)
    axes.set_ylim(-len(rows) + 0.4, 0.6)
    axes.set_xlabel(title, fontsize=style.SMALL, color=style.MUTED)
    low, high = axes.get_xlim()
    axes.set_xlim(min(0.0, low), high)


def _row(axes: Axes, place: float, each: Summary) -> None:
    colour = style.SERIES[0]
    if each.bound_low is not None and each.bound_high is not None:
        axes.hlines(place, each.bound_low, each.bound_high, color=style.UP, alpha=0.55, linewidth=12, zorder=1)
    if each.expected is not None:
        axes.vlines(each.expected, place - 0.3, place + 0.3, color=style.INK, linewidth=1.2, zorder=3)
    axes.plot(each.values, [place] * len(each.values), ".", color=colour, alpha=0.5, markersize=4, zorder=3)
    if each.median is not None:
        axes.plot([each.median], [place], "o", color=colour, markersize=8, zorder=5)
    if each.median is not None and each.low is not None and each.high is not None:
        ends = [[each.median - each.low], [each.high - each.median]]
        axes.errorbar(each.median, place, xerr=ends, color=colour, capsize=5, linewidth=1.4, zorder=4)


def _from_zero(axes: Axes) -> None:
    """The axis begins at 0, or below what is less; where all is 0 it has room above, not both ways."""
    low, high = axes.get_ylim()
    nothing = axes.dataLim.ymin == axes.dataLim.ymax == 0
    axes.set_ylim(*((-0.05, 1.0) if nothing else (min(0.0, low), 1.06 * high if high > 0 else 1.0)))
