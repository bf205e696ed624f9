"""Reports of the pytest in the lab, on their way to the user's: pytest's own serialised form, a line of JSON each."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

import pytest

FILE = "reports.jsonl"
"""In the record while the lab runs; moved to the run's directory then, since durations are in it."""
ATTRIBUTE = "testbed"
"""What the plugin says of a report, as plain values: they travel with it, through xdist as well."""

When = Literal["setup", "call", "teardown"]


def told_of(report: object) -> dict[str, Any]:
    """What the plugin says of a report."""
    found: dict[str, Any] = getattr(report, ATTRIBUTE, {})
    return found


def tell_of(report: pytest.TestReport, **fields: object) -> None:
    """Say something of a report."""
    setattr(report, ATTRIBUTE, told_of(report) | fields)


def to_line(config: pytest.Config, report: pytest.TestReport | pytest.CollectReport) -> str:
    """A report as a line."""
    data = config.hook.pytest_report_to_serializable(config=config, report=report)
    return json.dumps(data, default=str) + "\n"


def from_line(config: pytest.Config, line: str) -> pytest.TestReport | pytest.CollectReport:
    """The report of a line. JSON has no tuples, and pytest looks for some."""
    data = json.loads(line)
    for name in ("sections", "user_properties"):
        data[name] = [tuple(each) for each in data.get(name, [])]
    for name in ("location", "longrepr"):
        if isinstance(data.get(name), list):
            data[name] = tuple(data[name])
    report: pytest.TestReport | pytest.CollectReport = config.hook.pytest_report_from_serializable(
        config=config, data=data
    )
    return report


class Tail:
    """New lines of a file that somebody else writes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._at = 0

    def lines(self) -> Iterable[str]:
        """Complete lines that were not read yet."""
        if not self._path.exists():
            return []
        with self._path.open("rb") as source:
            source.seek(self._at)
            data = source.read()
        whole = data[: data.rfind(b"\n") + 1]
        self._at += len(whole)
        return whole.decode().splitlines()


def made(item: pytest.Item, when: When, text: str = "") -> pytest.TestReport:
    """A report of what happened to a test outside of the lab. ``text``: why it failed; empty: it did not."""
    return pytest.TestReport(
        item.nodeid, item.location, dict.fromkeys(item.keywords, 1), "failed" if text else "passed",
        text or None, when, user_properties=list(item.user_properties),
    )  # fmt: skip


def skipped(item: pytest.Item, reason: str) -> pytest.TestReport:
    """A report of a test that was skipped before its lab was started."""
    path, line, _ = item.location
    return pytest.TestReport(
        item.nodeid, item.location, dict.fromkeys(item.keywords, 1), "skipped",
        (str(item.config.rootpath / path), line or 0, f"Skipped: {reason}"), "setup",
    )  # fmt: skip
