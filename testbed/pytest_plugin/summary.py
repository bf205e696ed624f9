"""What the plugin adds to pytest's summary."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import pytest

from testbed.pytest_plugin import UNKNOWN

if TYPE_CHECKING:
    from testbed.suite.results import CaseResult

WORKER = re.compile(r"\[gw[0-9]+\] ")
"""Begins a line that xdist puts before what a worker reports."""
PREFIX = "testbed.errors.RunError: "


def tell_unknown(terminal: pytest.TerminalReporter) -> None:
    """Every test of which nothing can be said, with the reason, and a line for each."""
    reports = terminal.stats.get(UNKNOWN, [])
    if not reports:
        return
    terminal.write_sep("=", "UNKNOWN", red=True, bold=True)
    for report in reports:
        terminal.write_sep("_", f"UNKNOWN at {report.when} of {report.nodeid}", red=True)
        terminal.write_line(report.longreprtext)
    terminal.write_sep("=", "unknown: neither passed nor failed", red=True)
    for report in reports:
        terminal.write_line(f"UNKNOWN {report.nodeid} - {reason(report)}")


def tell_seeds(terminal: pytest.TerminalReporter, results: Sequence[CaseResult]) -> None:
    """How measurements are distributed over seeds."""
    from testbed.suite.told import seed_lines

    lines = [*seed_lines(results)]
    if lines:
        terminal.write_sep("=", "over seeds")
    for line in lines:
        terminal.write_line(line)


def tell_github(terminal: pytest.TerminalReporter, results: Sequence[CaseResult], env: Mapping[str, str]) -> None:
    """Annotations, where GitHub reads them."""
    from testbed.suite import github

    if github.runs_there(env):
        for line in github.commands(results):
            terminal.write_line(line)


def reason(report: pytest.TestReport) -> str:
    """Why, in a line."""
    if isinstance(report.longrepr, tuple):
        return str(report.longrepr[2]).removeprefix("Skipped: ")
    crash = getattr(report.longrepr, "reprcrash", None)
    text = crash.message if crash is not None else report.longreprtext
    lines = [line.strip() for line in text.removeprefix(PREFIX).splitlines() if line.strip()]
    lines = [line for line in lines if not WORKER.match(line)] or [""]
    return "; ".join(lines[:2]) if lines[0].startswith("UNKNOWN") else lines[0]
