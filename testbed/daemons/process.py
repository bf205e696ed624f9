"""Programs in a node's namespace: started, watched, stopped, their words kept."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from testbed.errors import Problem, RunError
from testbed.kernel.programs import ENVIRONMENT, find_program
from testbed.net.namespace import Namespaces

STOP_WAIT_S = 2.0
"""How long a program may take to end after SIGTERM before it is killed; arbitrary, on the lab's clock."""
POLL_S = 0.01
TAIL_LINES = 15


@dataclass
class Program:
    """A running program of a node."""

    node: str
    name: str
    argv: Sequence[str]
    process: subprocess.Popen[bytes]
    output: Path
    expected_to_end: bool = field(default=False)

    @property
    def running(self) -> bool:
        """False when it has ended."""
        return self.process.poll() is None

    def tail(self) -> str:
        """The last lines it printed."""
        text = self.output.read_text(encoding="utf-8", errors="replace") if self.output.exists() else ""
        return "\n".join(text.splitlines()[-TAIL_LINES:])

    def problem(self, what: str) -> Problem:
        """What to tell when something is wrong with it."""
        hint = f"it was started as: {' '.join(self.argv)}\n{self.tail()}".rstrip()
        return Problem(f"{self.name} on {self.node}", what, hint)

    def stop(self, within_s: float = STOP_WAIT_S) -> None:
        """End it: SIGTERM, then SIGKILL if it has not ended ``within_s``."""
        self.expected_to_end = True
        if not self.running:
            return
        self.process.terminate()
        try:
            self.process.wait(within_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.process.send_signal(number)


def start(
    namespaces: Namespaces,
    node: str,
    name: str,
    argv: Sequence[str],
    output: Path,
    *,
    environment: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    before: Callable[[], None] | None = None,
) -> Program:
    """Start a program in a node's namespace, which the child inherits from this thread: no fork hook is needed.

    ``before`` is called in the child, before it becomes the program.
    """
    output.parent.mkdir(parents=True, exist_ok=True)
    with namespaces.inside(node), output.open("ab") as out:
        try:
            process = subprocess.Popen(  # the namespace must not change before the child exists
                argv, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, cwd=cwd,
                env={**ENVIRONMENT, **(environment or {})}, start_new_session=True, preexec_fn=before,
            )  # fmt: skip
        except OSError as error:
            raise RunError(
                Problem(f"{name} on {node}", f"cannot start {argv[0]}: {error.strerror}", "run: testbed doctor")
            ) from error
    return Program(node, name, tuple(argv), process, output)


def wait_until(program: Program, ready: Callable[[], bool], what: str, *, timeout_s: float) -> None:
    """Wait for a program's readiness. Raises when it ends before, or when time is up."""
    deadline = time.monotonic() + timeout_s
    while not ready():
        if not program.running:
            raise RunError(program.problem(f"ended with status {program.process.returncode} before {what}"))
        if time.monotonic() > deadline:
            raise RunError(program.problem(f"no {what} within {timeout_s:g} s"))
        time.sleep(POLL_S)


def find(name: str) -> str | None:
    """Full path of a program, sbin and the daemons' own folders included."""
    found = find_program(name, ENVIRONMENT)
    return str(found) if found else None
