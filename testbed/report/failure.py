"""What to show of a run that did not reach its end: where, what, what to do, and the last words of those concerned."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from testbed.report.rundir import RECORD, Run

LINES = 20
LOGS_MAX = 6
"""Arbitrary, both: enough to see the reason, short enough to be read."""


@dataclass(frozen=True)
class LogTail:
    """The end of a log."""

    name: str
    text: str


def log_tails(run: Run) -> tuple[LogTail, ...]:
    """The last lines of the console, and of the daemons of those nodes that the failures name, or of all."""
    if run.environment.get("finished", True) is True and not run.failures:
        return ()
    console = run.environment.get("console")
    tails = [LogTail("console", "\n".join(map(str, console[-LINES:])))] if isinstance(console, list) and console else []
    told = _words_told(run)
    logs = sorted((run.directory / RECORD / "daemons").glob("*/*"), key=lambda log: (log.stem not in told, str(log)))
    named = [log for log in logs if log.parent.name in told]
    daemons = [tail for tail in _read(run.directory, named or logs) if tail.text][:LOGS_MAX]
    return (*daemons, *tails)


def _words_told(run: Run) -> set[str]:
    """Every word of what failed, among them names of nodes and programs."""
    told = [event.fields for event in run.history.of("run.failed", "program.ended")]
    return {word.strip(",:;()'\"") for fields in told for value in fields.values() for word in str(value).split()}


def _read(directory: Path, logs: list[Path]) -> Iterator[LogTail]:
    for log in logs:
        if log.suffix in (".log", ".out"):
            lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
            yield LogTail(str(log.relative_to(directory)), "\n".join(lines[-LINES:]))
