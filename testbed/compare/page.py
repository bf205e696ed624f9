"""The page of a comparison: a summary of one page, then what is behind it. With charts, data and Markdown beside it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from testbed.compare.answer import answer, not_shown
from testbed.compare.comparison import Comparison, loud
from testbed.compare.difference import METHOD
from testbed.compare.tables import every, groups, markdown, panels, runs_words
from testbed.numbers import counted, listed
from testbed.report import curves, data, study_words
from testbed.report.axes import SIDE
from testbed.report.drawing import KINDS, Drawing, Picture, render, save
from testbed.report.facts import words
from testbed.report.rundir import CHARTS, REPORT
from testbed.report.study_page import drawings
from testbed.report.studydir import StudyRun
from testbed.study import Axis, Cell, CellResult
from testbed.verdict import Judgement, Verdict

COMPARISON, SUMMARY = "comparison.json", "summary.md"
PANELS_MAX = 6
"""Measurements in the one picture of the summary; arbitrary: half a printed page."""


def write_comparison(found: Comparison, directory: Path, command: str, kinds: Sequence[str] = KINDS) -> Path:
    """Write page, Markdown, charts, data and ``comparison.json`` into a folder, and return the page's path.

    ``kinds``: files of each chart.
    """
    run = as_study(found, directory)
    directory.mkdir(parents=True, exist_ok=True)
    pictures = [save(drawing, directory / CHARTS, kinds) for drawing in _drawings(found, run)]
    data.write_tables(data.rows(run), directory)
    texts = {
        COMPARISON: json.dumps(to_json(found), indent=1) + "\n",
        SUMMARY: markdown(found, f"{CHARTS}/{pictures[0].name}.svg" if pictures else "", command),
        REPORT: render("compare.html.j2", _values(found, pictures, command)),
    }
    for name, text in texts.items():
        unfinished = directory / f"{name}.tmp"
        unfinished.write_text(text, encoding="utf-8")
        unfinished.replace(directory / name)
    return directory / REPORT


def _drawings(found: Comparison, run: StudyRun) -> Iterator[Drawing]:
    """First the summary's: all measurements at a glance, or, where there are axes, the first measurement along them."""
    if len(found.places) == 1 and len(found.measured) > 1:
        shown = panels(found)[:PANELS_MAX]
        told = f"{counted(len(shown), 'measurement')} of {listed(list(found.names))}, each on its own scale."
        yield Drawing("at-a-glance", "At a glance", told, partial(curves.panels_figure, found.names, shown))
    yield from drawings(run)


def _values(found: Comparison, pictures: list[Picture], command: str) -> dict[str, Any]:
    return {
        "title": listed(list(found.names)),
        "sides": found.names,
        "question": found.question,
        "runs": runs_words(found),
        "answer": answer(found),
        "loud": loud(found),
        "pictures": pictures,
        "legend": study_words.LEGEND,
        "groups": groups(found),
        "places": len(found.places) > 1,
        "base": found.names[0],
        "method": METHOD,
        "not_shown": not_shown(found),
        "facts": [
            (side.name, [(words(name), ", ".join(values)) for name, values in side.facts.items()])
            for side in found.sides
        ],
        "command": command,
    }


def as_study(found: Comparison, directory: Path) -> StudyRun:
    """One study with the sides as an axis: so it is drawn as any other."""
    axes = (Axis(SIDE, {name: {} for name in found.names}), *found.sides[0].axes)
    results = tuple(
        CellResult(Cell({SIDE: side, **place.at}, {}), result.runs)
        for number_of, side in enumerate(found.names)
        for place in found.places
        for result in (place.results[number_of],)
    )
    return StudyRun(directory, {"show": list(found.measured)}, axes, {}, results, Judgement(Verdict.UNKNOWN, (), ()))


def to_json(found: Comparison) -> dict[str, Any]:
    """The whole comparison: what a program wants of it."""
    return {
        "sides": list(found.names),
        "answer": answer(found),
        "loud": loud(found),
        "not_shown": not_shown(found),
        "method": METHOD,
        "differences": [
            {
                "at": dict(place.at), "measurement": name, "base": found.names[0], "side": side, "unit": each.base.unit,
                "base_median": each.base.median, "side_median": each.other.median, "difference": each.value,
                "low": each.low, "high": each.high, "verdict": each.verdict,
            }
            for place, name, side, each in every(found)
        ],
    }  # fmt: skip
