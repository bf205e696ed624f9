"""Waiting: the one place where a lab's time passes.

While a run waits, routing changes are noted at their instants, programs that end are noticed, and what others asked for
is called: when a descriptor is ready, or at an instant. So nothing polls, and nothing happens at the same time.
"""

from __future__ import annotations

import heapq
import itertools
import os
import selectors
import subprocess
import time
from collections.abc import Callable
from functools import partial

from testbed.daemons.process import Program
from testbed.errors import Problem, RunError
from testbed.history import Recorder
from testbed.net.routes import RouteWatch
from testbed.units import Duration

TICK_NS = 5 * 10**9
"""How often a long wait says that time passes; arbitrary."""
LOOK_NS = 50_000_000
"""Sessions and tunnels are asked, not heard; arbitrary, and small against any protocol's timers."""


class Waiter:
    """Waits for time or for a condition, and keeps watch meanwhile."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._selector = selectors.DefaultSelector()
        self._routes: RouteWatch | None = None
        self._programs: dict[int, Program] = {}
        self._due: list[tuple[int, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self.route_changes = 0
        self.tick: Callable[[], None] = lambda: None
        """Called while time passes, for those who watch."""

    def watch_routes(self, routes: RouteWatch) -> None:
        """Note routing changes from now on."""
        self._routes = routes
        for fileno in routes.sockets:
            self.watch(fileno, partial(self._routes_changed, fileno))

    def watch_program(self, program: Program) -> None:
        """End the run with UNKNOWN when this program ends without being asked to. Watched twice, it ends once."""
        if any(known is program for known in self._programs.values()):
            return
        pidfd = os.pidfd_open(program.process.pid)
        self._programs[pidfd] = program
        self.watch(pidfd, lambda: self._ended(pidfd))

    def watch(self, fileno: int, act: Callable[[], None], events: int = selectors.EVENT_READ) -> None:
        """Call ``act`` whenever a descriptor is ready while we wait."""
        self._selector.register(fileno, events, act)

    def unwatch(self, fileno: int) -> None:
        """Stop that."""
        self._selector.unregister(fileno)

    def at(self, monotonic_ns: int, act: Callable[[], None]) -> None:
        """Call ``act`` once at an instant of CLOCK_MONOTONIC, or as soon after as we wait."""
        heapq.heappush(self._due, (monotonic_ns, next(self._order), act))

    def sleep(self, duration: Duration) -> None:
        """Let time pass."""
        deadline = time.monotonic_ns() + duration
        while (left := deadline - time.monotonic_ns()) > 0:
            self.turn(min(left, TICK_NS))
            self.tick()

    def until(self, condition: Callable[[], bool], what: str, within: Duration) -> None:
        """Wait for a condition, looked at when a route changed and each :data:`LOOK_NS`. Raises when time is up."""
        __tracebackhide__ = True  # a test's reader wants the line that waited
        deadline = time.monotonic_ns() + within
        while not condition():
            left = deadline - time.monotonic_ns()
            if left <= 0:
                raise RunError(Problem(what, f"not so within {within}", "the daemons' logs in the record say why"))
            self.turn(min(left, LOOK_NS))

    def end_of(self, process: subprocess.Popen[bytes], what: str, within: Duration) -> int:
        """Wait for a program's end, and give its instant in the record. Raises when time is up; then it still runs."""
        pidfd, ended = os.pidfd_open(process.pid), list[int]()

        def end() -> None:
            ended.append(self._recorder.now_ns())
            self.unwatch(pidfd)

        self.watch(pidfd, end)
        try:
            self.until(lambda: bool(ended), what, within)
        finally:
            if not ended:
                self.unwatch(pidfd)
            os.close(pidfd)
        return ended[0]

    def turn(self, at_most_ns: int) -> None:
        """Wait until something happens, and deal with it."""
        if self._due:
            at_most_ns = max(0, min(at_most_ns, self._due[0][0] - time.monotonic_ns()))
        for key, _ in self._selector.select(at_most_ns / 10**9):
            # What was called before may have let this one go, and its number may be another's by now.
            if self._selector.get_map().get(key.fd) is key:
                key.data()
        while self._due and self._due[0][0] <= time.monotonic_ns():
            heapq.heappop(self._due)[2]()

    def _routes_changed(self, fileno: int) -> None:
        if self._routes is None:
            return
        for change in self._routes.read(fileno):
            self.route_changes += 1
            self._recorder.event(
                "route", t_ns=change.t_ns, node=change.node, prefix=change.prefix, via=list(change.via)
            )

    def _ended(self, pidfd: int) -> None:
        program = self._programs.pop(pidfd)
        self.unwatch(pidfd)
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
        self._due.clear()
