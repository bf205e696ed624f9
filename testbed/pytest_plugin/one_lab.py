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
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from _pytest._code.code import ExceptionRepr

from testbed.boot.identity import digest
from testbed.boot.runner import Message, Options, Outcome, Play, run
from testbed.check.measured import of_fields
from testbed.history import CALIBRATION, History
from testbed.kernel.detect import Choice
from testbed.numbers import quantity
from testbed.pytest_plugin import INSIDE
from testbed.pytest_plugin.baselines import Baselines
from testbed.pytest_plugin.carried import FILE, Tail, from_line, made, tell_of, told_of
from testbed.pytest_plugin.marked import Wanted
from testbed.pytest_plugin.terminal import bridged
from testbed.suite.judged import measure, shown
from testbed.suite.junit import VERDICT
from testbed.verdict import Verdict

NAME_MOST = 80
"""Characters of a folder's name; arbitrary."""
PLACE = "/run/pytest"
"""Where temporary files of tests lie in the lab: nothing that was there before is found there."""
NOT_INSIDE: Mapping[str, Any] = {
    "keyword": "", "markexpr": "", "deselect": None, "lf": False, "failedfirst": False, "newfirst": False,
    "stepwise": False, "xmlpath": None, "collectonly": False, "cacheclear": False, "cacheshow": None,
    "numprocesses": None, "maxprocesses": None, "dist": "no", "tx": [], "looponfail": False, "durations": None,
    "pastebin": None, "capture": "fd", "basetemp": PLACE,
}  # fmt: skip
"""What the user's pytest does itself: it chose the tests, and it reports."""
QUIET: Mapping[str, Any] = {"verbose": -2, "no_header": True, "no_summary": True, "reportchars": ""}
"""A debugger needs pytest's terminal, but not what pytest says there."""


def folder_name(lab: Wanted, item: pytest.Item) -> str:
    """Of a lab's run, for people."""
    words = re.sub(r"[^A-Za-z0-9_.=-]+", "-", item.nodeid.rpartition("/")[2])[:NAME_MOST].strip("-")
    return words if f"seed-{lab.seed}" in words else f"{words}-seed-{lab.seed}"


def alone(item: pytest.Item, seed: int) -> str:
    """The command that runs a test with a seed alone."""
    return f"pytest {shlex.quote(base_name(item, seed))} --testbed-seed {seed}"


def plain_id(item: pytest.Item) -> str:
    """A test's node id as pytest has it: xdist adds a group's name to it."""
    names = [node.name for node in item.listchain() if isinstance(node, pytest.Class | pytest.Item)]
    return "::".join([item.nodeid.partition("::")[0], *names])


def base_name(item: pytest.Item, seed: int) -> str:
    """A test's node id, but for the seed."""
    node = plain_id(item)
    for ours, rest in ((f"-seed-{seed}]", "]"), (f"[seed-{seed}-", "["), (f"[seed-{seed}]", "")):
        node = node.replace(ours, rest)
    return node


class LabRun:
    """See the module. Tests that were not heard of when the lab has ended are UNKNOWN."""

    def __init__(
        self, config: pytest.Config, lab: Wanted, choice: Choice, items: Sequence[pytest.Item], directory: Path,
        baselines: Baselines, say: Callable[[pytest.Item, pytest.TestReport], None],
    ) -> None:  # fmt: skip
        self._config = config
        self._lab = lab
        self._loaded = lab.load()
        self._choice = choice
        self._items = {plain_id(item): item for item in items}
        self._directory = directory
        self._baselines, self._say = baselines, say
        self._debugs = bool(config.getoption("usepdb") or config.getoption("trace"))
        self._tail = Tail(directory / "record" / FILE)
        self._current = ""
        self._ended: set[str] = set()
        self._verdicts: dict[str, str] = {}
        self._held: list[pytest.TestReport] = []
        """Back, until the lab has ended: how it did decides about the last one, and about baselines the record."""
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
        with bridged(self._config) if self._debugs else contextlib.nullcontext() as line:
            play = replace(self._play(), line=line)
            outcome = run(self._loaded, dict(self._lab.settings), options, self._hear, play)
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
        option["plugins"] = [*self._config.option.plugins, *([] if self._debugs else ["no:terminal"])]
        option |= {**QUIET, "color": "yes" if sys.stdout.isatty() else "no"} if self._debugs else {}
        option.pop("file_or_dir", None)
        tests = [f"{item.path}::{name.partition('::')[2]}" for name, item in self._items.items()]
        return {
            "options": option, "tests": tests, "folder": str(self._config.invocation_params.dir),
            "path": sys.path, "environ": dict(os.environ), "terminal": self._debugs,
        }  # fmt: skip

    def _hear(self, message: Message) -> None:
        if message["kind"] == "up":
            self._judge_receipt()
        elif message["kind"] == "quit":
            next(iter(self._items.values())).session.shouldstop = message["text"]
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
        """Report, or hold back."""
        if self._distrusted and report.when == "call" and report.outcome != "skipped":
            _unknown(report, "the lab's links do not deliver what was asked", self._distrusted)
        self._explain(report)
        last = report.when == "teardown" and len(self._ended) + 1 == len(self._items)
        if last or told_of(report).get("noted") or any(each.nodeid == report.nodeid for each in self._held):
            self._held.append(report)
        else:
            self._log(report)

    def _explain(self, report: pytest.TestReport) -> None:
        """Where to look, and how to see it again."""
        item = self._items[report.nodeid]
        tell_of(
            report, seed=self._lab.seed, directory=str(self._directory), topology=self._loaded.plan.topology,
            name=base_name(item, self._lab.seed), again=alone(item, self._lab.seed),
        )  # fmt: skip
        if report.failed and self._verdicts.get(report.nodeid) != "FAIL":
            self._verdicts[report.nodeid] = told_of(report).get("verdict", "FAIL")
        if report.failed:
            words = f"run directory: {self._directory}\nseed: {self._lab.seed}\nagain: {alone(item, self._lab.seed)}"
            _add(report, "testbed", words)

    def _log(self, report: pytest.TestReport) -> None:
        item = self._items[report.nodeid]
        if report.when == "teardown":
            report.user_properties += self._properties(report)
        self._current = report.nodeid
        if report.when == "teardown":
            self._ended.add(report.nodeid)
        report.nodeid = item.nodeid
        self._say(item, report)

    def _finish(self, outcome: Outcome) -> None:
        """Report what is left: what was held back, and tests that were not heard of."""
        why = [self._collecting] if self._collecting else list(outcome.judgement.why)
        failed = any(True for _ in History(self._directory / "record").of("run.failed"))
        stopped = self._stopped()
        for report in self._held:
            if report.when == "call" and report.passed:
                self._hold_against(report, told_of(report)["noted"])
            if failed and report is self._held[-1] and not told_of(report).get("verdict"):
                _unknown(report, "the lab did not end as it should", why)
                self._explain(report)
            self._log(report)
        if stopped:
            return
        for nodeid, item in self._items.items():
            if nodeid not in self._ended:
                when = "call" if nodeid == self._current else "setup"
                report = made(item, "call" if when == "call" else "setup")
                report.nodeid = nodeid
                _unknown(report, "the lab ended before the test did", why)
                self._explain(report)
                self._log(report)
                last = made(item, "teardown")
                last.nodeid = nodeid
                self._explain(last)
                self._log(last)

    def _properties(self, report: pytest.TestReport) -> list[tuple[str, object]]:
        """For JUnit: verdict, seed, run directory, and what was measured."""
        told = told_of(report)
        measured = [shown(of_fields(fields)) for fields in told.get("measured", [])]
        return [
            (VERDICT, self._verdicts.get(report.nodeid, Verdict.PASS.name)), ("testbed.seed", str(self._lab.seed)),
            ("testbed.topology", self._loaded.plan.topology), ("testbed.directory", str(self._directory)),
            *((f"testbed.measured.{each.name}", quantity(each.value, each.unit)) for each in measured),
        ]  # fmt: skip

    def _hold_against(self, report: pytest.TestReport, noted: Sequence[Mapping[str, Any]]) -> None:
        """What the test noted, beside its baseline."""
        item, seed = self._items[report.nodeid], self._lab.seed
        settings = dict(self._lab.settings)
        verdict, reasons, told = self._baselines.look(
            item, base_name(item, seed), self._directory, settings, seed, noted
        )
        tell_of(report, **told)
        if verdict is Verdict.UNKNOWN:
            _unknown(report, "nothing can be said of the baseline", reasons)
        elif verdict is Verdict.FAIL:
            report.outcome, report.longrepr = "failed", "\n".join(reasons)
        if verdict is not Verdict.PASS:
            self._explain(report)

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
