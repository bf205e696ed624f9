"""One run of many, in a process of its own: told on stdin, answers with one line on stdout. See :mod:`.pool`."""

from __future__ import annotations

import ctypes
import json
import shutil
import signal
import sys
from pathlib import Path
from typing import Any

from testbed.boot.guest import PR_SET_PDEATHSIG, signals_raise
from testbed.boot.runner import Options, run
from testbed.errors import Exit, Problem, TestbedError
from testbed.load import load

ANSWER = "@ended "
"""Begins the line that is for the pool."""


def main() -> None:
    """Do the run, and say in a line how it ended."""
    # Whatever happens to the pool, its runs end with it, and the guests with them.
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL))
    task = json.load(sys.stdin)
    with signals_raise():
        try:
            _run(task)
        except KeyboardInterrupt:
            sys.exit(int(Exit.UNKNOWN))
        except TestbedError as error:
            _answer(problem="; ".join(map(_words, error.problems)), exit=int(error.exit))
        else:
            _answer(problem="", exit=int(Exit.PASS))


def _run(task: dict[str, Any]) -> None:
    """Into a folder beside the wanted one, which is there only when all of it is."""
    directory = Path(task["directory"])
    unfinished = directory.with_name(f"{directory.name}.part")
    shutil.rmtree(unfinished, ignore_errors=True)
    settings = dict(task["settings"])
    options = Options(
        seed=task["seed"], kernel=task["kernel"], clock=task["clock"], out=unfinished,
        wall_limit_s=task["wall_limit_s"], command=task["command"], why=task["why"], report=False,
    )  # fmt: skip
    run(load(task["file"], settings), settings, options, lambda message: None)
    unfinished.rename(directory)


def _words(problem: Problem) -> str:
    return f"{problem.where}: {problem.what}"


def _answer(**fields: object) -> None:
    sys.stdout.write(f"{ANSWER}{json.dumps(fields)}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
