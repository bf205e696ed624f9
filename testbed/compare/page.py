"""The page of a comparison: the answer, what differs besides, charts on the same axes, the table, what it is not."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from testbed.compare import comparison as compared
from testbed.compare.answer import answer, not_shown
from testbed.compare.comparison import Comparison
from testbed.compare.difference import METHOD, Difference
from testbed.report import data, study_words
from testbed.report.axes import SIDE
from testbed.report.facts import words
from testbed.report.numbers import capital, counted, listed, number, quantity, spoken
from testbed.report.page import TEMPLATES, render, save
from testbed.report.rundir import CHARTS, REPORT
from testbed.report.study_page import drawings
from testbed.report.studydir import StudyRun
from testbed.study import Axis, Cell, CellResult
from testbed.verdict import Judgement, Verdict

COMPARISON = "comparison.json"
MARKS = {
    "better": "✓ better",
    "worse": "✕ worse",
    "equal": "= equal",
    "unclear": "? too close to call",
    "other": "differs",
}


def write_comparison(found: Comparison, directory: Path, command: str) -> Path:
    """Write page, charts, data and ``comparison.json`` into a folder, and return the page's path."""
    run = as_study(found, directory)
    directory.mkdir(parents=True, exist_ok=True)
    pictures = [save(drawing, directory / CHARTS) for drawing in drawings(run)]
    data.write_tables(data.rows(run), directory)
    (directory / COMPARISON).write_text(json.dumps(to_json(found), indent=1) + "\n", encoding="utf-8")
    path = directory / REPORT
    unfinished = path.with_suffix(".tmp")
    values = {
        "style": (TEMPLATES / "style.css").read_text(encoding="utf-8"),
        "title": listed(list(found.names)),
        "title_sides": found.names,
        "cells": counted(len(found.places), "cell"),
        "answer": answer(found),
        "loud": compared.loud(found),
        "pictures": pictures,
        "legend": study_words.LEGEND,
        "tables": [_table(found, name) for name in found.measured],
        "base": found.names[0],
        "method": METHOD,
        "not_shown": not_shown(found),
        "facts": [
            (side.name, [(words(name), ", ".join(values)) for name, values in side.facts.items()])
            for side in found.sides
        ],
        "command": command,
    }
    unfinished.write_text(render("compare.html.j2", values), encoding="utf-8")
    return unfinished.replace(path)


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
        "loud": compared.loud(found),
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


def every(found: Comparison) -> Iterator[tuple[compared.Place, str, str, Difference]]:
    """Each difference, with where it is and whose."""
    for name in found.measured:
        for place in found.places:
            for side, each in zip(found.names[1:], compared.differences(place, name), strict=True):
                if each is not None:
                    yield place, name, side, each


def _table(found: Comparison, name: str) -> dict[str, Any]:
    """One measurement: a row for each place, a column for each side."""
    summaries = [each for place in found.places for each in compared.summaries(place, name) if each is not None]
    better = summaries[0].better if summaries else ""
    return {
        "name": capital(spoken(name)),
        "unit": summaries[0].unit if summaries else "",
        "better": f"{better} is better" if better else "no side is better",
        "places": len(found.places) > 1,
        "rows": [_row(place, name) for place in found.places],
    }


def _row(place: compared.Place, name: str) -> dict[str, Any]:
    base, *others = compared.summaries(place, name)
    cells: list[dict[str, Any]] = []
    for each, by in zip([base, *others], [None, *compared.differences(place, name)], strict=True):
        cells.append(
            {
                "median": number(each.median if each else None, none="not measured"),
                "left_out": each.left_out if each else 0,
                "runs": len(each.values) if each else 0,
                "difference": _difference(by) if by is not None else "",
                "mark": MARKS[by.verdict] if by is not None and by.low is not None else "",
                "verdict": by.verdict if by is not None else "",
            }
        )
    return {"place": place.name, "cells": cells}


def _difference(by: Difference) -> str:
    if by.value is None:
        return ""
    sign = "+" if by.value > 0 else ""
    if by.low is None or by.high is None:
        return f"{sign}{number(by.value)}, too few runs for an interval"
    return f"{sign}{number(by.value)} ({number(by.low)} to {number(by.high)})"


def terminal_lines(found: Comparison) -> list[str]:
    """The answer first, then what has to be said, then every difference."""
    lines = [*answer(found), ""]
    lines += [f"WARNING  {line}" for line in compared.loud(found)]
    lines += [""] if lines[-1] else []
    rows = [_words(found, *each) for each in every(found)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)] if rows else []
    lines += ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return [*lines, "", f"intervals: {METHOD}"]


def _words(found: Comparison, place: compared.Place, name: str, side: str, each: Difference) -> Sequence[str]:
    medians = f"{quantity(each.other.median, each.other.unit)} against {quantity(each.base.median, each.base.unit)}"
    where = f"{place.name}: " if place.name else ""
    return f"{where}{name}", f"{side} against {found.names[0]}", medians, _difference(each), each.verdict
