"""Programs that are killed or frozen. Healing starts a killed daemon again, and lets a frozen program go on."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from testbed.daemons.base import Daemon
from testbed.daemons.process import Program
from testbed.errors import InputError, Problem, known

Undo = Callable[[], None]


class Programs:
    """The daemons of one lab, to be broken. A target is ``NODE``, or ``NODE/NAME`` for one of several there."""

    def __init__(self, daemons: Sequence[Daemon], restart: Callable[[Daemon], None]) -> None:
        self._daemons = daemons
        self._restart = restart

    def kill(self, target: str) -> Undo:
        """SIGKILL: the daemon says goodbye to nobody. Undone by starting it again."""
        found = self._find(target)
        for _, program in found:
            program.expected_to_end = True
            _send(program, signal.SIGKILL)
            program.process.wait()

        def undo() -> None:
            for daemon in {id(daemon): daemon for daemon, _ in found}.values():
                self._restart(daemon)

        return undo

    def freeze(self, target: str) -> Undo:
        """SIGSTOP: the daemon stays, and does nothing. Undone by letting it go on."""
        found = self._find(target)
        for _, program in found:
            _send(program, signal.SIGSTOP)

        def undo() -> None:
            for _, program in found:
                _send(program, signal.SIGCONT)

        return undo

    def freeze_all(self, namespace: int) -> Undo:
        """SIGSTOP every process of a node but this one, by its namespace's descriptor. Undone by letting them go on."""
        stopped = processes_in(namespace)
        for pid in stopped:
            _signal(pid, signal.SIGSTOP)

        def undo() -> None:
            for pid in stopped:
                _signal(pid, signal.SIGCONT)

        return undo

    def nodes(self) -> set[str]:
        """Those that have a daemon."""
        return {daemon.node for daemon in self._daemons}

    def known(self) -> list[str]:
        """Every target there is."""
        names = [f"{daemon.node}/{program.name}" for daemon, program in self._all()]
        return [*dict.fromkeys(daemon.node for daemon in self._daemons), *names]

    def check(self, target: str) -> None:
        """Raise :class:`InputError` for a target that is none."""
        self._find(target)

    def _find(self, target: str) -> list[tuple[Daemon, Program]]:
        node, _, name = target.partition("/")
        found = [
            (daemon, program)
            for daemon, program in self._all()
            if daemon.node == node and name in ("", daemon.name, program.name)
        ]
        if not found:
            raise InputError(Problem(f"daemon {target}", "no such daemon", known(target, self.known())))
        return found

    def _all(self) -> Iterator[tuple[Daemon, Program]]:
        for daemon in self._daemons:
            for program in daemon.programs.values():
                yield daemon, program


def processes_in(namespace: int) -> list[int]:
    """Every process whose network namespace this is, in the order of their numbers; without this one."""
    wanted = os.fstat(namespace)
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and int(entry.name) != os.getpid():
            with contextlib.suppress(OSError):  # it has ended, or is another user's
                there = (entry / "ns" / "net").stat()
                if (there.st_dev, there.st_ino) == (wanted.st_dev, wanted.st_ino):
                    found.append(int(entry.name))
    return sorted(found)


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _send(program: Program, number: signal.Signals) -> None:
    """To the program and all that it started: each program leads a session of its own."""
    if program.running:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(program.process.pid, number)
