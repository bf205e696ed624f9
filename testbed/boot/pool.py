"""Many runs side by side, one guest a CPU. What comes out does not depend on which ends first.

Each run is a process of its own, so that one that dies takes nothing with it, and all can be ended at once.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from testbed.boot.child import ANSWER
from testbed.boot.guest import signals_raise
from testbed.errors import Exit, MachineError, Problem
from testbed.job import Clock, Kernel

ROOT = Path(__file__).parents[2]
LINES_KEPT = 20
POLITE_S = 1.0
"""How long runs may take to end when they are told to; then they are killed. Arbitrary."""


@dataclass(frozen=True)
class Task:
    """One run that is to be done; ``directory`` is there when it is complete, and not before."""

    name: str
    file: str
    settings: dict[str, str]
    seed: int
    directory: str
    kernel: Kernel
    clock: Clock
    wall_limit_s: float
    command: tuple[str, ...] = ()
    why: str = ""
    topology: str = ""
    """The file that declares the network, for who has to send it somewhere."""


@dataclass(frozen=True)
class Ended:
    """How a task ended: ``problem`` is empty when its directory is there, whatever the verdict in it."""

    task: Task
    problem: str


def workers() -> int:
    """As many runs at once as this process may use CPUs."""
    return len(os.sched_getaffinity(0))


class Told:
    """What is told while tasks are done; this one keeps it for itself."""

    def changed(self, ended: int, running: Sequence[Task]) -> None:
        """Something began or ended: how many have ended, and which are under way."""

    def ended(self, how: Ended) -> None:
        """A task has ended, and what it leaves is in its place."""

    def said(self, text: str) -> None:
        """A sentence for the user."""

    def warned(self, text: str) -> None:
        """One that has to be known before any number is read."""


NAMED_MOST = 4
"""So many runs that are under way are named; arbitrary: what fits a line."""


class Progress(Told):
    """Says how many of all runs are done, and which are under way."""

    def __init__(self, total: int, tell: Callable[[str], None], kept: int = 0) -> None:
        self.tell = tell
        self._total, self._kept = total, f", {kept} were there" if kept else ""

    def changed(self, ended: int, running: Sequence[Task]) -> None:
        """Where something is under way."""
        if running:
            named = "; ".join(task.name for task in running) if len(running) <= NAMED_MOST else f"{len(running)} runs"
            self.tell(f"{ended} of {self._total} runs done{self._kept}; now {named}")

    def said(self, text: str) -> None:
        """As it is."""
        self.tell(text)

    def warned(self, text: str) -> None:
        """Likewise."""
        self.tell(text)


def play(tasks: Sequence[Task], jobs: int, told: Told | None = None) -> list[Ended]:
    """Do all tasks, and return how each ended, in their order.

    Args:
        tasks: each with a directory of its own.
        jobs: how many at a time.
        told: who wants to know meanwhile.

    Raises:
        MachineError: this machine lacks something; what was under way has been ended.
        KeyboardInterrupt: as after SIGTERM; likewise.
    """
    waiting = deque(enumerate(tasks))
    ended: dict[int, Ended] = {}
    told = told or Told()
    with signals_raise(), Running() as running:
        while waiting or running.here:
            while waiting and len(running.here) < jobs:
                running.start(*waiting.popleft())
            told.changed(len(ended), [each.task for each in running.here])
            for each in running.wait():
                ended[each.number] = each.result()
                told.ended(ended[each.number])
        told.changed(len(ended), [])
    return [ended[number] for number in range(len(tasks))]


@dataclass
class _Child:
    """A run under way."""

    number: int
    task: Task
    process: subprocess.Popen[bytes]
    rest: bytes = b""
    answer: dict[str, Any] | None = None
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=LINES_KEPT))

    def feed(self, data: bytes) -> None:
        """What it said."""
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in (raw.decode("utf-8", "replace") for raw in lines):
            if line.startswith(ANSWER):
                self.answer = json.loads(line.removeprefix(ANSWER))
            else:
                self.lines.append(line)

    def result(self) -> Ended:
        """How it ended. Raises what this machine lacks: the next run would lack it too."""
        if self.answer is None:
            said = f": {self.lines[-1]}" if self.lines else ""
            return Ended(self.task, f"the run's process ended with {self.process.returncode}{said}")
        if self.answer["exit"] == Exit.MACHINE:
            raise MachineError(Problem(self.task.name, self.answer["problem"], "what is done is kept: run it again"))
        return Ended(self.task, self.answer["problem"])


class Running:
    """Runs under way. None of them outlives the block."""

    def __init__(self) -> None:
        self.here: list[_Child] = []
        self._selector = selectors.DefaultSelector()

    def __enter__(self) -> Running:
        return self

    def __exit__(self, *error: object) -> None:
        self._end(signal.SIGTERM)
        deadline = time.monotonic() + POLITE_S
        for child in self.here:
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.process.wait(max(0.0, deadline - time.monotonic()))
        self._end(signal.SIGKILL)
        for child in self.here:
            child.process.wait()
        self._selector.close()

    def _end(self, how: signal.Signals) -> None:
        for child in self.here:
            if child.process.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(child.process.pid, how)

    def start(self, number: int, task: Task, environment: Mapping[str, str] | None = None) -> None:
        """One more; ``environment``: variables that its process has besides those of this one."""
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "testbed.boot.child"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, start_new_session=True,
            env={**os.environ, **(environment or {}), "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        child = _Child(number, task, process)
        self.here.append(child)
        assert process.stdin is not None and process.stdout is not None
        self._selector.register(process.stdout, selectors.EVENT_READ, child)
        with contextlib.suppress(BrokenPipeError):  # it died at once: its end says so
            process.stdin.write(json.dumps(asdict(task)).encode())
            process.stdin.close()

    def wait(self, limit_s: float | None = None) -> list[_Child]:
        """Wait until a run has ended, or for so long; all that have."""
        deadline = None if limit_s is None else time.monotonic() + limit_s
        gone: list[_Child] = []
        while not gone and (deadline is None or time.monotonic() < deadline):
            for key, _ in self._selector.select(None if deadline is None else max(0.0, deadline - time.monotonic())):
                data = os.read(key.fd, 1 << 16)
                key.data.feed(data)
                if not data:
                    gone.append(key.data)
        for child in gone:
            assert child.process.stdout is not None
            self._selector.unregister(child.process.stdout)
            child.process.stdout.close()
            child.process.wait()
            self.here.remove(child)
        return gone
