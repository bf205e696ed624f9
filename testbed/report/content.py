"""What the page shows besides charts, ready for the template: text only. Pure but for the list of files."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import quote

from testbed.numbers import interval, number, size, spoken
from testbed.report.receipt import Check, direction_words
from testbed.report.rundir import REPORT, Run
from testbed.report.words import event_words
from testbed.verdict import Measurement, Verdict

MARKS = {Verdict.PASS: "✓", Verdict.UNKNOWN: "?", Verdict.FAIL: "✕"}
AROUND = 0.35
"""What a bar shows on either side of the interval, as a share of it."""
ALONGSIDE = 8
"""So many numbers without a bound are shown beside those with one; more are folded away. Arbitrary."""
EVENTS_MAX = 400
"""Arbitrary: more are not read; the record has them all."""
SHOWN_ELSEWHERE = ("console", "scenario", "command")


@dataclass(frozen=True)
class Bar:
    """A measured value within its interval; places in per cent of the bar's width, ``None``: not drawn."""

    begin: float
    end: float
    value: float | None
    expected: float | None


@dataclass(frozen=True)
class NumberRow:
    """A line of the table of numbers."""

    name: str
    value: str
    expected: str
    bounds: str
    unit: str
    measurement: Measurement
    verdict: str
    mark: str
    bar: Bar | None


def number_rows(measurements: Sequence[Measurement]) -> list[NumberRow]:
    """The numbers beside what theory says of them."""
    return [
        NumberRow(
            spoken(each.name), number(each.value, none="not measured"), number(each.expected),
            interval(each.low, each.high), each.unit, each, each.verdict.name, MARKS[each.verdict], _bar(each),
        )
        for each in measurements
    ]  # fmt: skip


def by_bound(rows: Sequence[NumberRow]) -> tuple[list[NumberRow], list[NumberRow]]:
    """Rows that decide, and those that are for information; few of the latter are shown with the others."""
    decide = [row for row in rows if row.bar or row.verdict != Verdict.PASS.name]
    rest = [row for row in rows if row not in decide]
    return (decide, rest) if decide and len(rest) > ALONGSIDE else (list(rows), [])


def _bar(each: Measurement) -> Bar | None:
    low, high = each.low, each.high
    if low is None and high is None:
        return None
    known = [value for value in (low, high, each.value, each.expected) if value is not None]
    begin = low if low is not None else min(0.0, *known)
    end = high if high is not None else max(known)
    pad = AROUND * (end - begin) or max(abs(begin), 1.0)
    left, width = begin - pad, end - begin + 2 * pad

    def place(value: float | None) -> float | None:
        return None if value is None else round(min(98.0, max(2.0, 100 * (value - left) / width)), 2)

    first, last = place(begin), place(end)
    assert first is not None and last is not None
    return Bar(
        first if low is not None else 0.0, last if high is not None else 100.0, place(each.value), place(each.expected)
    )


@dataclass(frozen=True)
class ReceiptRow:
    """One direction of a link; ``checks`` has ``None`` where it has no such check."""

    link: str
    direction: str
    checks: tuple[Check | None, ...]


def receipt_rows(run: Run) -> list[ReceiptRow]:
    """The receipt, links with something wrong first."""
    if run.receipt is None:
        return []
    links = sorted(run.receipt.links, key=lambda each: all(check.ok is True for check in each.checks))
    rows = []
    for each in links:
        by_name = {check.name: check for check in each.checks}
        checks = tuple(by_name.get(name) for name in run.receipt.names)
        rows.append(ReceiptRow(each.link, direction_words(run.plan, each.link, each.direction), checks))
    return rows


def parameter_rows(run: Run) -> list[tuple[str, str, bool]]:
    """(name, value, whether it was set for this run), those that were set first."""
    given = settings_of(str(run.environment.get("command", "")))
    rows = [(name, value, name in given) for name, value in sorted(run.plan.parameters.items())]
    return sorted(rows, key=lambda row: not row[2])


def settings_of(command: str) -> frozenset[str]:
    """Names of the parameters that a command line sets."""
    try:
        words = shlex.split(command)
    except ValueError:
        return frozenset()
    settings = [word for before, word in pairwise(words) if before == "--set"]
    settings += [word.removeprefix("--set=") for word in words if word.startswith("--set=")]
    return frozenset(setting.partition("=")[0].strip() for setting in settings)


def flatten(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Nested values as (name, text), names joined by dots."""
    for name, value in values.items():
        full = f"{prefix}{name}"
        if isinstance(value, Mapping):
            yield from flatten(value, f"{full}.")
        elif isinstance(value, list):
            yield full, ", ".join(map(str, value))
        elif value is not None and value != "":
            yield full, str(value)


def environment_rows(run: Run) -> list[tuple[str, str]]:
    """Everything about kernel, clock, machine and versions."""
    shown = {name: value for name, value in run.environment.items() if name not in SHOWN_ELSEWHERE}
    return list(flatten(shown))


def event_rows(run: Run) -> tuple[list[tuple[str, str, str]], int]:
    """(instant, where, what) of what happened during the scenario, and how many more there are."""
    rows = []
    for event in run.events:
        words = event_words(event)
        if words is not None and run.start_ns <= event.t_ns <= run.stop_ns:
            rows.append((f"{run.since_start(event.t_ns):.3f}", *words))
    return rows[:EVENTS_MAX], max(0, len(rows) - EVENTS_MAX)


def file_rows(directory: Path) -> list[tuple[str, str, str]]:
    """(relative link, name, size) of every file of the run."""
    paths = sorted(path for path in directory.rglob("*") if path.is_file() and path.name != REPORT)
    return [(quote(name := path.relative_to(directory).as_posix()), name, size(path.stat().st_size)) for path in paths]
