"""From a drawing to files and to a page: what reports of runs, studies and comparisons share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from testbed.report import style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TEMPLATES = Path(__file__).parent / "templates"
KINDS = ("svg", "png")
"""Files that are written of each chart."""


@dataclass(frozen=True)
class Drawing:
    """A chart: a name for its files, what it proves, and how to draw it."""

    name: str
    title: str
    sentence: str
    draw: Callable[[], Figure]


@dataclass(frozen=True)
class Picture:
    """A chart that was drawn; ``svg`` is for use inside the page, ``kinds`` are the files that there are of it."""

    name: str
    title: str
    sentence: str
    svg: str
    kinds: tuple[str, ...] = KINDS


def save(drawing: Drawing, folder: Path, kinds: Sequence[str] = KINDS) -> Picture:
    """Draw it, with a file of each kind in the folder; there may be none."""
    if kinds:
        folder.mkdir(parents=True, exist_ok=True)
    with style.settings():
        figure = drawing.draw()
        svg = style.svg_text(figure)
        if "svg" in kinds:
            (folder / f"{drawing.name}.svg").write_text(svg, encoding="utf-8")
        if "png" in kinds:
            style.save(figure, folder / f"{drawing.name}.png")
    inline = style.inline(svg, drawing.name, f"{drawing.title}. {drawing.sentence}")
    return Picture(drawing.name, drawing.title, drawing.sentence, inline, tuple(kinds))


def write_page(path: Path, template: str, values: dict[str, Any]) -> Path:
    """Fill a template of this package; the whole page, or what was there before."""
    unfinished = path.with_suffix(".tmp")
    unfinished.write_text(render(template, values), encoding="utf-8")
    return unfinished.replace(path)


def render(template: str, values: dict[str, Any]) -> str:
    """A page as text."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    css = (TEMPLATES / "style.css").read_text(encoding="utf-8")
    return environment.get_template(template).render({"style": css, **values})
