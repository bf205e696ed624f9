"""Programs of this machine that a scenario runs on a node, as ``testbed exec`` does: what a real client sees."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from testbed.clock import Waiter
from testbed.daemons import process
from testbed.errors import MachineError, Problem
from testbed.history import Recorder
from testbed.net.names import Names
from testbed.net.namespace import Namespaces
from testbed.plan.plan import Plan
from testbed.units import Duration

FOLDER = "programs"
"""Of the record: what each program printed."""


class Commands:
    """Runs programs on the nodes of one lab, each to its end."""

    def __init__(self, plan: Plan, namespaces: Namespaces, recorder: Recorder, waiter: Waiter, scratch: Path) -> None:
        self._plan = plan
        self._namespaces = namespaces
        self._recorder = recorder
        self._waiter = waiter
        self._scratch = scratch
        self._names: Names | None = None

    def run(self, node: str, argv: Sequence[str], within: Duration, name: str) -> int:
        """Run a program and give its exit status; the event ``command`` says when it began and ended.

        Raises:
            MachineError: there is no such program.
            RunError: it does not end in time; then it is stopped.
        """
        found = process.find(argv[0])
        if found is None:
            raise MachineError(Problem(f"program {argv[0]}", "not found on this machine", "install it"))
        if self._names is None and self._plan.resolvers:
            self._names = Names(self._plan, self._scratch)
            self._names.write()
        begun = self._recorder.now_ns()
        program = process.start(
            self._namespaces, node, name, [found, *argv[1:]], self._recorder.record / FOLDER / f"{name}.out",
            before=None if self._names is None else partial(self._names.see, node),
        )  # fmt: skip
        try:
            ended = self._waiter.end_of(program.process, f"end of {name} on {node}", within)
        finally:
            program.stop()
        status = program.process.wait()
        self._recorder.event(
            "command", t_ns=begun, command=name, node=node, argv=list(argv), ended_ns=ended, status=status
        )
        return status
