"""The timeline: faults, traffic, paths and sessions over one axis of time; and the same, close up, where things moved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from testbed.report import lanes, style
from testbed.report.lanes import FaultBand, Lane
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
    instants = sorted({edge for band in bands for edge in (band.start_s, band.end_s) if edge < total})
    windows = []
    for begin, until in pairwise([*instants, total]):
        changes = (span.start_s for lane in found for row in lane.rows for span in row)
        reactions = [change for change in changes if begin < change < until]
        length = max(reactions, default=begin) - begin
        if 0 < length < CLOSE_UP_SHARE * total:
            what = " and ".join(
                [f"{band.words} begins" for band in bands if band.start_s == begin]
                + [f"{band.words} is healed" for band in bands if band.end_s == begin and band.healed]
            )
            windows.append(Window(begin - AROUND * length, begin + (1 + AROUND) * length, what))
    return tuple(windows[:CLOSE_UPS])


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
    def name(y: float, text: str, *, bold: bool) -> None:
        axes.annotate(
            style.shorten(text, 27), (0, y), xycoords=("axes fraction", "data"), xytext=(-LEFT * 72 + 8 if bold else -8, 0),
            textcoords="offset points", ha="left" if bold else "right", va="center", annotation_clip=False,
            fontsize=style.NORMAL if bold else style.SMALL, fontweight="bold" if bold else "normal",
            color=style.INK if bold else style.MUTED,
        )  # fmt: skip

    if faults:
        name(0.15, "Faults", bold=True)
    note = ["thin line: down, or no route"] + ["upper half IPv4, lower IPv6"] * any(
        len(p.lane.rows) > 1 for p in places
    )
    axes.annotate(
        "\n".join(note), (0, 0), xycoords="axes fraction", xytext=(-LEFT * 72 + 8, -5), textcoords="offset points",
        va="top", fontsize=6.8, color=style.MUTED, annotation_clip=False, linespacing=1.3,
    )  # fmt: skip
    for place in places:
        if place.heading:
            name(place.y - 0.1, place.heading, bold=True)
        name(place.y + LANE_IN / 2, place.lane.label, bold=False)


def _draw_bands(axes: Axes, bands: Sequence[FaultBand], window: Window, width: float, height: float) -> None:
    for band, row in zip(bands, _fault_rows(bands), strict=True):
        begin, end = max(band.start_s, window.start_s), min(band.end_s, window.end_s)
        if end <= begin:
            continue
        axes.axvspan(begin, end, color=style.BAD_TINT, linewidth=0, zorder=0)
        y = row * 0.3 + 0.15
        axes.barh(y, end - begin, left=begin, height=0.22, color=style.BAD, linewidth=0, zorder=3)
        for edge in (band.start_s, band.end_s):
            if window.start_s < edge < window.end_s:
                axes.plot((edge, edge), (row * 0.3, height), color=style.BAD, linewidth=0.9, zorder=2)
        room = (end - begin) / window.length_s * width
        inside = len(band.words) / LABEL_PER_IN < room
        at_right = not inside and (window.end_s - end) / window.length_s * width < len(band.words) / LABEL_PER_IN
        x = (begin + end) / 2 if inside else begin if at_right else end
        axes.annotate(
            band.words, (x, y), xytext=(0 if inside else -4 if at_right else 4, 0), textcoords="offset points", va="center",
            ha="center" if inside else "right" if at_right else "left", fontsize=style.SMALL,
            color=style.PAPER if inside else style.BAD, fontweight="bold", zorder=4,
        )  # fmt: skip


def _draw_lane(axes: Axes, place: _Place, window: Window, width: float, colours: Mapping[str, str]) -> None:
    rows = place.lane.rows
    tall = (LANE_IN - 0.06) / max(1, len(rows))
    fill = tall if place.lane.kind == "path" else tall * 0.84
    for number, row in enumerate(rows):
        y = place.y + 0.03 + (number + 0.5) * tall
        for span in lanes.coarse(row, window.start_s, window.end_s):
            bad = span.state in lanes.BAD_STATES
            # What is bad must be seen, however short: a pixel and a half at least.
            length = max(span.end_s - span.start_s, window.length_s / width / 64 if bad else 0.0)
            if not bad:
                _bar(axes, span.start_s, length, y, fill, _colour(span.state, colours), 2)
            elif place.lane.kind == "probe":
                _bar(axes, span.start_s, length, y, fill, style.BAD, 3)
            else:
                axes.plot(
                    (span.start_s, span.start_s + length), (y, y), color=style.BAD, linewidth=1.2, solid_capstyle="butt"
                )
        _say_states(axes, place, row, window, width, len(rows), number)


def _bar(axes: Axes, start: float, length: float, y: float, height: float, colour: str, order: int) -> None:
    """A bar with hard edges, so that two that touch look like one."""
    axes.barh(y, length, left=start, height=height, color=colour, linewidth=0, zorder=order, antialiased=False)


def _colour(state: str, colours: Mapping[str, str]) -> str:
    return colours.get(state, style.UP)


def _say_states(
    axes: Axes, place: _Place, row: lanes.Row, window: Window, width: float, rows: int, number: int
) -> None:  # fmt: skip
    """Write the path into its span where there is room, once for both families when they agree."""
    if place.lane.kind != "path" or number or len(row) > lanes.SPANS_MAX:
        return
    others = place.lane.rows[1:]
    for span in lanes.coarse(row, window.start_s, window.end_s):
        middle = (span.start_s + span.end_s) / 2
        agree = all(any(s.state == span.state and s.start_s <= middle < s.end_s for s in other) for other in others)
        room = (span.end_s - span.start_s) / window.length_s * width
        if span.state and span.state not in lanes.BAD_STATES and agree and len(span.state) / LABEL_PER_IN + 0.1 < room:
            axes.text(
                middle, place.y + LANE_IN / 2, span.state, fontsize=7.4, fontweight="bold", ha="center", va="center",
                color=style.PAPER, zorder=5,
            )  # fmt: skip
