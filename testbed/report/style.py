"""What all charts share: colours with a meaning, sizes, and how a figure becomes SVG and PNG.

Colours are tokens: in a file they are what they say here, on white; in the page each becomes a CSS variable, so that
one drawing serves light and dark. The palette is Okabe and Ito's (2008), made for colour-blind readers; vermilion is
kept for what is broken, and nothing is told by colour alone.
"""

from __future__ import annotations

import contextlib
import io
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from testbed.plan.plan import Plan

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, MUTED, LINE, PANEL, PAPER = "#1d2733", "#586674", "#d3dae0", "#f2f5f7", "#ffffff"
BAD, BAD_TINT, CHIP, UP = "#d55e00", "#fdeadc", "#fdfefe", "#9db0bf"
SERIES = ("#0072b2", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c6bb1", "#a6761d")
TOKENS = {
    INK: "ink", MUTED: "muted", LINE: "line", PANEL: "panel", PAPER: "paper", BAD: "bad", BAD_TINT: "bad-tint",
    CHIP: "chip", UP: "up", **{colour: f"series-{number}" for number, colour in enumerate(SERIES)},
}  # fmt: skip

WIDTH_IN = 10.0
"""Width of every chart; the page shows an inch at about 96 pixels."""
PNG_DPI = 144
SMALL, NORMAL = 8.0, 9.0
_RC: dict[Any, Any] = {
    "text.parse_math": False,  # a name may have a dollar sign
    "svg.hashsalt": "testbed", "svg.fonttype": "path", "font.family": ["DejaVu Sans"], "font.size": NORMAL,
    "text.color": INK, "axes.labelcolor": INK, "axes.edgecolor": LINE, "xtick.color": MUTED, "ytick.color": MUTED,
    "hatch.linewidth": 0.6, "path.simplify": False, "axes.unicode_minus": True,
}  # fmt: skip


@contextlib.contextmanager
def settings() -> Iterator[None]:
    """Figures drawn and saved inside are the same whatever the user's matplotlibrc says, which is left as it was."""
    import matplotlib

    with matplotlib.rc_context(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")  # a box is drawn instead
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_RC)
        yield


def new_figure(height_in: float, width_in: float = WIDTH_IN) -> Figure:
    """An empty figure. No pyplot: it would keep figures in a global list and look for a display."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width_in, height_in), facecolor=PAPER)


def new_axes(figure: Figure, left: float, top: float, width: float, height: float) -> Axes:
    """Axes at a place given in inches from the figure's upper left corner."""
    total_width, total_height = figure.get_size_inches()
    place = (left / total_width, 1 - (top + height) / total_height, width / total_width, height / total_height)
    return figure.add_axes(place, facecolor="none")


def dress(axes: Axes) -> None:
    """A grid beneath, small labels, and a frame on two sides."""
    axes.set_axisbelow(True)
    axes.grid(color=LINE, linewidth=0.5)
    axes.tick_params(labelsize=SMALL, length=3)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def save(figure: Figure, path: Path) -> None:
    """Write a figure as ``.svg`` or ``.png``, the same bytes for the same drawing."""
    metadata = {"Date": None, "Creator": None} if path.suffix == ".svg" else {"Software": None}
    figure.savefig(path, format=path.suffix[1:], dpi=PNG_DPI, metadata=metadata)


def svg_text(figure: Figure) -> str:
    """A figure as SVG text, colours as they are in a file."""
    file = io.StringIO()
    figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    return file.getvalue()


_COLOUR = re.compile("|".join(TOKENS))
_IDS = re.compile(r'(\bid="|xlink:href="#|url\(#)')
_COORDINATES = re.compile(r' d="[^"]*"')
_DIGITS = re.compile(r"(\.\d\d)\d+")


def inline(svg: str, name: str, label: str) -> str:
    """SVG for use inside a page: themed, with ids that no other chart has, and words for those who cannot see."""
    from html import escape

    body = svg[svg.index("<svg") :]
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    body = re.sub(r"<style.*?</style>", "", body, flags=re.DOTALL)
    body = _COLOUR.sub(lambda match: f"var(--{TOKENS[match[0]]})", body)
    body = _IDS.sub(lambda match: f"{match[1]}{name}-", body).replace("xlink:href", "href")
    body = _COORDINATES.sub(lambda match: _DIGITS.sub(r"\1", match[0]), body)
    box = re.search(r'viewBox="0 0 ([0-9.]+) ([0-9.]+)"', body)
    assert box is not None, "matplotlib writes a viewBox"
    width = float(box[1]) / 72 * 96
    head = f'<svg class="chart" role="img" aria-label="{escape(label)}" {box[0]} style="--natural: {width:.0f}px">'
    return head + body[body.index(">") + 1 :]


def series(plan: Plan) -> dict[str, str]:
    """A colour for each link and tunnel that routes can use; the same in every chart."""
    names = [link.name for link in plan.links if link.kind != "internet"] + [tunnel.name for tunnel in plan.tunnels]
    return {name: SERIES[number % len(SERIES)] for number, name in enumerate(names)}


def shorten(text: str, most: int) -> str:
    """At most so many characters, with an ellipsis where something was cut."""
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"
