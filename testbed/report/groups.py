"""Measurements that belong into one picture: which rows a scenario's chart has, what it proves, and how it is drawn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from testbed.numbers import capital, quantity, spoken
from testbed.report import style
from testbed.scenario import Chart
from testbed.verdict import Measurement, Verdict

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

RIGHT, TOP, BOTTOM, ROW_IN, LEGEND_IN = 0.25, 0.2, 0.5, 0.3, 0.3
NAMES_IN, CHARACTER_IN = 3.0, 0.072
MARKERS = "os^DvPX"
WIDE = 20
"""Values whose largest is more than so many times their smallest are drawn by logarithm; arbitrary."""
CARET_LEFT, CARET_RIGHT = 4, 5
"""matplotlib's markers."""


@dataclass(frozen=True)
class Row:
    """What one name has of each series, by the series' label."""

    label: str
    found: Mapping[str, Measurement]


def charts_of(said: Mapping[str, Any]) -> tuple[Chart, ...]:
    """The charts that ``environment.json`` or ``study.json`` names; none in those of before."""
    return tuple(
        Chart(str(each["name"]), str(each["title"]), {str(k): str(v) for k, v in each["series"].items()})
        for each in said.get("charts") or ()
    )


def part(pattern: str, name: str) -> str | None:
    """What the ``*`` of a pattern stands for in a name, nothing without one; ``None``: the name is another one."""
    before, star, after = pattern.partition("*")
    if not star:
        return "" if name == pattern else None
    if not name.startswith(before) or not name.endswith(after) or len(name) <= len(before) + len(after):
        return None
    return name[len(before) : len(name) - len(after)]


def row_names(chart: Chart, names: Iterable[str]) -> tuple[str, ...]:
    """What stands for the ``*``, in the order in which it comes."""
    found = (part(pattern, name) for name in names for pattern in chart.series.values())
    return tuple(dict.fromkeys(each for each in found if each is not None))


def rows(chart: Chart, measurements: Sequence[Measurement]) -> list[Row]:
    """The rows of a run's chart; one without a single value is left out."""
    by_name = {each.name: each for each in measurements if each.value is not None}
    found = []
    for label in row_names(chart, by_name):
        named = {series: by_name.get(pattern.replace("*", label)) for series, pattern in chart.series.items()}
        found.append(Row(spoken(label), {series: each for series, each in named.items() if each is not None}))
    return found


def sentence(chart: Chart, found: Sequence[Row]) -> str:
    """The smallest and the largest value of each series, and how all are to theory."""
    told = [part for series in chart.series if (part := _span(found, series, named=len(chart.series) > 1))]
    judged = [each for row in found for each in row.found.values() if each.low is not None or each.high is not None]
    outside = sum(each.verdict is Verdict.FAIL for each in judged)
    if not judged:
        theory = "No theory bounds these."
    elif outside:
        theory = f"{outside} of {len(judged)} values are outside what theory allows."
    else:
        theory = f"All {len(judged)} values with a bound lie where theory allows."
    return f"{capital('; '.join(told))}. {theory}"


def _span(found: Sequence[Row], series: str, *, named: bool) -> str:
    """From where to where one series goes; empty where it has no value."""
    known = [(each.value or 0.0, each.unit, row.label) for row in found if (each := row.found.get(series)) is not None]
    if not known:
        return ""
    (low, unit, low_at), (high, _, high_at) = min(known), max(known)
    which = f"{series} " if named else ""
    if len(known) == 1:
        return f"{which}{quantity(low, unit)}{f' with {low_at}' if low_at else ''}"
    return f"{which}from {quantity(low, unit)} with {low_at} to {quantity(high, unit)} with {high_at}"


def group_figure(chart: Chart, found: Sequence[Row]) -> Figure:
    """Rows with a mark for each series; to be used inside :func:`testbed.report.style.settings`."""
    height = ROW_IN * len(found) + 0.1
    names = min(NAMES_IN, 0.4 + CHARACTER_IN * max(len(row.label) for row in found))
    several = len(chart.series) > 1
    figure = style.new_figure(TOP + height + BOTTOM + (LEGEND_IN if several else 0))
    axes = style.new_axes(figure, names, TOP, style.WIDTH_IN - names - RIGHT, height)
    style.dress(axes)
    for number, row in enumerate(found):
        for series, each in row.found.items():
            _mark(axes, each, -float(number), list(chart.series).index(series))
    values = [each.value or 0.0 for row in found for each in row.found.values()]
    if min(values) > 0 and max(values) > WIDE * min(values):
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    else:
        axes.set_xlim(min(0.0, axes.get_xlim()[0]), axes.get_xlim()[1])
    axes.set_yticks([-float(n) for n in range(len(found))], [style.shorten(row.label, 40) for row in found])
    axes.tick_params(axis="y", length=0, labelcolor=style.INK)
    axes.set_ylim(-len(found) + 0.4, 0.6)
    unit = next(iter(found[0].found.values())).unit
    axes.set_xlabel(f"{chart.title}, {unit}" if unit else chart.title, fontsize=style.SMALL, color=style.MUTED)
    if several:
        axes.legend(
            [_handle(axes, number) for number in range(len(chart.series))], list(chart.series), loc="upper left",
            bbox_to_anchor=(0, -0.42 / height), frameon=False, fontsize=style.SMALL, ncols=len(chart.series),
        )  # fmt: skip
    return figure


def _mark(axes: Axes, each: Measurement, place: float, number: int) -> None:
    """A value, what theory expects, and what it allows: a band, or an arrow from its only bound."""
    if each.low is not None and each.high is not None:
        axes.hlines(place, each.low, each.high, color=style.UP, alpha=0.55, linewidth=10, zorder=1)
    elif each.high is not None:
        axes.plot([each.high], [place], marker=CARET_LEFT, color=style.MUTED, markersize=7, zorder=2)
    elif each.low is not None:
        axes.plot([each.low], [place], marker=CARET_RIGHT, color=style.MUTED, markersize=7, zorder=2)
    if each.expected is not None:
        axes.vlines(each.expected, place - 0.36, place + 0.36, color=style.INK, linewidth=1.2, zorder=3)
    bad = each.verdict is Verdict.FAIL
    colour = style.BAD if bad else style.SERIES[number % len(style.SERIES)]
    axes.plot([each.value or 0.0], [place], MARKERS[number % len(MARKERS)], color=colour, markersize=6, zorder=4)


def _handle(axes: Axes, number: int) -> Line2D:
    colour, marker = style.SERIES[number % len(style.SERIES)], MARKERS[number % len(MARKERS)]
    return axes.plot([], [], marker, color=colour, markersize=6)[0]
