"""Where all reports of a session come together, those of xdist's workers too: results, and the files made of them."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pytest
from _pytest.junitxml import xml_key

from testbed.pytest_plugin import summary
from testbed.pytest_plugin.carried import told_of

if TYPE_CHECKING:
    from testbed.suite.results import CaseResult


class Worker(Protocol):
    """A worker of xdist, which need not be there."""

    workerinput: dict[str, object]


class Session:
    """Hooks of the pytest that the user started. Of a suite without labs it imports nothing."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._phases: dict[str, list[pytest.TestReport]] = {}
        self._results: list[CaseResult] = []
        self._folder = ""
        self._lines: list[str] = []
        """What is said of files that were written."""

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Worker) -> None:
        """Tell a worker of xdist what it cannot know."""
        from testbed.pytest_plugin.labs import DIST, FOLDER, folder

        self._folder = self._folder or folder(self._config)
        node.workerinput |= {FOLDER: self._folder, DIST: self._config.getoption("dist")}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep those of tests that take a lab."""
        if "name" not in told_of(report):
            return
        phases = self._phases.setdefault(report.nodeid, [])
        phases.append(report)
        if report.when == "teardown":
            from testbed.pytest_plugin.outcome import result

            self._results.append(result(self._config, phases))

    @pytest.hookimpl(wrapper=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, object, object]:
        """Write what was asked for, when JUnit's file is there."""
        self._mark_unknown()
        found = yield
        if self._results:
            self._record()
            self._write()
            self._tidy()
        return found

    def _record(self) -> None:
        from testbed.pytest_plugin.baselines import CHECK, Recording

        if self._config.getoption("testbed_baseline") != CHECK:
            recording = Recording(self._config)
            for phases in self._phases.values():
                for report in phases:
                    recording.take(report)
            self._lines += recording.store()

    def _mark_unknown(self) -> None:
        """Of JUnit's test cases: what pytest calls a failure there, and is not known, is an error of its own kind."""
        xml = self._config.stash.get(xml_key, None)
        if not self._results or xml is None:
            return
        from testbed.suite.junit import KIND, VERDICT

        for reporter in xml.node_reporters_ordered:
            case = reporter.to_xml()
            if any((each.get("name"), each.get("value")) == (VERDICT, "UNKNOWN") for each in case.iter("property")):
                for bad in (each for each in case if each.tag in ("failure", "error")):
                    if bad.tag == "failure":
                        xml.stats["failure"] -= 1
                        xml.stats["error"] += 1
                    bad.tag = "error"
                    bad.set("type", KIND)

    def _write(self) -> None:
        from testbed.suite import files

        asked = {"json": self._config.getoption("testbed_json"), "html": self._config.getoption("testbed_html")}
        self._lines += files.write(self._results, asked, os.environ)

    def _tidy(self) -> None:
        """Directories of labs whose tests passed were kept for the page."""
        if self._config.getoption("testbed_out") is not None:
            return
        bad = {each.directory for each in self._results if each.verdict in ("FAIL", "UNKNOWN")}
        for directory in {each.directory for each in self._results if each.directory} - bad:
            shutil.rmtree(directory, ignore_errors=True)
            with contextlib.suppress(OSError):  # others are there
                Path(directory).parent.rmdir()

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """What is not known, how measurements are distributed, and what was written."""
        summary.tell_unknown(terminalreporter)
        if self._results:
            summary.tell_seeds(terminalreporter, self._results)
            summary.tell_github(terminalreporter, self._results, os.environ)
        for line in self._lines:
            terminalreporter.write_line(line)
