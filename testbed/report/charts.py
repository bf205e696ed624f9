"""Round-trip time and loss of a probe over time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from testbed.report import style
from testbed.report.lanes import FaultBand
from testbed.report.lookups import Asked
from testbed.report.rundir import Run
from testbed.report.streams import Stream, thin

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LEFT, RIGHT, TOP, BOTTOM = 0.85, 0.15, 0.3, 0.46
RTT_IN, LOSS_IN, LOOKUP_IN = 2.0, 1.15, 2.4
LEGEND_IN, LEGEND_COLUMNS = 0.25, 5
LOOKUP_MARKS = (("o", "x"), ("s", "+"), ("^", "1"), ("D", "2"))
"""Of answers and of failures, a pair for each probe: colours alone tell nothing."""
COLUMNS = 850
"""Pixel columns that a curve is thinned to; about what a screen shows."""
BINS_MAX = 120
"""Bars of the loss chart; arbitrary: each is some pixels wide."""


def rtt_figure(run: Run, stream: Stream, bands: Sequence[FaultBand]) -> Figure:
    """Round-trip time; to be used inside :func:`testbed.report.style.settings`."""
    figure, axes, end = _start(run, RTT_IN, bands)
    sent = (stream.sent_ns - run.start_ns) / 1e9
    curve = thin(sent, stream.rtt_ms, 0.0, end, COLUMNS)
    colour = style.SERIES[0]
    if (curve.high > curve.low).any():
        axes.fill_between(
            curve.centre_s, curve.low, curve.high, color=colour, alpha=0.4, linewidth=0.8, step="mid", zorder=2
        )
    axes.plot(curve.centre_s, curve.middle, color=colour, linewidth=1.6, drawstyle="steps-mid", solid_joinstyle="miter")
    top = float(np.nanmax(curve.high)) if not np.isnan(curve.high).all() else 1.0
    axes.set_ylim(0, top * 1.18)
    axes.set_ylabel("round-trip time, ms", fontsize=style.SMALL, color=style.MUTED)
    _mark_losses(axes, run, stream, end)
    return figure


def loss_figure(run: Run, stream: Stream, bands: Sequence[FaultBand]) -> Figure:
    """Packets lost, per span of time; to be used inside :func:`testbed.report.style.settings`."""
    figure, axes, end = _start(run, LOSS_IN, bands)
    width = bin_width(end)
    count = max(1, int(np.ceil(end / width)))
    place = np.clip(((stream.sent_ns - run.start_ns) / 1e9 / width).astype(np.int64), 0, count - 1)
    sent = np.bincount(place, minlength=count)
    lost = np.bincount(place, weights=stream.lost, minlength=count)
    share = np.divide(100 * lost, sent, out=np.zeros(count), where=sent > 0)
    some = np.flatnonzero(share)
    axes.bar(some * width, share[some], width=width, align="edge", color=style.BAD, linewidth=0)
    axes.set_ylim(0, max(5.0, float(share.max(initial=0.0)) * 1.15))
    axes.set_ylabel(f"lost, % per {width:g} s", fontsize=style.SMALL, color=style.MUTED)
    return figure


def lookup_figure(run: Run, every: Sequence[Asked], bands: Sequence[FaultBand]) -> Figure:
    """Lookups of names; to be used inside :func:`testbed.report.style.settings`.

    Each where it was asked and as high as it took, answers and failures with marks of their own, one colour a probe.
    """
    from matplotlib.ticker import FuncFormatter

    kinds = sum(len({each.ok for each in one.lookups}) for one in every)
    figure, axes, _ = _start(run, LOOKUP_IN, bands, below=LEGEND_IN * -(-kinds // LEGEND_COLUMNS))
    for number, one in enumerate(every):
        colour, marks = style.SERIES[number % len(style.SERIES)], LOOKUP_MARKS[number % len(LOOKUP_MARKS)]
        for ok, mark in zip((True, False), marks, strict=True):
            some = [each for each in one.lookups if each.ok == ok]
            at, took = [run.since_start(each.sent_ns) for each in some], [each.took_ms for each in some]
            label = f"{one.name}, {'answered' if ok else 'not'}"
            axes.plot(at, took, mark, color=colour, markersize=4.5, markeredgewidth=1.1, label=label if some else None)
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.margins(y=0.15)
    axes.set_ylabel("time of a lookup, ms", fontsize=style.SMALL, color=style.MUTED)
    figure.legend(loc="lower right", ncols=LEGEND_COLUMNS, fontsize=style.SMALL, frameon=False, handletextpad=0.1)
    return figure


def bin_width(end_s: float) -> float:
    """The smallest of 1, 2 and 5 times a power of ten that leaves few enough bars."""
    least = end_s / BINS_MAX
    power = 10.0 ** np.floor(np.log10(least))
    return float(next(power * step for step in (1, 2, 5, 10) if power * step >= least * (1 - 1e-9)))


def _start(run: Run, height: float, bands: Sequence[FaultBand], below: float = 0.0) -> tuple[Figure, Axes, float]:
    """A figure with the axis of time and the faults; ``below``: inches that are left free at the bottom."""
    figure = style.new_figure(TOP + height + BOTTOM + below)
    axes = style.new_axes(figure, LEFT, TOP, style.WIDTH_IN - LEFT - RIGHT, height)
    end = run.since_start(run.stop_ns)
    axes.set_xlim(0, end)
    style.dress(axes)
    axes.set_xlabel(run.axis, fontsize=style.SMALL, color=style.MUTED)
    free = 0.0
    for band in bands:
        for since, until in band.shown:
            axes.axvspan(since, until, color=style.BAD_TINT, linewidth=0, zorder=0)
        if band.start_s >= free:  # words only where none are yet
            words = band.words
            at_right = band.start_s > 0.75 * end
            axes.annotate(
                words, (band.end_s if at_right else band.start_s, 1), xycoords=("data", "axes fraction"),
                xytext=(0, 4), textcoords="offset points", ha="right" if at_right else "left",
                fontsize=style.SMALL, fontweight="bold", color=style.BAD,
            )  # fmt: skip
            free = band.start_s + end * 0.009 * len(words)
    return figure, axes, end


def _mark_losses(axes: Axes, run: Run, stream: Stream, end: float) -> None:
    """A bar at the bottom wherever packets were lost, each at least a pixel wide."""
    least = end / COLUMNS
    merged: list[list[float]] = []
    for gap in stream.gaps:
        begin, stop = run.since_start(gap.start_ns), run.since_start(gap.end_ns)
        if merged and begin - merged[-1][1] < least:
            merged[-1][1] = max(merged[-1][1], stop)
        else:
            merged.append([begin, max(stop, begin + least)])
    for begin, stop in merged:
        axes.axvspan(begin, stop, ymax=0.055, color=style.BAD, linewidth=0, zorder=3)
    if merged:
        axes.annotate(
            "marks at the bottom: packets lost", (1, 0), xycoords="axes fraction", xytext=(0, -20),
            textcoords="offset points", ha="right", va="top", fontsize=style.SMALL, color=style.BAD, fontweight="bold",
        )  # fmt: skip
