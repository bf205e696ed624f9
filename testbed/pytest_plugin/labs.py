"""The labs of a session: each is started for the first test that takes it, and runs all that share it."""

from __future__ import annotations

import datetime
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from testbed.errors import MachineError, Problem, TestbedError
from testbed.kernel import detect
from testbed.pytest_plugin import takes_lab
from testbed.pytest_plugin.carried import made, skipped
from testbed.pytest_plugin.marked import Wanted, wanted
from testbed.pytest_plugin.one_lab import LabRun, folder_name


class Labs:
    """See the module."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._begun: set[str] = set()
        """Node ids of tests that were handed to a lab."""
        out = config.getoption("testbed_out")
        stamp = datetime.datetime.now().strftime("%Y%m%d-%H%M%S")
        self._keeps_all = out is not None
        self._folder = Path(out or Path("runs", f"tests-{stamp}-{os.getpid()}")).absolute()
        self._choices: dict[str | None, detect.Choice] = {}

    def play(self, item: pytest.Item) -> None:
        """Report a test, and all others of its lab, unless it was reported with an earlier one."""
        if item.nodeid in self._begun:
            return
        self._begun.add(item.nodeid)
        try:
            lab = wanted(item)
            lab.load()
            choice = self._choice(lab)
            items = [item, *self._others(item, lab)]
            self._begun |= {each.nodeid for each in items}
            LabRun(self._config, lab, choice, items, self._folder / folder_name(lab, item)).run(keep=self._keeps_all)
        except MachineError as error:
            _report(item, [skipped(item, "; ".join(f"{each.where}: {each.what}" for each in error.problems))])
        except TestbedError as error:
            _report(item, [made(item, "setup", str(error)), made(item, "teardown")])

    def _others(self, first: pytest.Item, lab: Wanted) -> Iterator[pytest.Item]:
        """Later tests of the same lab."""
        for item in first.session.items:
            if item.nodeid in self._begun or not takes_lab(item):
                continue
            try:
                if wanted(item) == lab:
                    yield item
            except TestbedError:
                continue  # it is told of when its turn comes

    def _choice(self, lab: Wanted) -> detect.Choice:
        """Kernel and clock. Raises :class:`MachineError` for what this machine lacks."""
        clock = self._config.getoption("testbed_clock") or lab.clock
        if clock not in self._choices:
            capabilities = detect.capabilities()
            choice = detect.choose(self._config.getoption("testbed_kernel"), clock, capabilities)
            built = next(each for each in capabilities if each.name == "guest.built")
            if choice.kernel == "guest" and not built.available:
                raise MachineError(Problem("guest kernel", "not built yet", "testbed kernel build"))
            self._choices[clock] = choice
        return self._choices[clock]


def _report(item: pytest.Item, reports: Sequence[pytest.TestReport]) -> None:
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    for report in reports:
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
