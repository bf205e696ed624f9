"""One run of many, in a process of its own: told on stdin, answers with one line on stdout. See :mod:`.pool`."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

from testbed.boot import disk
from testbed.boot.guest import die_with_parent, signals_raise
from testbed.boot.runner import Options, check_disk, run
from testbed.errors import Exit, Problem, TestbedError
from testbed.load import load
from testbed.verdict import Verdict

ANSWER = "@ended "
"""Begins the line that is for the pool."""
CPU = "TESTBED_CPU"
"""Environment variable with the number of the one CPU that a run is to keep to."""


def main() -> None:
    """Do the run, and say in a line how it ended."""
    die_with_parent()  # and the guest with this
    task = json.load(sys.stdin)
    if CPU in os.environ:  # whoever started this has claimed it
        os.sched_setaffinity(0, {int(os.environ[CPU])})
    with signals_raise():
        try:
            _run(task)
        except KeyboardInterrupt:
            sys.exit(int(Exit.UNKNOWN))
        except TestbedError as error:
            _answer(problem="; ".join(map(_words, error.problems)), exit=int(error.exit))
        except OSError as error:
            if not disk.is_full(error):
                raise
            _answer(problem=f"{task['directory']}: {disk.words(error)}", exit=int(Exit.MACHINE))
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
    outcome = run(load(task["file"], settings), settings, options, lambda message: None)
    if outcome.judgement.verdict is Verdict.UNKNOWN:
        check_disk(unfinished)  # what could not be written is no property of the network: it has to be run again
    unfinished.rename(directory)


def _words(problem: Problem) -> str:
    return f"{problem.where}: {problem.what}"


def _answer(**fields: object) -> None:
    sys.stdout.write(f"{ANSWER}{json.dumps(fields)}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
