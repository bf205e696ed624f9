"""Whether nodes of a cluster live: the end of a node's container in the middle of a run is told at once."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from functools import partial

from testbed.clock import Waiter
from testbed.errors import Problem, RunError
from testbed.history import Recorder
from testbed.kubernetes.engine import Engine
from testbed.plan.clusters import PlannedClusterNode

CONTAINER = "container"
"""What ended, as the record calls it."""


class Ends:
    """Watches the first process of each node's container, whenever the lab waits."""

    def __init__(self, waiter: Waiter, recorder: Recorder) -> None:
        self._waiter = waiter
        self._recorder = recorder
        self._watched: dict[int, str] = {}

    def watch(self, engine: Engine, nodes: Iterable[PlannedClusterNode]) -> None:
        """Watch nodes that were started. Raises :class:`RunError` where Docker does not tell of one."""
        for node in nodes:
            argv = ("docker", "inspect", "--format", "{{.State.Pid}}", node.container)
            pidfd = os.pidfd_open(int(engine.run(f"inspect-{node.name}", *argv)))
            self._watched[pidfd] = node.name
            self._waiter.watch(pidfd, partial(self._ended, pidfd))

    def _ended(self, pidfd: int) -> None:
        name = self._watched.pop(pidfd)
        self._waiter.unwatch(pidfd)
        os.close(pidfd)
        self._recorder.event("program.ended", node=name, program=CONTAINER, status=None)
        hint = "its journal went with it; cluster/dockerd.log in the record may know"
        raise RunError(Problem(f"node {name}", "its container ended in the middle of the run", hint))

    def close(self) -> None:
        """Watch no more."""
        for pidfd in self._watched:
            with contextlib.suppress(KeyError, ValueError, RuntimeError):  # the waiter may be closed by now
                self._waiter.unwatch(pidfd)
            os.close(pidfd)
        self._watched.clear()
