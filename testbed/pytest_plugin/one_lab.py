"""One lab and the tests that share it: started, heard, judged, and reported test by test."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from _pytest._code.code import ExceptionRepr

from testbed.boot.identity import digest
from testbed.boot.runner import Message, Options, Outcome, Play, run
from testbed.history import CALIBRATION, History
from testbed.kernel.detect import Choice
from testbed.pytest_plugin import INSIDE
from testbed.pytest_plugin.carried import FILE, Tail, from_line, made, tell_of, told_of
from testbed.pytest_plugin.marked import Wanted
from testbed.suite.judged import measure
from testbed.verdict import Verdict

NAME_MOST = 80
"""Characters of a folder's name; arbitrary."""
PLACE = "/run/pytest"
"""Where temporary files of tests lie in the lab: nothing that was there before is found there."""
NOT_INSIDE: Mapping[str, Any] = {
    "keyword": "", "markexpr": "", "deselect": None, "lf": False, "failedfirst": False, "newfirst": False,
    "stepwise": False, "xmlpath": None, "collectonly": False, "cacheclear": False, "cacheshow": None,
    "numprocesses": None, "maxprocesses": None, "dist": "no", "tx": [], "looponfail": False, "durations": None,
    "pastebin": None, "capture": "fd", "basetemp": PLACE, "usepdb": False, "trace": False,
}  # fmt: skip
"""What the user's pytest does itself: it chose the tests, and it reports."""


def folder_name(lab: Wanted, item: pytest.Item) -> str:
    """Of a lab's run, for people."""
    words = re.sub(r"[^A-Za-z0-9_.=-]+", "-", item.nodeid.rpartition("/")[2])[:NAME_MOST].strip("-")
    return words if f"seed={lab.seed}" in words else f"{words}-seed={lab.seed}"


def alone(item: pytest.Item, seed: int) -> str:
    """The command that runs a test with a seed alone."""
    node = item.nodeid
    for ours, rest in ((f"-seed={seed}]", "]"), (f"[seed={seed}-", "["), (f"[seed={seed}]", "")):
        node = node.replace(ours, rest)
    return f"pytest {shlex.quote(node)} --testbed-seed {seed}"


class LabRun:
    """See the module. Tests that were not heard of when the lab has ended are UNKNOWN."""

    def __init__(
        self, config: pytest.Config, lab: Wanted, choice: Choice, items: Sequence[pytest.Item], directory: Path
    ) -> None:
        self._config = config
        self._lab = lab
        self._loaded = lab.load()
        self._choice = choice
        self._items = {item.nodeid: item for item in items}
        self._directory = directory
        self._tail = Tail(directory / "record" / FILE)
        self._current = ""
        self._ended: set[str] = set()
        self._last: pytest.TestReport | None = None
        """Held back: when the lab ends badly, it says so."""
        self._distrusted: list[str] = []
        self._collecting = ""
        self._at = time.monotonic()

    def run(self, *, keep: bool) -> None:
        """Run all tests. The run's directory is gone afterwards if they passed, unless it is to be kept."""
        options = Options(
            seed=self._lab.seed, kernel=self._choice.kernel, clock=self._choice.clock, out=self._directory,
            wall_limit_s=self._config.getoption("testbed_wall_limit"), why=self._choice.why, report=False,
            command=shlex.split(alone(next(iter(self._items.values())), self._lab.seed)),
        )  # fmt: skip
        outcome = run(self._loaded, dict(self._lab.settings), options, self._hear, self._play())
        reports = self._directory / "record" / FILE
        if reports.exists():
            reports.rename(self._directory / FILE)
        self._finish(outcome)
        if outcome.judgement.verdict is Verdict.PASS and not keep:
            shutil.rmtree(self._directory)
            with contextlib.suppress(OSError):  # others are there
                self._directory.parent.rmdir()

    def _play(self) -> Play:
        files = sorted({item.path for item in self._items.values()})
        first = next(iter(self._items.values()))
        named = {"tests": list(self._items), "tests_bytes": {file.name: digest(file) for file in files}}
        about = {
            "question": f"{len(self._items)} tests" if len(self._items) > 1 else first.nodeid, "hypothesis": "",
            "refuted_by": "", "file": ", ".join(file.name for file in files), "charts": [],
        }  # fmt: skip
        return Play("testbed.pytest_plugin.inside", self._told(), measure, named, about)

    def _told(self) -> dict[str, Any]:
        """What the pytest in the lab is to be: this one, for some tests."""
        option = {name: value for name, value in vars(self._config.option).items() if _travels(value)}
        most = self._config.getoption("maxfail")
        session = next(iter(self._items.values())).session
        option |= {**NOT_INSIDE, INSIDE: True, "maxfail": max(1, most - session.testsfailed) if most else 0}
        option["rootdir"] = str(self._config.rootpath)
        option["inifilename"] = str(self._config.inipath) if self._config.inipath else None
        option["plugins"] = [*self._config.option.plugins, "no:terminal"]
        option.pop("file_or_dir", None)
        tests = [f"{item.path}::{item.nodeid.partition('::')[2]}" for item in self._items.values()]
        return {
            "options": option, "tests": tests, "folder": str(self._config.invocation_params.dir),
            "path": sys.path, "environ": dict(os.environ),
        }  # fmt: skip

    def _hear(self, message: Message) -> None:
        if message["kind"] == "up":
            self._judge_receipt()
        elif message["kind"] == "reported":
            for line in self._tail.lines():
                self._take(from_line(self._config, line))

    def _judge_receipt(self) -> None:
        """Now, while the tests begin: what a link that is not right does to numbers is not known."""
        raw = History(self._directory / "record").read_json(CALIBRATION)
        if raw is not None:
            from testbed.check.receipt import judge_receipt, problems  # scipy takes a while to load

            self._distrusted = problems(judge_receipt(raw, self._loaded.plan, self._choice.clock, self._choice.kernel))

    def _take(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        if not isinstance(report, pytest.TestReport):
            self._collecting = str(report.longrepr)
        elif report.nodeid in self._items:
            now = time.monotonic()
            report.duration, self._at = now - self._at, now  # of the user's time; the lab's is in the record
            self._emit(report)

    def _emit(self, report: pytest.TestReport) -> None:
        """Report, but keep the very last until it is known how the lab ended."""
        if self._distrusted and report.when == "call" and report.outcome != "skipped":
            _unknown(report, "the lab's links do not deliver what was asked", self._distrusted)
        self._explain(report)
        if report.when == "teardown" and len(self._ended) + 1 == len(self._items):
            self._last = report
        else:
            self._log(report)

    def _explain(self, report: pytest.TestReport) -> None:
        """Where to look, and how to see it again."""
        tell_of(
            report, seed=self._lab.seed, directory=str(self._directory), topology=self._loaded.plan.topology,
        )  # fmt: skip
        if report.failed:
            item = self._items[report.nodeid]
            words = f"run directory: {self._directory}\nseed: {self._lab.seed}\nagain: {alone(item, self._lab.seed)}"
            _add(report, "testbed", words)

    def _log(self, report: pytest.TestReport) -> None:
        item = self._items[report.nodeid]
        if report.nodeid != self._current:
            self._current = report.nodeid
            item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        item.ihook.pytest_runtest_logreport(report=report)
        if report.when == "teardown":
            self._ended.add(report.nodeid)
            item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)

    def _finish(self, outcome: Outcome) -> None:
        """Report what is left: the last teardown, and tests that were not heard of."""
        why = [self._collecting] if self._collecting else list(outcome.judgement.why)
        failed = any(True for _ in History(self._directory / "record").of("run.failed"))
        stopped = self._stopped()
        if self._last is not None:
            if failed and not told_of(self._last).get("verdict"):
                _unknown(self._last, "the lab did not end as it should", why)
                self._explain(self._last)
            self._log(self._last)
        if stopped:
            return
        for nodeid, item in self._items.items():
            if nodeid not in self._ended:
                when = "call" if nodeid == self._current else "setup"
                report = made(item, "call" if when == "call" else "setup")
                _unknown(report, "the lab ended before the test did", why)
                self._explain(report)
                self._log(report)
                self._log(made(item, "teardown"))

    def _stopped(self) -> bool:
        """Whether the tests that are left were not to be run: ``-x``."""
        session = next(iter(self._items.values())).session
        return bool(session.shouldfail or session.shouldstop)


def _unknown(report: pytest.TestReport, what: str, why: Sequence[str]) -> None:
    """Nothing can be said: an error, whatever it was before."""
    before = f"\n\nwhat it said itself:\n{report.longreprtext}" if report.longrepr else ""
    report.outcome = "failed"
    report.longrepr = "\n".join([f"UNKNOWN: {what}", *(f"    {each}" for each in why)]) + before
    vars(report).pop("wasxfail", None)
    tell_of(report, verdict=Verdict.UNKNOWN.name)


def _add(report: pytest.TestReport, title: str, words: str) -> None:
    """A section below what a report says, wherever that is shown."""
    if isinstance(report.longrepr, ExceptionRepr):
        report.longrepr.addsection(title, words)
    elif isinstance(report.longrepr, str):
        report.longrepr = f"{report.longrepr}\n{words}"


def _travels(value: object) -> bool:
    """Whether an option's value survives JSON."""
    try:
        return bool(json.loads(json.dumps(value)) == value)
    except (TypeError, ValueError):
        return False
