"""A picture of a topology: sites with their subnets and hosts, the wires between them, and what broke."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from testbed.errors import InputError, Problem
from testbed.plan.plan import Plan
from testbed.report import layout, style
from testbed.report.layout import Course, Layout, Rect
from testbed.report.sites import Chip, RouterChip, SiteBox, SubnetBox

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.path import Path as Curve

TUNNEL_DISTANCE = 0.07
PER_CHARACTER = 0.0076
"""Inches a character takes, per point of its size; measured on what is written here, in DejaVu Sans."""


def draw_topology(plan: Plan, path: Path, broken: Collection[str] = ()) -> None:
    """Draw a plan into an ``.svg`` or ``.png`` file.

    Args:
        plan: what to draw.
        path: where to; the suffix decides the format.
        broken: names of links, tunnels and nodes to mark.

    Raises:
        InputError: another suffix.
    """
    if path.suffix not in (".svg", ".png"):
        raise InputError(
            Problem(str(path), f"a picture of kind {path.suffix or 'nothing'}", "name a file .svg or .png")
        )
    with style.settings():
        style.save(topology_figure(plan, broken), path)


def topology_figure(plan: Plan, broken: Collection[str] = ()) -> Figure:
    """The picture as a figure; to be used inside :func:`testbed.report.style.settings`."""
    placed = layout.lay_out(plan, broken)
    figure = style.new_figure(placed.height, placed.width)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, placed.width), ylim=(placed.height, 0))
    axes.axis("off")
    colours = style.series(plan)
    for site, rect, on_left in placed.sites:
        _draw_site(axes, site, rect, on_left)
    for subnet, rect in placed.subnets:
        _draw_subnet(axes, subnet, rect)
    for course in placed.courses:
        _draw_course(axes, course, colours)
    for name, rect in placed.transits.items():
        _box(axes, rect, style.PANEL, style.BAD if name in broken else style.MUTED, rounding=0.22)
        _text(axes, rect.x + rect.width / 2, rect.middle, name, rect.width - 0.1, weight="bold")
        if name in broken:
            _cross(axes, rect.x + rect.width - 0.1, rect.y + 0.05)
    _draw_routers(axes, placed)
    return figure


def _draw_site(axes: Axes, site: SiteBox, rect: Rect, on_left: bool) -> None:
    _box(axes, rect, style.PANEL, style.LINE, rounding=0.1)
    x = rect.x + layout.PAD + (0 if on_left else layout.ROUTER_WIDTH / 2)
    room = rect.width - 2 * layout.PAD - (0 if on_left else layout.ROUTER_WIDTH / 2)
    _text(axes, x, rect.y + 0.18, site.name, room - 0.4, size=10.5, weight="bold", align="left")
    _text(axes, x + room, rect.y + 0.18, site.kind, 0.5, colour=style.MUTED, align="right")
    _text(axes, x, rect.y + 0.38, site.ranges, room, size=7.2, colour=style.MUTED, align="left")


def _draw_subnet(axes: Axes, subnet: SubnetBox, rect: Rect) -> None:
    _box(axes, rect, style.PAPER, style.LINE, rounding=0.05)
    _text(
        axes, rect.x + 0.08, rect.y + 0.14, subnet.title, rect.width - 0.12, size=7.2, colour=style.MUTED, align="left"
    )
    half = (rect.width - 0.21) / 2
    y, column = rect.y + layout.SUBNET_HEAD, 0
    for chip in subnet.chips:
        if chip.wide and column:
            y, column = y + layout.CHIP_STEP, 0
        width = rect.width - 0.14 if chip.wide else half
        _draw_chip(axes, chip, Rect(rect.x + 0.07 + column * (half + 0.07), y, width, layout.CHIP_HEIGHT))
        if chip.wide or column:
            y, column = y + layout.CHIP_STEP, 0
        else:
            column = 1


def _draw_chip(axes: Axes, chip: Chip, rect: Rect) -> None:
    _box(
        axes,
        rect,
        style.BAD_TINT if chip.broke else style.PANEL,
        style.BAD if chip.broke else style.LINE,
        rounding=0.05,
    )
    _text(
        axes,
        rect.x + rect.width / 2,
        rect.middle,
        f"{chip.text} ✕" if chip.broke else chip.text,
        rect.width - 0.06,
        size=7.6,
    )


def _draw_routers(axes: Axes, placed: Layout) -> None:
    for site, _, _ in placed.sites:
        for router in site.routers:
            _draw_router(axes, router, placed.routers[router.name])


def _draw_router(axes: Axes, router: RouterChip, rect: Rect) -> None:
    _box(
        axes,
        rect,
        style.BAD_TINT if router.broke else style.CHIP,
        style.BAD if router.broke else style.INK,
        rounding=0.08,
    )
    x = rect.x + rect.width / 2
    if router.broke:
        _cross(axes, rect.x + rect.width, rect.y)
    _text(axes, x, rect.y + 0.15, router.name, rect.width - 0.08, weight="bold")
    _text(axes, x, rect.y + 0.31, router.role, rect.width - 0.06, size=6.6, colour=style.MUTED)
    _text(
        axes,
        x,
        rect.y + 0.45,
        f"AS {router.asn}" if router.asn else "",
        rect.width - 0.06,
        size=6.6,
        colour=style.MUTED,
    )


def _draw_course(axes: Axes, course: Course, colours: dict[str, str]) -> None:
    from matplotlib.patches import PathPatch

    names = course.wire.names
    shifts = [(number - (len(names) - 1) / 2) * TUNNEL_DISTANCE for number in range(len(names))]
    for name, shift in zip(names, shifts, strict=True):
        axes.add_patch(
            PathPatch(
                _way(course, shift), facecolor="none", edgecolor=colours.get(name, style.MUTED),
                linewidth=1.5 if course.wire.tunnel else 2.4, linestyle=(0, (4, 2)) if course.wire.tunnel else "solid",
            )
        )  # fmt: skip
    _label_course(axes, course, shifts[-1])
    for number, name in enumerate(names):
        if name in course.wire.broke:
            _cross(
                axes,
                sum(course.flat) / 2 + (number - (len(names) - 1) / 2) * 0.4,
                course.lane_y + shifts[number] - 0.3 * course.arc,
            )


def _label_course(axes: Axes, course: Course, half: float) -> None:
    """Its name above and its facts below; ``half`` is half the height of its lines."""
    wire, (begin, end) = course.wire, course.flat
    colour = style.BAD if wire.broke else style.INK
    if course.arc:
        on_left = course.start[0] < layout.WIDTH / 2
        x, align = (begin + 0.12, "left") if on_left else (begin - 0.12, "right")
        _text(axes, x, course.lane_y - 0.08, wire.words, 1.6, weight="bold", colour=colour, align=align)
        _text(axes, x, course.lane_y + 0.08, wire.facts, 1.9, size=7.4, colour=style.MUTED, align=align)
        return
    whole = abs(course.end[0] - course.start[0])
    x, room = (begin + end) / 2, min(whole, abs(end - begin) + 0.5)
    lift = half + (0.17 if wire.broke else 0.11)
    _text(axes, x, course.lane_y - lift, wire.words, room, weight="bold", colour=colour)
    if wire.transit and course.lane_y > course.start[1]:  # the way comes from above: below it there is room
        x, room = (course.start[0] + end) / 2, whole
    _text(axes, x, course.lane_y + lift, wire.facts, room - 0.06, size=7.4, colour=style.MUTED)


def _way(course: Course, shift: float) -> Curve:
    """The curve of a wire, moved down by ``shift``."""
    from matplotlib.path import Path as Curve

    (x0, y0), (x1, y1), y = course.start, course.end, course.lane_y + shift
    begin, end = course.flat
    if course.arc:
        points = [(x0, y0), (begin, y0), (begin, y0), (begin, y), (begin, y1), (begin, y1), (x1, y1)]
        return Curve(points, [Curve.MOVETO] + [Curve.CURVE4] * 6)
    points = [
        (x0, y0 + shift), ((x0 + begin) / 2, y0 + shift), ((x0 + begin) / 2, y), (begin, y), (end, y),
        ((x1 + end) / 2, y), ((x1 + end) / 2, y1 + shift), (x1, y1 + shift),
    ]  # fmt: skip
    return Curve(points, [Curve.MOVETO, *[Curve.CURVE4] * 3, Curve.LINETO, *[Curve.CURVE4] * 3])


def _cross(axes: Axes, x: float, y: float) -> None:
    """A cross over a wire: what broke is told by shape and by word, not by colour alone."""
    from matplotlib.patches import Circle

    axes.add_patch(Circle((x, y), 0.105, facecolor=style.PAPER, edgecolor=style.BAD, linewidth=1.3, zorder=4))
    for sign in (1, -1):
        axes.plot((x - 0.05, x + 0.05), (y - sign * 0.05, y + sign * 0.05), color=style.BAD, linewidth=2, zorder=5)


def _box(axes: Axes, rect: Rect, fill: str, edge: str, rounding: float) -> None:
    from matplotlib.patches import FancyBboxPatch

    rounding = min(rounding, rect.height / 2, rect.width / 2)
    shape = f"round,pad=0,rounding_size={rounding}"
    axes.add_patch(
        FancyBboxPatch(
            (rect.x, rect.y), rect.width, rect.height, boxstyle=shape, facecolor=fill, edgecolor=edge, linewidth=0.9
        )
    )


def _text(
    axes: Axes, x: float, y: float, text: str, room: float, *, size: float = 8.0, weight: str = "normal",
    colour: str = style.INK, align: str = "center",
) -> None:  # fmt: skip
    """Words that fit: set smaller, and then cut, where there is too little room."""
    if not text:
        return
    wide = PER_CHARACTER * (1.12 if weight == "bold" else 1.0)
    if len(text) * size * wide > room:
        size = max(size * 0.85, room / (len(text) * wide))
    text = style.shorten(text, max(3, int(room / (size * wide))))
    axes.text(x, y, text, fontsize=size, fontweight=weight, color=colour, ha=align, va="center")
