"""The picture of a study with two axes: a matrix of medians, and the distributions of its cells."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

import numpy as np

from testbed.check.cells import Summary, summarise, trusted
from testbed.check.consistency import VALUES_MIN, Table, p_value
from testbed.numbers import DASH, capital, counted, number, seconds, spoken
from testbed.report import style
from testbed.report.matrix import Square, matrix_figure
from testbed.report.studydir import StudyRun
from testbed.study import Cell, CellResult

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LEFT, RIGHT, TOP, BOTTOM, HEIGHT = 0.85, 0.15, 0.2, 0.5, 2.9


@dataclass(frozen=True)
class Scale:
    """How the numbers of a unit are shaded and written.

    Attributes:
        steps: where one shade ends and the next begins.
        legend: what each shade means.
    """

    steps: tuple[float, ...]
    legend: tuple[str, ...]
    write: Callable[[float], str]


SCALES: Mapping[str, Scale] = {
    "s": Scale((0.05, 1.0, 10.0, 60.0), ("below 50 ms", "to 1 s", "to 10 s", "to 60 s", "longer"), seconds),
    "packets": Scale((1, 10, 100, 1000), ("none", "below 10", "below 100", "below 1,000", "more"), number),
}
"""Arbitrary: a blink, a retry, a reload, a phone call; powers of ten."""
PLAIN = Scale((), (), number)


def scale_of(run: StudyRun, name: str) -> Scale:
    """Of a measurement's unit."""
    units = {each.unit for result in run.results for each in result.named(name)}
    return SCALES.get(units.pop(), PLAIN) if len(units) == 1 else PLAIN


def squares(run: StudyRun, name: str) -> dict[tuple[str, str], Square]:
    """The cells of the matrix: median and 99th percentile over seeds, theory small beneath; or why there is none."""
    down, across = run.varied[:2]
    results = {(each.cell.at[down.name], each.cell.at[across.name]): each for each in run.results}
    skipped, scale = run.asked.get("skipped", {}), scale_of(run, name)
    theory = any(each and each.judged for each in (summarise(result, name) for result in run.results))
    found = {}
    for row in down.points:
        for column in across.points:
            at = Cell({down.name: row, across.name: column}, {}).name
            if (row, column) in results:
                found[row, column] = _square(results[row, column], name, scale, theory=theory)
            elif at in skipped:
                found[row, column] = Square(skipped[at])
    return found


def _square(result: CellResult, name: str, scale: Scale, *, theory: bool) -> Square:
    """``theory``: some cell has one, so that it is told which have not."""
    each = summarise(result, name)
    if each is None:  # what it is about did not happen
        return Square(DASH, wrong=not trusted(result))
    if each.median is None:
        return Square("not measured", wrong=True)
    ordered = sorted(each.values)
    last = ordered[ceil(0.99 * len(ordered)) - 1]
    shade = sum(each.median >= step for step in scale.steps)
    middle, most = (_short(value, scale) for value in (each.median, last))
    text = middle if len(ordered) == 1 else f"{middle} | {most}"
    small = [_theory(each, scale)] if theory else []
    small += [f"in {len(ordered)} of {len(result.runs)} runs"] if each.left_out else []
    return Square(text, "\n".join(small), shade, wrong=bool(each.outside))


def _short(value: float, scale: Scale) -> str:
    return "0" if value == 0 else scale.write(value)


def _theory(each: Summary, scale: Scale) -> str:
    low, high = each.bound_low, each.bound_high
    if low is None and high is None:
        return "no theory"
    if high is None:
        return f"theory at least {_short(low or 0.0, scale)}"
    if low == high:
        return f"theory {_short(high, scale)}"
    return f"theory {_range(_short(low, scale), _short(high, scale))}" if low else f"theory to {_short(high, scale)}"


def _range(low: str, high: str) -> str:
    """Both ends, their unit once if it is the same."""
    (first, _, unit), (_, _, last_unit) = low.partition(" "), high.partition(" ")
    return f"{first} to {high}" if unit == last_unit else f"{low} to {high}"


def matrix(run: StudyRun, name: str) -> Figure:
    """The picture."""
    down, across = run.varied[:2]
    return matrix_figure(list(down.points), list(across.points), squares(run, name), scale_of(run, name).legend)


def matrix_sentence(run: StudyRun, name: str) -> str:
    """What the matrix shows."""
    every = [each for result in run.results if (each := summarise(result, name)) is not None]
    judged = [each for each in every if each.judged]
    values, outside = sum(len(each.values) for each in judged), sum(each.outside for each in judged)
    where = f"all {values} values lie" if not outside else f"{outside} of {values} values do not lie"
    down, across = run.varied[:2]
    seeds = int(run.asked["seeds"])
    over = f", median | 99th percentile over {seeds} seeds (of fewer than a hundred, the longest)" if seeds > 1 else ""
    told = f"In the {counted(len(judged), 'cell')} with theory {where} where it allows; framed: outside it."
    dash = f" {DASH}: it did not happen." if any(not result.named(name) for result in run.results) else ""
    return f"By {down.name}, down, and {across.name}, across{over}. {told if judged else 'No theory bounds it.'}{dash}"


def distributions(run: StudyRun) -> list[tuple[CellResult, str, Table, list[float]]]:
    """Cells, measurements, laws and values, where there are values enough for a curve."""
    found = []
    for result in run.results:
        for name, table in run.laws.get(result.cell.name, {}).items():
            summary = summarise(result, name)
            if summary is not None and len(summary.values) >= 2 * VALUES_MIN:
                found.append((result, name, table, sorted(summary.values)))
    return found


def distribution_sentence(name: str, table: Table, values: list[float]) -> str:
    """Whether the values follow the law, and which law."""
    found = p_value(values, table)
    words = spoken(name)
    said = "are consistent with" if found >= 0.05 else "are hardly consistent with"
    return (
        f"{capital(words)}: {counted(len(values), 'value')} from {number(values[0])} to {number(values[-1])} s "
        f"{said} theory's distribution, p = {number(round(found, 4))} (Kolmogorov's test). Theory: {table.source}."
    )


def distribution_figure(name: str, table: Table, values: list[float]) -> Figure:
    """Cumulative: what was measured as steps, theory as a band between its earliest and its latest."""
    figure = style.new_figure(TOP + HEIGHT + BOTTOM)
    axes = style.new_axes(figure, LEFT, TOP, style.WIDTH_IN - LEFT - RIGHT, HEIGHT)
    places, shares = np.asarray(table.places), np.asarray(table.shares)
    grid = np.linspace(min(places[0], values[0]), max(places[-1], values[-1]), 600)
    high = np.interp(grid + table.early, places, np.asarray(table.most), left=0.0, right=1.0)
    low = np.interp(grid - table.late, places, shares, left=0.0, right=1.0)
    axes.fill_between(grid, low, high, color=style.SERIES[0], alpha=0.2, linewidth=0, label="theory allows")
    axes.plot(grid, np.interp(grid, places, shares, left=0.0, right=1.0), color=style.SERIES[0], linewidth=1.2,
              linestyle=(0, (4, 3)), label="theory")  # fmt: skip
    steps = np.arange(0, len(values) + 1) / len(values)
    axes.step([grid[0], *values, grid[-1]], [*steps, 1.0], where="post", color=style.INK, linewidth=1.6,
              label=f"measured, {len(values)} seeds")  # fmt: skip
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.grid(color=style.LINE, linewidth=0.5)
    axes.set_ylim(0, 1.02)
    axes.set_xlabel(f"{spoken(name)}, s", fontsize=style.SMALL, color=style.MUTED)
    axes.set_ylabel("share of runs at most so long", fontsize=style.SMALL, color=style.MUTED)
    axes.tick_params(labelsize=style.SMALL, length=3)
    axes.legend(loc="upper left", frameon=False, fontsize=style.SMALL)
    return figure
