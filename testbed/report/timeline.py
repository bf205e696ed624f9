"""The timeline: faults, traffic, paths and sessions over one axis of time; and close-ups of where things moved."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from testbed.report import style
from testbed.report.lane import BAD_STATES, SOME, SPANS_MAX, Lane, Row, coarse
from testbed.report.lanes import FaultBand
from testbed.report.rundir import Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LEFT, RIGHT, TOP, BOTTOM = 1.95, 0.15, 0.12, 0.46
LANE_IN, GROUP_IN, COLUMN_GAP = 0.25, 0.27, 0.22
CLOSE_UP_SHARE = 0.15
"""Arbitrary: a reaction that takes less than this share of the chart is shown close up."""
AROUND = 0.2
"""Arbitrary: what a close-up shows before and after, as a share of the reaction."""
CLOSE_UPS = 2
LABEL_PER_IN = 12.5
"""Characters of small text in an inch."""


@dataclass(frozen=True)
class Window:
    """A part of time; seconds since the start of the scenario. ``title`` says what it shows."""

    start_s: float
    end_s: float
    title: str = ""

    @property
    def length_s(self) -> float:
        """In seconds."""
        return self.end_s - self.start_s


@dataclass(frozen=True)
class _Place:
    """A lane and how far down it is, in inches; ``heading`` of the group it begins."""

    lane: Lane
    y: float
    heading: str


def timeline_figure(run: Run, found: Sequence[Lane], bands: Sequence[FaultBand]) -> Figure:
    """The whole scenario; to be used inside :func:`testbed.report.style.settings`."""
    whole = Window(0.0, run.since_start(run.stop_ns))
    return _figure(run, found, bands, [whole])


def close_up_figure(run: Run, found: Sequence[Lane], bands: Sequence[FaultBand], windows: Sequence[Window]) -> Figure:
    """The windows side by side, with only those lanes that change in one of them."""
    moving = [lane for lane in found if lane.kind == "probe" or any(_changes_in(lane, window) for window in windows)]
    return _figure(run, moving, bands, windows)


def close_ups(run: Run, found: Sequence[Lane], bands: Sequence[FaultBand]) -> tuple[Window, ...]:
    """What to look at closely: how the lab reacted to the first fault, and to its healing, where that was quick."""
    total = run.since_start(run.stop_ns)
    instants = sorted({edge for band in bands for phase in band.phases for edge in phase if edge < total})
    changes = sorted(span.start_s for lane in found for row in lane.rows for span in row)
    windows: list[Window] = []
    for begin, until in pairwise([*instants, total]):
        last = bisect_left(changes, until) - 1
        length = changes[last] - begin if last >= 0 else 0.0
        if 0 < length < CLOSE_UP_SHARE * total:
            what = " and ".join(words for band in bands if (words := _edge_words(band, begin)))
            windows.append(Window(begin - AROUND * length, begin + (1 + AROUND) * length, what))
        if len(windows) == CLOSE_UPS:
            break
    return tuple(windows)


def _edge_words(band: FaultBand, instant: float) -> str:
    """What a fault does at an instant; nothing when it does nothing then."""
    if instant == band.start_s:
        return f"{band.words} begins"
    if instant == band.end_s and band.healed:
        return f"{band.words} is healed"
    swings = any(instant in phase for phase in band.phases)
    return f"{band.words}: {'down' if any(instant == since for since, _ in band.phases) else 'up'}" if swings else ""


def _changes_in(lane: Lane, window: Window) -> bool:
    return any(window.start_s < span.start_s < window.end_s for row in lane.rows for span in row)


def _figure(run: Run, found: Sequence[Lane], bands: Sequence[FaultBand], windows: Sequence[Window]) -> Figure:
    colours = style.series(run.plan)
    head = 0.22 if windows[0].title else 0.0
    faults = 0.3 * _stacked(bands) + 0.08 if bands else 0.0
    places, height = _places(found, faults)
    figure = style.new_figure(TOP + head + height + BOTTOM)
    width = (style.WIDTH_IN - LEFT - RIGHT - COLUMN_GAP * (len(windows) - 1)) / len(windows)
    for number, window in enumerate(windows):
        axes = style.new_axes(figure, LEFT + number * (width + COLUMN_GAP), TOP + head, width, height)
        axes.set(xlim=(window.start_s, window.end_s), ylim=(height, 0))
        _frame(axes, window, run.axis)
        _draw_bands(axes, bands, window, width, height)
        for place in places:
            _draw_lane(axes, place, window, width, colours)
        if number == 0:
            _name_lanes(axes, places, faults)
    return figure


def _stacked(bands: Sequence[FaultBand]) -> int:
    """Rows that faults need so that none lies over another."""
    return 1 + max(_fault_rows(bands), default=0)


def _fault_rows(bands: Sequence[FaultBand]) -> list[int]:
    ends: list[float] = []
    rows = []
    for band in bands:
        row = next((number for number, end in enumerate(ends) if end <= band.start_s), len(ends))
        ends[row : row + 1] = [band.end_s]
        rows.append(row)
    return rows


def _places(found: Sequence[Lane], top: float) -> tuple[list[_Place], float]:
    y, group = top, ""
    places = []
    for lane in found:
        heading = lane.group if lane.group != group else ""
        y += GROUP_IN if heading else 0.0
        places.append(_Place(lane, y, heading))
        y, group = y + LANE_IN, lane.group
    return places, y + 0.06


def _frame(axes: Axes, window: Window, axis: str) -> None:
    axes.set_yticks([])
    for side in ("left", "right", "top"):
        axes.spines[side].set_visible(False)
    axes.tick_params(axis="x", labelsize=style.SMALL, length=3)
    axes.grid(axis="x", color=style.LINE, linewidth=0.5)
    axes.set_axisbelow(True)
    axes.set_xlabel(axis, fontsize=style.SMALL, color=style.MUTED)
    if window.title:
        axes.set_title(style.shorten(window.title, 60), fontsize=style.NORMAL, fontweight="bold", loc="left", pad=7)


def _name_lanes(axes: Axes, places: Sequence[_Place], faults: float) -> None:
    """Groups at the left edge, lanes at the axis, and below them how to read the lanes."""

    def name(y: float, text: str, *, bold: bool) -> None:
        axes.annotate(
            style.shorten(text, 27), (0, y), xycoords=("axes fraction", "data"), textcoords="offset points",
            xytext=(-LEFT * 72 + 8 if bold else -8, 0), ha="left" if bold else "right", va="center",
            fontsize=style.NORMAL if bold else style.SMALL, fontweight="bold" if bold else "normal",
            color=style.INK if bold else style.MUTED, annotation_clip=False,
        )  # fmt: skip

    if faults:
        name(0.15, "Faults", bold=True)
    for place in places:
        if place.heading:
            name(place.y - 0.1, place.heading, bold=True)
        name(place.y + LANE_IN / 2, place.lane.label, bold=False)
    two = any(len(place.lane.rows) > 1 for place in places)
    note = "thin line: down, or no route" + ("\nupper half IPv4, lower IPv6" if two else "")
    axes.annotate(
        note, (0, 0), xycoords="axes fraction", xytext=(-LEFT * 72 + 8, -5), textcoords="offset points",
        va="top", fontsize=6.8, color=style.MUTED, annotation_clip=False, linespacing=1.3,
    )  # fmt: skip


def _draw_bands(axes: Axes, bands: Sequence[FaultBand], window: Window, width: float, height: float) -> None:
    rows = _fault_rows(bands)
    for band, row in zip(bands, rows, strict=True):
        begin, end = max(band.start_s, window.start_s), min(band.end_s, window.end_s)
        if end < begin:
            continue
        for since, until in band.shown:
            first, last = max(since, window.start_s), min(until, window.end_s)
            if last < first:
                continue
            axes.axvspan(first, last, color=style.BAD_TINT, linewidth=0, zorder=0)
            length = max(last - first, window.length_s / width / 64)
            axes.barh(row * 0.3 + 0.15, length, left=first, height=0.22, color=style.BAD, linewidth=0, zorder=3)
        for edge in (band.start_s, band.end_s):
            if window.start_s < edge < window.end_s:
                axes.plot((edge, edge), (row * 0.3, height), color=style.BAD, linewidth=0.9, zorder=2)
        others = [other for other, place in zip(bands, rows, strict=True) if place == row]
        _name_band(axes, band, others, window, width, row * 0.3 + 0.15)


def _name_band(
    axes: Axes, band: FaultBand, others: Sequence[FaultBand], window: Window, width: float, y: float
) -> None:
    """Write a fault's words into its bar, or beside it, or nowhere, as there is room."""
    begin, end = max(band.start_s, window.start_s), min(band.end_s, window.end_s)
    left = max([window.start_s, *(other.end_s for other in others if other.end_s <= begin)])
    right = min([window.end_s, *(other.start_s for other in others if other.start_s >= end)])
    need = len(band.words) / LABEL_PER_IN / width * window.length_s
    rooms = (
        (end - begin if len(band.shown) == 1 else 0.0, (begin + end) / 2, "center", 0),
        (right - end, end, "left", 4),
        (begin - left, begin, "right", -4),
    )
    for room, x, align, shift in rooms:
        if need < room:
            axes.annotate(
                band.words, (x, y), xytext=(shift, 0), textcoords="offset points", va="center", ha=align,
                fontsize=style.SMALL, color=style.BAD if shift else style.PAPER, fontweight="bold", zorder=4,
            )  # fmt: skip
            return


def _draw_lane(axes: Axes, place: _Place, window: Window, width: float, colours: Mapping[str, str]) -> None:
    rows = place.lane.rows
    tall = (LANE_IN - 0.06) / max(1, len(rows))
    fill = tall if place.lane.kind == "path" else tall * 0.84
    filled = place.lane.kind in ("probe", "state")
    visible = window.length_s / width / 64  # a pixel and a half: what is bad must be seen, however short
    for number, row in enumerate(rows):
        y = place.y + 0.03 + (number + 0.5) * tall
        for span in coarse(row, window.start_s, window.end_s):
            length = span.end_s - span.start_s
            if place.lane.kind == "state":  # two states may have one colour
                length -= min(visible, length / 2)
            if span.state not in BAD_STATES:
                _bar(axes, span.start_s, length, y, fill, _colour(span.state, colours), 2)
            bad = span.state in BAD_STATES
            if span.state == SOME or (bad and filled and length < visible):
                _bar(axes, span.start_s, max(length, visible), y + fill * 0.35, fill * 0.3, style.BAD, 3)
            elif bad and filled:
                _bar(axes, span.start_s, length, y, fill, style.BAD, 3)
            elif bad:
                ends = (span.start_s, span.start_s + max(length, visible))
                axes.plot(ends, (y, y), color=style.BAD, linewidth=1.2, solid_capstyle="butt")
        if number == 0:
            _say_states(axes, place, row, window, width)


def _bar(axes: Axes, start: float, length: float, y: float, height: float, colour: str, order: int) -> None:
    """A bar with hard edges, so that two that touch look like one."""
    axes.barh(y, length, left=start, height=height, color=colour, linewidth=0, zorder=order, antialiased=False)


def _colour(state: str, colours: Mapping[str, str]) -> str:
    return colours.get(state, style.UP)


def _say_states(axes: Axes, place: _Place, row: Row, window: Window, width: float) -> None:
    """Write path or state into its span where there is room, once for both families and only where they agree."""
    if place.lane.kind not in ("path", "state") or len(row) > SPANS_MAX:
        return
    others = place.lane.rows[1:]
    for span in coarse(row, window.start_s, window.end_s):
        middle = (span.start_s + span.end_s) / 2
        agree = all(any(s.state == span.state and s.start_s <= middle < s.end_s for s in other) for other in others)
        room = (span.end_s - span.start_s) / window.length_s * width
        says = span.state and (place.lane.kind == "state" or span.state not in BAD_STATES) and agree
        if says and len(span.state) / LABEL_PER_IN + 0.1 < room:
            axes.text(
                middle, place.y + LANE_IN / 2, span.state, fontsize=7.4, fontweight="bold", ha="center", va="center",
                color=style.PAPER, zorder=5,
            )  # fmt: skip
