"""What the plugin adds to pytest's summary."""

from __future__ import annotations

import pytest

from testbed.pytest_plugin import UNKNOWN


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


def reason(report: pytest.TestReport) -> str:
    """Why, in a line."""
    crash = getattr(report.longrepr, "reprcrash", None)
    text = crash.message if crash is not None else report.longreprtext
    lines = [line.strip() for line in text.splitlines() if line.strip()] or [""]
    return "; ".join(lines[:2]) if lines[0].startswith("UNKNOWN") else lines[0]
