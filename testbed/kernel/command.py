"""Start a helper program, and say what it said when it fails."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

OUTPUT_TAIL_LINES = 8  # arbitrary: enough for apt's and patch's complaints, short enough to read


class CommandFailed(Exception):
    """A program could not be started, ran too long or exited non-zero. The message can be shown as it is."""


def run(
    argv: Sequence[str], *, env: Mapping[str, str], timeout_s: float, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, with nothing on its standard input, and return what it printed.

    Raises:
        CommandFailed: with the command to paste, what became of it and the tail of its output.
    """
    shown = shlex.join(argv)
    try:
        done = subprocess.run(
            list(argv), env=dict(env), cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            errors="replace", timeout=timeout_s, check=False,
        )  # fmt: skip
    except OSError as error:
        raise CommandFailed(f"`{shown}` cannot be started: {error.strerror}") from error
    except subprocess.TimeoutExpired as error:
        raise CommandFailed(f"`{shown}` did not end within {timeout_s:.0f} s") from error
    if done.returncode:
        said = tail(done.stderr or done.stdout)
        raise CommandFailed(f"`{shown}` ended with {done.returncode}" + (f":\n{said}" if said else ""))
    return done


def tail(text: str, lines: int = OUTPUT_TAIL_LINES) -> str:
    """The last lines of ``text``, indented as a quotation."""
    return "\n".join(f"    | {line}" for line in text.strip().splitlines()[-lines:])
