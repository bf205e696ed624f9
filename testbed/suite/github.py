"""What GitHub Actions shows of results: a summary of the step, and annotations at the tests' lines. Pure.

Workflow commands and GITHUB_STEP_SUMMARY: GitHub's documentation, "Workflow commands for GitHub Actions".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from testbed.numbers import number
from testbed.suite.results import CaseResult, counts, spreads, worst

ON, SUMMARY = "GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY"
ANNOTATIONS_MOST = 10
"""GitHub shows as many errors of a step."""
ROWS_MOST = 200
"""Arbitrary: a summary may have 1 MiB."""


def runs_there(env: Mapping[str, str]) -> bool:
    """Whether this is GitHub Actions."""
    return env.get(ON) == "true"


def commands(results: Sequence[CaseResult]) -> Iterator[str]:
    """A workflow command for each test that did not pass."""
    bad = [each for each in results if each.verdict in ("FAIL", "UNKNOWN")]
    for each in bad[:ANNOTATIONS_MOST]:
        place = f"file={_property(each.file)}," + (f"line={each.line}," if each.line else "")
        title = _property(f"{each.verdict}: {each.name}, seed {each.seed}")
        said = _data(f"{each.why}\n{each.again}")
        yield f"::error {place}title={title}::{said}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def summary(results: Sequence[CaseResult]) -> str:
    """Markdown: the verdict, tests that did not pass first, and measurements over seeds."""
    found = counts(results)
    lines = [f"## Testbed: {worst(results)}", "", ", ".join(f"{n} {verdict}" for verdict, n in found.items() if n), ""]
    lines += ["| | test | seed | why | measured |", "| --- | --- | --- | --- | --- |"]
    order = list(found)
    for each in sorted(results, key=lambda one: order.index(one.verdict))[:ROWS_MOST]:
        measured = ", ".join(f"{one.name} {number(one.value)} {one.unit}".rstrip() for one in each.measured)
        lines.append(_row(each.verdict, each.name, str(each.seed), each.why, measured))
    if len(results) > ROWS_MOST:
        lines.append(f"\nand {len(results) - ROWS_MOST} more")
    if rows := spreads(results):
        lines += ["", "| test | measurement | runs | lowest | median | highest | |", f"|{' --- |' * 7}"]
        for row in rows[:ROWS_MOST]:
            told = row.summary
            numbers = (number(told[name]) for name in ("lowest", "median", "highest"))
            lines.append(_row(row.test, row.measurement, str(len(row.values)), *numbers, row.unit))
    return "\n".join(lines) + "\n"


def _row(*cells: str) -> str:
    return "| " + " | ".join(map(_cell, cells)) + " |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")
