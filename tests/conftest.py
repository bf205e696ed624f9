"""What tests share: runs of scenarios in the guest, made once and looked at by many."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from testbed.boot.runner import Options, Outcome, run
from testbed.kernel import build
from testbed.load import load

ROOT = Path(__file__).parent.parent
# A shell without job control starts what runs in the background deaf to Ctrl-C, and so would be all that tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)
RunScenario = Callable[..., Outcome]
settings.register_profile("testbed", deadline=None)  # how fast a machine is decides no test
settings.load_profile("testbed")


@pytest.fixture(scope="session")
def guest_kernel() -> Path:
    """The testbed's own kernel. Its absence fails tests: `make kernel` builds it on any machine."""
    found = build.find()
    assert found is not None, "the guest kernel is not built: run `make kernel`"
    return found


@pytest.fixture(scope="session")
def run_scenario(guest_kernel: Path, tmp_path_factory: pytest.TempPathFactory) -> RunScenario:
    """Run a file in the guest, in virtual time. The same call gives the same, finished run; it has no report yet."""

    @cache
    def once(file: str, seed: int, settings: tuple[str, ...], again: int) -> Outcome:
        given = dict(word.split("=", 1) for word in settings)
        name = file if Path(file).is_absolute() else str(ROOT / file)
        out = tmp_path_factory.mktemp("run") / "out"
        options = Options(seed=seed, kernel="guest", clock="virtual", out=out, report=False)
        return run(load(name, given), given, options, lambda message: None)

    def call(file: str, *settings: str, seed: int = 7, again: int = 0) -> Outcome:
        return once(file, seed, settings, again)

    return call


def measured(outcome: Outcome) -> dict[str, Any]:
    """The measurements of a run by name."""
    verdict = json.loads((outcome.directory / "record" / "verdict.json").read_text(encoding="utf-8"))
    return {measurement["name"]: measurement for measurement in verdict["measurements"]}


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """A suite in which everything was skipped has shown nothing: it fails."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None:
        return
    counts = {name: len(reporter.stats.get(name, ())) for name in ("passed", "failed", "skipped")}
    if counts["skipped"] and not counts["passed"] and not counts["failed"]:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Proxies that lead nowhere, for code that must not reach out."""
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    yield
