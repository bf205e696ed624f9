"""A Dask scheduler and workers as they are on other machines: each with a home and a folder of its own."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.conftest import ROOT

LIMIT_S = 300.0
"""For anything that is waited for; arbitrary, far more than it takes."""
LIBRARIES = sysconfig.get_paths()["purelib"]
TESTBED_ENVIRONMENT = ("TESTBED_KERNEL", "XDG_CACHE_HOME")


def wait_for(happened: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + LIMIT_S
    while not happened():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


class Cluster:
    """Processes that are ended with the block, by their numbers."""

    def __init__(self, folder: Path, **environment: str) -> None:
        """``environment``: of scheduler and workers, as Dask's own configuration may have it."""
        self.folder = folder
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self._environment = environment
        self._file = folder / "scheduler.json"
        # Without the packages' .pth files, and so without the testbed: a scheduler needs Dask alone.
        self._start("scheduler", "--scheduler-file", str(self._file), "--port", "0", python=("-S",), path=LIBRARIES)
        wait_for(lambda: self._file.exists() and bool(self._file.read_text()), "the scheduler did not start")

    @property
    def where(self) -> str:
        """For ``--on``."""
        address: str = json.loads(self._file.read_text())["address"]
        return address.replace("tcp://", "dask://").replace("tls://", "dask+tls://")

    def worker(
        self, name: str, *, threads: int = 1, python: tuple[str, ...] = (), path: str = str(ROOT), **extra: str
    ) -> None:
        """One more; ``path`` comes before the packages that are installed."""
        words = ["--scheduler-file", str(self._file), "--nthreads", str(threads), "--name", name, "--no-nanny"]
        local = str(self.folder / name / "dask")
        self._start("worker", *words, "--local-directory", local, name=name, python=python, path=path, **extra)

    def _start(self, what: str, *words: str, python: tuple[str, ...], path: str, name: str = "", **extra: str) -> None:
        home = self.folder / (name or what)
        home.mkdir()
        environment = {name: value for name, value in os.environ.items() if name not in TESTBED_ENVIRONMENT}
        environment |= {"HOME": str(home), "PYTHONPATH": path, **self._environment, **extra}
        argv = [sys.executable, *python, "-m", f"distributed.cli.dask_{what}", *words, "--no-dashboard"]
        with (self.folder / f"{name or what}.log").open("wb") as log:
            self.processes[name or what] = subprocess.Popen(
                argv, cwd=home, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
            )

    def log(self, name: str) -> str:
        """What one has said."""
        return (self.folder / f"{name}.log").read_text(encoding="utf-8")

    def kill(self, name: str) -> None:
        """As a machine that loses its power: no last words."""
        process = self.processes.pop(name)
        process.kill()
        process.wait(LIMIT_S)

    def close(self) -> None:
        """Nothing of it is needed any more, and runs end with their worker."""
        for name in [*self.processes]:
            self.kill(name)


@contextlib.contextmanager
def cluster(folder: Path, *workers: str, **environment: str) -> Iterator[Cluster]:
    """A scheduler, and workers of one thread each."""
    found = Cluster(folder, **environment)
    try:
        for name in workers:
            found.worker(name)
        yield found
    finally:
        found.close()


class Sweep:
    """``testbed sweep`` as a process; ``said`` grows while it runs."""

    def __init__(
        self, out: Path, *words: str, scenario: Path, prefix: tuple[str, ...] = (), **environment: str
    ) -> None:
        self.out, self._errors = out, out.with_suffix(".stderr")
        argv = [*prefix, sys.executable, "-P", "-m", "testbed", "sweep", str(scenario), *words, "--out", str(out)]
        with self._errors.open("wb") as errors:
            self.process = subprocess.Popen(
                argv, cwd=out.parent, env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors,
            )  # fmt: skip

    @property
    def said(self) -> str:
        """So far."""
        return self._errors.read_text(encoding="utf-8")

    def waits_for(self, words: str) -> None:
        """Until it has said that, or has ended."""
        wait_for(lambda: words in self.said or self.process.poll() is not None, f"{words!r} not in {self.said}")
        assert words in self.said, self.said

    def ended(self) -> int:
        """Its exit code, once it has ended."""
        return self.process.wait(LIMIT_S)

    def close(self) -> None:
        """It does not outlive the test."""
        self.process.kill()
        self.process.wait(LIMIT_S)


def record(out: Path) -> dict[str, bytes]:
    """What has to be the same wherever runs are done: every record, what came out of all, and the data."""
    found = {path for path in out.glob("**/record/**/*") if path.is_file()}
    found |= {*out.glob("data.*"), *out.glob("cells/*/*/plan.json")}
    return {str(path.relative_to(out)): path.read_bytes() for path in sorted(found)}
