"""Run one step of a long build: in a process group of its own, logged, with a limit, and never left behind."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from testbed.kernel.command import CommandFailed, tail

LIMIT_S = 4 * 3600.0  # arbitrary; 9 minutes were measured on two cores
STOPS_WITHIN_S = 5.0  # arbitrary: make passes the signal on at once
REPORT_EVERY_S = 1.0  # arbitrary: often enough to be seen alive, rare enough for a log
LOG_TAIL_BYTES = 16384
LOG_TAIL_LINES = 15  # arbitrary: the compiler's error and make's chain of complaints
_OBJECT = re.compile(r"\s+(CC|AS|AR|LD)\s+\S")


def run_logged(
    argv: Sequence[str], *, cwd: Path, env: Mapping[str, str], log: Path, on_line: Callable[[str], None],
    limit_s: float = LIMIT_S,
) -> None:  # fmt: skip
    """Run ``argv`` to its end, each line of its output appended to ``log`` and given to ``on_line``.

    Raises:
        CommandFailed: with the last lines of the log, if it ends non-zero or at its limit.
    """
    with log.open("a") as out:
        out.write(f"$ {shlex.join(argv)}\n")
        with _started(argv, cwd, env) as process, _killed_after(process, limit_s) as late:
            assert process.stdout is not None
            for line in process.stdout:
                out.write(line)
                on_line(line)
            code = process.wait()
    if code:
        became = f"did not end within {limit_s:.0f} s" if late.is_set() else f"ended with {code}"
        raise CommandFailed(f"`{shlex.join(argv)}` {became}; the last lines:\n{_log_tail(log)}")


@contextlib.contextmanager
def _started(argv: Sequence[str], cwd: Path, env: Mapping[str, str]) -> Iterator[subprocess.Popen[str]]:
    """A process group that is gone when the block is left, however that happens: Ctrl-C comes to us alone."""
    try:
        process = subprocess.Popen(
            argv, cwd=cwd, env=dict(env), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, errors="replace", process_group=0,
        )  # fmt: skip
    except OSError as error:
        raise CommandFailed(f"`{shlex.join(argv)}` cannot be started: {error.strerror}") from error
    with process:
        try:
            yield process
        finally:
            if process.poll() is None:
                _stop(process)


def _stop(process: subprocess.Popen[str]) -> None:
    _signal_group(process, signal.SIGTERM)
    try:
        process.wait(STOPS_WITHIN_S)
    except subprocess.TimeoutExpired:
        pass
    finally:
        _signal_group(process, signal.SIGKILL)


def _signal_group(process: subprocess.Popen[str], number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)


@contextlib.contextmanager
def _killed_after(process: subprocess.Popen[str], limit_s: float) -> Iterator[threading.Event]:
    """Kill the group at the limit, and tell so through the event."""
    late = threading.Event()

    def kill() -> None:
        late.set()
        _signal_group(process, signal.SIGKILL)

    timer = threading.Timer(limit_s, kill)
    timer.daemon = True
    timer.start()
    try:
        yield late
    finally:
        timer.cancel()


def _log_tail(log: Path) -> str:
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - LOG_TAIL_BYTES))
        return tail(file.read().decode(errors="replace"), LOG_TAIL_LINES)


class ObjectCount:
    """Turns make's lines into a line of progress now and then."""

    def __init__(
        self, expected: int, progress: Callable[[str], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.done = 0
        self._expected, self._progress, self._clock = expected, progress, clock
        self._began = self._reported = clock()

    def __call__(self, line: str) -> None:
        """Take one line of make's output."""
        if not _OBJECT.match(line):
            return
        self.done += 1
        now = self._clock()
        if now - self._reported >= REPORT_EVERY_S:
            self._reported = now
            self._progress(f"compile: {self.done:,} of about {self._expected:,} objects, {now - self._began:.0f} s")
