"""The end of a run in a terminal: the verdict, the numbers beside theory, why, and where the report is."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from testbed.errors import InputError, Problem
from testbed.history import VERDICT, History
from testbed.numbers import interval, number, quantity
from testbed.verdict import Judgement, Measurement, Verdict

COLOURS = {Verdict.PASS: "green", Verdict.UNKNOWN: "yellow", Verdict.FAIL: "red"}
NUMBERS_SHOWN = 12
"""Arbitrary: half a screen; the report has them all."""
HEADINGS = ("", "measured", "expected", "must lie in", "")


def summary(run_dir: Path, *, colour: bool | None = None) -> list[str]:
    """The lines to show. Words say everything; colour, on a terminal, repeats it.

    Args:
        run_dir: the run's directory.
        colour: ``None``: as the terminal and ``NO_COLOR`` have it.

    Raises:
        InputError: there is no verdict in that directory, or none that can be read.
    """
    judgement = _judgement(run_dir)
    paint = _is_terminal() if colour is None else colour
    lines = [*_verdict_lines(judgement, paint=paint), ""]
    lines += _table(judgement.measurements[:NUMBERS_SHOWN], paint=paint)
    more = len(judgement.measurements) - NUMBERS_SHOWN
    lines += [f"  and {more} more"] if more > 0 else []
    lines += [""] if judgement.measurements else []
    report = run_dir / "report.html"
    lines.append(f"report  {report}" if report.exists() else f"record  {run_dir / 'record'}")
    return lines


def _is_terminal() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def _judgement(run_dir: Path) -> Judgement:
    path = run_dir / "record" / VERDICT
    try:
        data = History(run_dir / "record").read_json(VERDICT)
    except ValueError as error:
        raise InputError(Problem(str(path), f"cannot be read: {error}", "run again")) from error
    if data is None:
        raise InputError(Problem(str(path), "missing", "the run was not judged: run again"))
    return Judgement.from_json(data)


def _verdict_lines(judgement: Judgement, *, paint: bool) -> list[str]:
    word = judgement.verdict.name
    reasons = "\n".join(judgement.why).splitlines()
    head = click.style(word, fg=COLOURS[judgement.verdict], bold=True) if paint else word
    first = reasons[0] if reasons else "all that was measured lies where theory allows"
    return [f"{head}  {first}", *(f"{' ' * len(word)}  {reason}" for reason in reasons[1:])]


def _table(measurements: Sequence[Measurement], *, paint: bool) -> list[str]:
    """Aligned columns: name, measured, expected, bounds, verdict."""
    rows = [_cells(each) for each in measurements]
    widths = [max(len(cell) for cell in column) for column in zip(HEADINGS, *rows, strict=True)]
    lines = []
    for row, each in zip([HEADINGS, *rows] if rows else [], [None, *measurements], strict=False):
        cells = [
            row[0].ljust(widths[0]), row[1].rjust(widths[1]), row[2].rjust(widths[2]), row[3].ljust(widths[3]), row[4],
        ]  # fmt: skip
        if each is None and paint:
            cells = [click.style(cell, dim=True) for cell in cells]
        elif each is not None and paint and row[4]:
            cells[4] = click.style(row[4], fg=COLOURS[each.verdict])
        lines.append(f"  {'  '.join(cells)}".rstrip())
    return lines


def _cells(each: Measurement) -> tuple[str, str, str, str, str]:
    bounded = each.low is not None or each.high is not None
    bounds = f"{interval(each.low, each.high)} {each.unit}".rstrip() if bounded else ""
    verdict = each.verdict.name if bounded or each.value is None else "for information"
    expected = "" if each.expected is None else number(each.expected)
    return each.name, quantity(each.value, each.unit, none="not measured"), expected, bounds, verdict
