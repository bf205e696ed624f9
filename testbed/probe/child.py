"""Probes are forked children of the agent: no interpreter to start, no module to load, a namespace of their own.

An agent in a pod has one namespace, its own: :class:`Here`.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import traceback
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from testbed.errors import Problem, RunError

ASKED = {signal.SIGTERM}
HANGS_S = 30.0
"""How long a probe may take to write what it knows before it counts as hanging; arbitrary, on the lab's clock."""


class Spaces(Protocol):
    """Where sockets are made and children live, by node."""

    def inside(self, name: str) -> AbstractContextManager[None]:
        """Run a block there."""

    def enter(self, name: str) -> None:
        """Go there, for good."""


class Here:
    """One place, whatever the node is called."""

    def inside(self, name: str) -> AbstractContextManager[None]:
        """Run a block here."""
        return contextlib.nullcontext()

    def enter(self, name: str) -> None:
        """Stay here."""


@dataclass
class Child:
    """A forked probe process."""

    name: str
    node: str
    pid: int
    failure: Path

    @property
    def running(self) -> bool:
        """False when it has ended by itself."""
        return not self._ends_within(0)

    def stop(self) -> None:
        """Ask it to finish, and wait until it has written what it knows.

        Raises:
            RunError: it had failed, or does not come to an end; then it is killed.
        """
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGTERM)
        hangs = not self._ends_within(HANGS_S)
        if hangs:
            os.kill(self.pid, signal.SIGKILL)
        _, status = os.waitpid(self.pid, 0)
        if hangs:
            what = f"hangs: it still ran {HANGS_S:g} s after it was asked to finish"
            raise RunError(Problem(f"probe {self.name} on {self.node}", what, "its samples are lost"))
        if status != 0:
            text = self.failure.read_text(encoding="utf-8") if self.failure.exists() else f"wait status {status}"
            raise RunError(Problem(f"probe {self.name} on {self.node}", "failed", text))

    def _ends_within(self, seconds: float) -> bool:
        pidfd = os.pidfd_open(self.pid)
        try:
            return bool(select.select([pidfd], [], [], seconds)[0])
        finally:
            os.close(pidfd)


class Stop(Exception):
    """Raised in a child when it is asked to finish."""


def _raise_stop(signum: int, frame: object) -> None:
    raise Stop


def fork(namespaces: Spaces, node: str, name: str, scratch: Path, work: Callable[[], None]) -> Child:
    """Run ``work`` in a child in a node's namespace until :meth:`Child.stop`. ``work`` sees :class:`Stop` raised."""
    failure = scratch / f"{name}.error"
    signal.pthread_sigmask(signal.SIG_BLOCK, ASKED)  # until the child knows what to do when it is asked to finish
    pid = os.fork()
    if pid:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ASKED)
        return Child(name, node, pid, failure)
    status = 1
    try:
        namespaces.enter(node)
        signal.signal(signal.SIGTERM, _raise_stop)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        with contextlib.suppress(Stop):
            signal.pthread_sigmask(signal.SIG_UNBLOCK, ASKED)
            work()
        status = 0
    except BaseException:  # whatever it is: a child must never return into its parent's code
        failure.write_text(traceback.format_exc(limit=5), encoding="utf-8")
    finally:
        os._exit(status)
