"""Waiting: the one place where a lab's time passes.

While a run waits, routing changes are noted at their instants and programs that end are noticed, so nothing polls.
"""

from __future__ import annotations

import os
import selectors
import time
from collections.abc import Callable

from testbed.daemons.process import Program
from testbed.errors import Problem, RunError
from testbed.net.routes import RouteWatch
from testbed.run.history import Recorder
from testbed.units import Duration


LOOK_NS = 50_000_000
"""Sessions and tunnels are asked, not heard; arbitrary, and small against any protocol's timers."""


class Waiter:
    """Waits for time or for a condition, and keeps watch meanwhile."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._selector = selectors.DefaultSelector()
        self._routes: RouteWatch | None = None
        self._programs: dict[int, Program] = {}
        self.route_changes = 0

    def watch_routes(self, routes: RouteWatch) -> None:
        """Note routing changes from now on."""
        self._routes = routes
        for fileno in routes.sockets:
            self._selector.register(fileno, selectors.EVENT_READ)

    def watch_program(self, program: Program) -> None:
        """End the run with UNKNOWN when this program ends without being asked to."""
        pidfd = os.pidfd_open(program.process.pid)
        self._programs[pidfd] = program
        self._selector.register(pidfd, selectors.EVENT_READ)

    def sleep(self, duration: Duration) -> None:
        """Let time pass."""
        deadline = time.monotonic_ns() + duration
        while (left := deadline - time.monotonic_ns()) > 0:
            self._turn(left)

    def until(self, condition: Callable[[], bool], what: str, within: Duration) -> None:
        """Wait for a condition, looked at when a route changed and each :data:`LOOK_NS`. Raises when time is up."""
        deadline = time.monotonic_ns() + within
        while not condition():
            left = deadline - time.monotonic_ns()
            if left <= 0:
                raise RunError(Problem(what, f"not so within {within}", "the daemons' logs in the record say why"))
            self._turn(min(left, LOOK_NS))

    def _turn(self, at_most_ns: int) -> None:
        for key, _ in self._selector.select(at_most_ns / 10**9):
            if key.fd in self._programs:
                self._ended(key.fd)
            elif self._routes is not None:
                for change in self._routes.read(key.fd):
                    self.route_changes += 1
                    self._recorder.event(
                        "route", t_ns=change.t_ns, node=change.node, prefix=change.prefix, via=list(change.via)
                    )

    def _ended(self, pidfd: int) -> None:
        program = self._programs.pop(pidfd)
        self._selector.unregister(pidfd)
        os.close(pidfd)
        status = program.process.wait()
        self._recorder.event("program.ended", node=program.node, program=program.name, status=status)
        if not program.expected_to_end:
            raise RunError(program.problem(f"ended with status {status} in the middle of the run"))

    def close(self) -> None:
        """Stop watching."""
        self._selector.close()
        for pidfd in self._programs:
            os.close(pidfd)
        self._programs.clear()
