"""Ends of probes that an agent elsewhere holds: this side of the conversation with :mod:`testbed.probe.agent`."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Protocol

from testbed.errors import Problem, RunError
from testbed.probe.agent import Message, unpacked
from testbed.probe.ends import End, Task
from testbed.probe.parcel import PYTHON, parcel

ANSWER_S = 60.0
"""Longer than an end may take to come to its own (:data:`testbed.probe.child.HANGS_S`); arbitrary."""
LOOKS = 8
"""So often the clock there is asked for; the quickest answer counts; arbitrary."""


class Line(Protocol):
    """A connection with an agent."""

    def send(self, data: bytes) -> None:
        """Send. Raises :class:`OSError`."""

    def receive(self, within_s: float) -> bytes:
        """The next line. Raises :class:`OSError`: none came, and why."""

    def close(self) -> None:
        """Hang up: the agent ends."""


@dataclass(frozen=True)
class Clock:
    """How far a clock is ahead of ours, and what may be wrong with that: half of what the question took."""

    ahead_ns: int
    within_ns: int


class RemoteAgent:
    """An agent, once it has answered.

    Attributes:
        name: of where it is.
        clock: its, beside ours.
        python: its version.
    """

    def __init__(self, name: str, line: Line) -> None:
        """Send it there, and wait for its first words. Raises :class:`RunError`."""
        self.name = name
        self._line = line
        self._send(parcel())
        clocks = []
        for _ in range(LOOKS):
            before = time.time_ns()
            said = self.ask("hello")
            after = time.time_ns()
            clocks.append(Clock(said["now_ns"] - (before + after) // 2, (after - before + 1) // 2))
        self.clock = min(clocks, key=lambda clock: clock.within_ns)
        self.python = str(said["python"])

    def begin(self, name: str, task: Task) -> End:
        """Begin an end of a probe of that name there."""
        said = self.ask("begin", name=name, task=type(task).__name__, fields=asdict(task))
        return _RemoteEnd(self, int(said["end"]))

    def ask(self, op: str, **fields: object) -> Message:
        """Ask, and wait for the answer. Raises :class:`RunError`: there is none, or it did not go well."""
        self._send(json.dumps({"op": op, **fields}).encode("ascii") + b"\n")
        try:
            answer: Message = json.loads(self._line.receive(ANSWER_S))
        except OSError as error:
            raise self._lost(str(error)) from error
        if "old" in answer:
            what = f"its Python is {answer['old']}, and the probes need {'.'.join(map(str, PYTHON))}"
            raise RunError(Problem(self.name, what, "another image: --image"))
        if "problems" in answer:
            raise RunError(
                Problem(f"{self.name}, {each['where']}", each["what"], each["hint"]) for each in answer["problems"]
            )
        return answer

    def _send(self, data: bytes) -> None:
        try:
            self._line.send(data)
        except OSError as error:
            raise self._lost(str(error)) from error

    def _lost(self, why: str) -> RunError:
        return RunError(
            Problem(self.name, f"the connection with the probes there is lost: {why}", "their samples are lost")
        )

    def close(self) -> None:
        """End it, and all that it began."""
        self._line.close()


@dataclass(frozen=True)
class _RemoteEnd:
    agent: RemoteAgent
    number: int

    def stop(self) -> None:
        """Ask it to finish, and wait until it has."""
        self.agent.ask("stop", end=self.number)

    def numbers(self) -> Mapping[str, Sequence[int]]:
        """What it noted."""
        found = self.agent.ask("numbers", end=self.number)["numbers"]
        return {name: unpacked(text) for name, text in found.items()}
