"""The numbers of a comparison beside each other: for the page, for Markdown, and for a terminal. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from testbed.compare.answer import answer, not_shown
from testbed.compare.comparison import Comparison, Place, differences, loud, summaries
from testbed.compare.difference import METHOD, Difference
from testbed.numbers import capital, counted, listed, number, quantity, spoken, titled
from testbed.report.curves import Panel

MARKS = {
    "better": "✓ better", "worse": "✕ worse", "equal": "= equal", "unclear": "? too close to call", "other": "differs",
}  # fmt: skip


@dataclass(frozen=True)
class CellWords:
    """One side's number at one place: median, difference to the first side, what that means, what is missing."""

    median: str
    difference: str = ""
    mark: str = ""
    verdict: str = ""
    note: str = ""


@dataclass(frozen=True)
class Row:
    """One place, or the one measurement of a comparison without axes: a cell for each side."""

    label: str
    cells: tuple[CellWords, ...]


@dataclass(frozen=True)
class Group:
    """One measurement: its name with its unit, which side is wanted, and a row for each place."""

    title: str
    better: str
    rows: tuple[Row, ...]


def groups(found: Comparison) -> list[Group]:
    """All measurements that are compared."""
    return [_group(found, name) for name in found.measured]


def _group(found: Comparison, name: str) -> Group:
    known = [each for place in found.places for each in summaries(place, name) if each is not None]
    unit, better = (known[0].unit, known[0].better) if known else ("", "")
    title = capital(spoken(name))
    return Group(
        titled(title, unit), f"{better} is better" if better else "",
        tuple(Row(place.name, tuple(_cells(place, name))) for place in found.places),
    )  # fmt: skip


def _cells(place: Place, name: str) -> Iterator[CellWords]:
    for each, by, result in zip(summaries(place, name), [None, *differences(place, name)], place.results, strict=True):
        note = f"{each.left_out} of {counted(len(result.runs), 'run')} left out" if each and each.left_out else ""
        median = number(each.median if each else None, none="not measured")
        if by is None or by.value is None:
            yield CellWords(median, note=note)
        else:
            yield CellWords(
                median, difference_words(by), MARKS[by.verdict] if by.low is not None else "", by.verdict, note
            )


def difference_words(by: Difference) -> str:
    """``+25.4 (18.7 to 27.4)``: the difference to the first side and its interval."""
    if by.value is None:
        return ""
    sign = "+" if by.value > 0 else ""
    if by.low is None or by.high is None:
        return f"{sign}{number(by.value)}, too few runs for an interval"
    return f"{sign}{number(by.value)} ({number(by.low)} to {number(by.high)})"


def runs_words(found: Comparison) -> str:
    """How many runs each cell has."""
    counts = sorted({len(result.runs) for place in found.places for result in place.results})
    runs = counted(counts[0], "run") if len(counts) == 1 else f"{counts[0]} to {counted(counts[-1], 'run')}"
    return (
        f"{runs} a side" if len(found.places) == 1 else f"{runs} a side in each of {counted(len(found.places), 'cell')}"
    )


def every(found: Comparison) -> Iterator[tuple[Place, str, str, Difference]]:
    """Each difference, with where it is and whose."""
    for name in found.measured:
        for place in found.places:
            for side, each in zip(found.names[1:], differences(place, name), strict=True):
                if each is not None:
                    yield place, name, side, each


def terminal_lines(found: Comparison) -> list[str]:
    """What has to be said first, then the answer, then every difference."""
    lines = [f"WARNING  {line}" for line in loud(found)]
    lines += ["", *answer(found), ""] if lines else [*answer(found), ""]
    rows = [_words(found, *each) for each in every(found)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)] if rows else []
    lines += ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return [*lines, "", f"intervals: {METHOD}"]


def _words(found: Comparison, place: Place, name: str, side: str, each: Difference) -> Sequence[str]:
    medians = f"{quantity(each.other.median, each.other.unit)} against {quantity(each.base.median, each.base.unit)}"
    where = f"{place.name}: " if place.name else ""
    return f"{where}{name}", f"{side} against {found.names[0]}", medians, difference_words(each), each.verdict


def markdown(found: Comparison, chart: str, command: str) -> str:
    """The summary as Markdown, to be pasted into a document; ``chart`` is the picture's path."""
    question = (
        [f"{found.question} {capital(runs_words(found))}."] if found.question else [f"{capital(runs_words(found))}."]
    )
    lines = [f"# {listed(list(found.names))}", "", *question, "", *(f"- {each}" for each in answer(found)), ""]
    if loud(found):
        lines += ["**Before you read on:**", "", *(f"- {each}" for each in loud(found)), ""]
    lines += [f"![{answer(found)[0]}]({chart})", "", *_markdown_table(found), ""]
    lines += [f"Small: the difference to {found.names[0]}. Intervals: {METHOD}.", "", "What this does not show:", ""]
    return "\n".join([*lines, *(f"- {each}" for each in not_shown(found)), "", f"    {command}", ""])


def _markdown_table(found: Comparison) -> Iterator[str]:
    yield f"| | {' | '.join(found.names)} |"
    yield f"| --- |{' ---: |' * len(found.names)}"
    for group in groups(found):
        for row in group.rows:
            label = ", ".join(part for part in (group.title, row.label) if part)
            cells = (
                "<br>".join(part for part in (f"**{c.median}**", c.difference, c.mark, c.note) if part)
                for c in row.cells
            )
            yield f"| {label}{f'<br>{group.better}' if group.better else ''} | {' | '.join(cells)} |"


def panels(found: Comparison) -> list[Panel]:
    """What the chart of a comparison without axes shows."""
    (place,) = found.places
    every_one = [(name, tuple(summaries(place, name))) for name in found.measured]
    return [Panel(name, next(s.unit for s in rows if s), rows) for name, rows in every_one if any(rows)]
