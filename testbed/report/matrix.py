"""A matrix of labelled cells: something down, something across, a number and a small text in each, coloured by size.

For any table of two axes. Colours are one hue from light to dark, so that they are told apart in grey and by
colour-blind readers, and each cell says its number.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from testbed.report import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SHADES = ("#eaf3fa", "#c3dcee", "#8fbfdf", "#4f97c7", "#1c6ba5")
"""From little to much: one hue, even steps of lightness."""
DARK_FROM = 3
"""From this shade on text is light."""
NAMES_IN, ROW_IN, HEAD_IN, LEGEND_IN = 1.75, 0.56, 0.4, 0.6
LINE_IN = 0.14
"""By which all rows grow for each further line of small text."""
NAME_CHARS = 24
"""Of a row's name, in one line."""
HEAD_CHAR_IN, HEAD_LINE_IN = 0.09, 0.15
"""What a letter of a column's name takes, with some room between columns, and the height of a further line of it."""
SMALL_TEXT = 6.6
SMALL_CHAR_IN = 0.056
"""About the width of a letter of small text."""


@dataclass(frozen=True)
class Square:
    """One cell. ``shade`` counts from 0; ``None``: no number, only words. ``wrong``: marked as such.

    ``small`` may have several lines. ``plain``: words that are read like a number, not an explanation of its absence.
    ``tinted``: nothing in it is right.
    """

    text: str
    small: str = ""
    shade: int | None = None
    wrong: bool = False
    plain: bool = False
    tinted: bool = False


def matrix_figure(
    rows: Sequence[str], columns: Sequence[str], squares: Mapping[tuple[str, str], Square], legend: Sequence[str]
) -> Figure:
    """The picture; to be used inside :func:`testbed.report.style.settings`. ``legend``: what each shade means."""
    lines = max((square.small.count("\n") for square in squares.values()), default=0)
    row_in = ROW_IN + lines * LINE_IN
    width_in = (style.WIDTH_IN - NAMES_IN - 0.05) / len(columns)
    heads = ["\n".join(head_lines(name, max(6, int(width_in / HEAD_CHAR_IN)))) for name in columns]
    head_in = HEAD_IN + HEAD_LINE_IN * max((head.count("\n") for head in heads), default=0)
    height = head_in + row_in * len(rows)
    figure = style.new_figure(height + (LEGEND_IN if legend else 0.1))
    axes = style.new_axes(figure, NAMES_IN, 0.0, style.WIDTH_IN - NAMES_IN - 0.05, height)
    axes.set_axis_off()
    axes.set_xlim(0, len(columns))
    axes.set_ylim(height, 0)
    for number, head in enumerate(heads):
        axes.text(number + 0.5, head_in - 0.1, head, ha="center", va="bottom", fontsize=style.NORMAL, fontweight="bold")
    for line, row in enumerate(rows):
        top = head_in + line * row_in
        words = "\n".join(textwrap.wrap(row, NAME_CHARS))
        axes.text(-0.06, top + row_in / 2, words, ha="right", va="center", fontsize=style.NORMAL, clip_on=False)
        for number, column in enumerate(columns):
            if (row, column) in squares:
                _square(axes, squares[row, column], (number, top), (width_in, row_in))
    if legend:
        _legend(figure, legend, height)
    return figure


def head_lines(name: str, chars: int) -> list[str]:
    """A column's name in lines of so many characters, unless a word is longer; it breaks at spaces and after hyphens.

    :mod:`textwrap` takes a hyphen beside a digit for a minus, and breaks nothing there: pod-1-b would be a word.
    """
    lines = [""]
    for part in re.findall(r"\s*[^\s-]*-+|\s*[^\s-]+", name):
        if lines[-1] and len(lines[-1] + part) > chars:
            lines.append("")
        lines[-1] += part if lines[-1] else part.lstrip()
    return lines


def _square(axes: Axes, square: Square, place: tuple[int, float], size_in: tuple[float, float]) -> None:
    from matplotlib.patches import Rectangle

    (left, top), (width_in, height_in) = place, size_in
    fill = style.BAD_TINT if square.tinted else style.PANEL if square.shade is None else SHADES[square.shade]
    edge, line = (style.BAD, 2.0) if square.wrong else (style.PAPER, 1.5)
    corner = (left + 0.015, top + 0.02)
    axes.add_patch(Rectangle(corner, 0.97, height_in - 0.04, facecolor=fill, edgecolor=edge, linewidth=line))
    light = square.shade is not None and square.shade >= DARK_FROM
    # On a shade, which is the same on a dark page, text keeps its own colour; on the panel it follows the page.
    ink = style.MUTED if square.shade is None else "#fefefe" if light else "#0b0f14"
    lines = textwrap.wrap(square.text, max(8, int(width_in * 14)))
    size = style.NORMAL if square.shade is not None or square.plain else SMALL_TEXT
    middle = top + ROW_IN * (0.36 if square.small else 0.5)
    word_ink = style.INK if square.plain else ink
    axes.text(left + 0.5, middle, "\n".join(lines), ha="center", va="center", fontsize=size, color=word_ink)
    below = top + ROW_IN * 0.74
    for number, line_of_small in enumerate(square.small.splitlines()):
        y = below + number * LINE_IN
        shown = style.shorten(line_of_small, max(8, int(width_in / SMALL_CHAR_IN)))
        axes.text(left + 0.5, y, shown, ha="center", va="center", fontsize=SMALL_TEXT, color=ink)


def _legend(figure: Figure, legend: Sequence[str], height: float) -> None:
    from matplotlib.patches import Rectangle

    axes = style.new_axes(figure, NAMES_IN, height + 0.1, style.WIDTH_IN - NAMES_IN - 0.05, LEGEND_IN - 0.15)
    axes.set_axis_off()
    axes.set_xlim(0, 10)
    axes.set_ylim(1, 0)
    step = 10 / max(1, len(legend))
    for number, words in enumerate(legend):
        axes.add_patch(
            Rectangle((number * step, 0.1), 0.3, 0.5, facecolor=SHADES[number], edgecolor=style.LINE, linewidth=0.8)
        )
        axes.text(number * step + 0.4, 0.36, words, va="center", fontsize=style.SMALL, color=style.MUTED)
