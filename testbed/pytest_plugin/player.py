"""The pytest in the lab: runs the tests of one lab, on the lab's clock, and sends its reports out.

It collects before the lab comes up. How long that takes depends on where files lie, and daemons that already ran would
be woken a little earlier or later because of it.
"""

from __future__ import annotations

import gc
import os
import sys
import time
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

from testbed.boot.init import tell
from testbed.errors import Exit, Problem, RunError, TestbedError
from testbed.job import EVEN_NS, Clock, Job, wait_for_even_time
from testbed.pytest_plugin import LAB
from testbed.pytest_plugin.carried import FILE, tell_of, to_line
from testbed.run.engine import Play, played, settle
from testbed.run.lab import Lab
from testbed.run.notes import Notes
from testbed.units import Duration
from testbed.verdict import Verdict

ExitCode = pytest.ExitCode
GOOD = (ExitCode.OK, ExitCode.TESTS_FAILED, ExitCode.INTERRUPTED, ExitCode.NO_TESTS_COLLECTED)
"""Exit codes after which each report says all."""
TAIL = Duration.parse("1 s")
"""How long a probe of packets goes on when a fault in its block is over; arbitrary, longer than any round trip."""
NEAR = 2 * 10**6
"""A wait for descriptors has a grain of a millisecond (epoll_wait(2)); twice that."""
OUTCOMES = {"passed": Verdict.PASS.name, "failed": Verdict.FAIL.name, "skipped": "skipped"}


def run_tests(job: Job, run: Callable[[Play], None]) -> None:
    """Be the pytest that the job tells of. ``run`` does the job. Raises :class:`RunError`: pytest came to grief."""
    told = job.told
    os.environ.update(told["environ"])
    os.chdir(told["folder"])
    sys.path[:] = told["path"]
    config = pytest.Config.fromdictargs(told["options"], told["tests"])
    player = Player(config, job, run)
    config.pluginmanager.register(player, "testbed-player")
    status = config.hook.pytest_cmdline_main(config=config)
    if player.problem or status not in GOOD:
        raise RunError(Problem("pytest in the lab", player.problem or f"ended with {status}"))


def even_time(lab: Lab, clock: Clock) -> None:
    """Let the lab's time pass until it is even: how long pytest's own work took depends on where files lie.

    So does how much garbage it left, and when that would next be collected: what is in it may close files then.
    """
    if clock == "virtual":
        gc.collect()
        lab.sleep(Duration((-time.monotonic_ns() - NEAR) % EVEN_NS))  # it ends within a millisecond
        wait_for_even_time(clock)


class Player:
    """Hooks of that pytest."""

    def __init__(self, config: pytest.Config, job: Job, run: Callable[[Play], None]) -> None:
        self._config = config
        self._clock: Clock = job.clock
        self._run = run
        self._file = Path(job.record) / FILE
        self._lab: Lab | None = None
        self._outcome = ""
        self._measured = 0
        self.problem = ""

    @property
    def lab(self) -> Lab:
        """The lab, once it is up."""
        assert self._lab is not None, "tests run when it is up"
        return self._lab

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        """Bring the lab up around the tests, unless there are none."""
        if self._lab is not None or session.testsfailed or not session.items:
            return None
        ended: list[BaseException] = []

        def play(lab: Lab) -> None:
            self._lab = session.config.stash[LAB] = lab
            lab.probe.tail, lab.baseline = TAIL, Notes(lab.measured)
            with played(lab):
                try:
                    session.config.hook.pytest_runtestloop(session=session)
                except (session.Failed, session.Interrupted, pytest.exit.Exception) as stop:  # no failure of the lab
                    ended.append(stop)
                even_time(lab, self._clock)

        gc.collect()
        self._run(play)
        if ended:
            if isinstance(ended[0], pytest.exit.Exception):
                tell("quit", text=str(ended[0]))
            raise ended[0]
        return True

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Note in the record where a test begins and ends."""
        self._outcome = Verdict.PASS.name
        even_time(self.lab, self._clock)
        self._measured = len(self.lab.recorder.measured())
        self.lab.recorder.event("test.start", test=item.nodeid)
        result = yield
        even_time(self.lab, self._clock)
        self.lab.recorder.event("test.stop", test=item.nodeid, outcome=self._outcome)
        return result

    @pytest.hookimpl(tryfirst=True)
    def pytest_pyfunc_call(self) -> None:
        """The test begins at an even time, whatever its fixtures did."""
        even_time(self.lab, self._clock)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Generator[None, object, object]:
        """The next test finds the lab as the first one did."""
        try:
            return (yield)
        finally:
            settle(self.lab)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Whether a test failed, or nothing can be said. A test that is expected to fail may not be unknown, either."""
        report = yield
        error = call.excinfo.value if call.excinfo is not None else None
        if isinstance(error, TestbedError) and error.exit is Exit.UNKNOWN:
            report.outcome = "failed"
            vars(report).pop("wasxfail", None)
            tell_of(report, verdict=Verdict.UNKNOWN.name)
            self._outcome = Verdict.UNKNOWN.name if self._outcome != Verdict.FAIL.name else self._outcome
        elif report.outcome != "passed" and self._outcome in (Verdict.PASS.name, "skipped"):
            self._outcome = OUTCOMES[report.outcome]
        if report.when == "call" and (noted := self.lab.baseline.taken()):
            tell_of(report, noted=noted)
        if report.when == "teardown":
            tell_of(report, measured=self.lab.recorder.measured(self._measured))
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Send it."""
        self._send(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Send it if it failed: it did not where the user's pytest is."""
        if report.failed:
            self._send(report)

    def pytest_internalerror(self, excrepr: object) -> None:
        """A defect of pytest, of a plugin, or of this."""
        self.problem = str(excrepr)

    def _send(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        with self._file.open("a", encoding="utf-8") as out:
            out.write(to_line(self._config, report))
        tell("reported")
