"""The labs of a session: each is started for the first test that takes it, and runs all that share it."""

from __future__ import annotations

import datetime
import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from testbed.cluster.chosen import chosen
from testbed.errors import MachineError, Problem, TestbedError
from testbed.kernel import detect
from testbed.pytest_plugin import takes_lab
from testbed.pytest_plugin.baselines import Baselines
from testbed.pytest_plugin.carried import made, skipped, tell_of
from testbed.pytest_plugin.marked import Wanted, wanted
from testbed.pytest_plugin.one_lab import LabRun, folder_name
from testbed.pytest_plugin.options import ALL

FOLDER, DIST = "testbed_folder", "testbed_dist"
"""What workers of xdist are told: where run directories lie, and how tests are given out."""
TOGETHER = {"class": ("loadscope", "loadfile"), "module": ("loadfile",)}
"""By scope: with which ``--dist`` all tests of a lab come to one worker."""


def folder(config: pytest.Config) -> str:
    """Where the run directories of a session lie."""
    stamp = datetime.datetime.now().strftime("%Y%m%d-%H%M%S")
    return str(Path(config.getoption("testbed_out") or Path("runs", f"tests-{stamp}-{os.getpid()}")).absolute())


def say(item: pytest.Item, report: pytest.TestReport) -> None:
    """Report, and say where a test begins and ends."""
    if report.when == "setup":
        item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    item.ihook.pytest_runtest_logreport(report=report)
    if report.when == "teardown":
        item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)


class Labs:
    """See the module."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._begun: set[str] = set()
        """Node ids of tests that were handed to a lab."""
        out = config.getoption("testbed_out")
        self._told = getattr(config, "workerinput", {})
        """What the user's pytest says to workers of xdist."""
        # For the page of all labs, too; whoever writes it removes those that passed.
        self._keeps_all = out is not None or config.getoption("testbed_html") is not None
        self._folder = Path(self._told.get(FOLDER) or folder(config))
        self._waiting: dict[str, list[pytest.TestReport]] = {}
        """Reports of tests whose turn has not come: a worker of xdist may report no other."""
        self._baselines = Baselines(config)
        self._choices: dict[str | None, detect.Choice] = {}

    def play(self, item: pytest.Item) -> None:
        """Report a test, and all others of its lab, unless it was reported with an earlier one."""
        if item.nodeid in self._begun:
            for report in self._waiting.pop(item.nodeid, []):
                say(item, report)
            return
        self._begun.add(item.nodeid)
        try:
            lab = wanted(item)
            lab.load()
            if lab.needs == "cluster" and (image := chosen()).find() is None:
                raise MachineError(image.absent)
            choice = self._choice(lab)
            items = [item, *self._others(item, lab)]
            self._begun |= {each.nodeid for each in items}
            directory = self._folder / folder_name(lab, item)
            saying = partial(self._say_or_wait, item) if self._told else say
            LabRun(self._config, lab, choice, items, directory, self._baselines, saying).run(keep=self._keeps_all)
        except MachineError as error:
            self._lacks(item, error)
        except TestbedError as error:
            self._report(item, made(item, "setup", str(error)))

    def _lacks(self, item: pytest.Item, error: MachineError) -> None:
        """Skip what this machine cannot do, unless it is required."""
        missing = {_capability(each, self._config.getoption("testbed_kernel")) for each in error.problems}
        words = f"lacks {', '.join(sorted(missing))}: " + "; ".join(f"{e.where}: {e.what}" for e in error.problems)
        required = set(self._config.getoption("testbed_require").split(","))
        if required & {*missing, ALL}:
            self._report(item, made(item, "setup", f"{words}\n{error}"))
        else:
            self._report(item, skipped(item, words))

    def _report(self, item: pytest.Item, report: pytest.TestReport) -> None:
        """Of a test that never had a lab."""
        for each in (report, made(item, "teardown")):
            seed = self._config.getoption("testbed_seed")
            tell_of(each, name=item.nodeid, seed=seed, topology="", directory="", again=f"pytest '{item.nodeid}'")
            say(item, each)

    def _say_or_wait(self, now: pytest.Item, item: pytest.Item, report: pytest.TestReport) -> None:
        if item is now:
            say(item, report)
        else:
            self._waiting.setdefault(item.nodeid, []).append(report)

    def _others(self, first: pytest.Item, lab: Wanted) -> Iterator[pytest.Item]:
        """Later tests of the same lab. Among workers of xdist only those that are sure to come here, too."""
        if self._told and self._told.get(DIST) not in TOGETHER.get(lab.scope, ()):
            return
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
        debugs = self._config.getoption("usepdb") or self._config.getoption("trace")
        clock = "real" if debugs else self._config.getoption("testbed_clock") or lab.clock
        if clock not in self._choices:
            capabilities = detect.capabilities()
            choice = detect.choose(self._config.getoption("testbed_kernel"), clock, capabilities)
            built = next(each for each in capabilities if each.name == "guest.built")
            if choice.kernel == "guest" and not built.available:
                raise MachineError(Problem("guest kernel", "not built yet", "testbed kernel build"))
            self._choices[clock] = choice
        return self._choices[clock]


def _capability(problem: Problem, kernel: str | None) -> str:
    """What a problem is a lack of: one of :data:`~testbed.pytest_plugin.options.CAPABILITIES`."""
    if problem.where.startswith("program "):
        return "programs"
    if problem.where.startswith("node image"):
        return "cluster"
    return kernel or "guest"
