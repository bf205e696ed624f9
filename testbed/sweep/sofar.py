"""The report of a study of which runs are still being done, made by a process of its own: told on stdin, once.

Drawing takes seconds of a CPU; whoever hands out runs has no seconds.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from testbed.boot.guest import die_with_parent
from testbed.boot.pool import ROOT
from testbed.check.cells import judge_cells
from testbed.numbers import counted
from testbed.report.studydir import CELLS, StudyRun, axes_of, read_asked
from testbed.study import Cell, CellResult, Played
from testbed.sweep.directory import SEED, read_judgement
from testbed.verdict import Judgement, judge

FIRST_S, EVERY_S = 10.0, 30.0
"""When the report is made first, and how long it is left alone at least; arbitrary."""
SHARE = 10
"""Making it may take a tenth of the time of one CPU; arbitrary."""
NICE = 10
KINDS = ("svg",)
"""Of the charts' files, the one that takes least."""


@dataclass(frozen=True)
class Told:
    """What there is to report on: a study's directory, and the cells by place and folder."""

    directory: str
    total: int
    cells: Sequence[tuple[dict[str, str], str]]


class SoFar:
    """Makes the report again and again, never two at a time, until it is closed."""

    def __init__(self, told: Told) -> None:
        self._told = told
        self._process: subprocess.Popen[bytes] | None = None
        self._begun = time.monotonic()
        self._next = self._begun + FIRST_S

    def update(self) -> None:
        """Something has been added: make the report where it is time. Waits for nothing."""
        now = time.monotonic()
        if self._process is not None:
            if self._process.poll() is None:
                return
            self._next = now + max(EVERY_S, SHARE * (now - self._begun))
            self._process = None
        if now < self._next:
            return
        self._begun = now
        self._process = subprocess.Popen(
            ["nice", "-n", str(NICE), sys.executable, "-P", "-m", "testbed.sweep.sofar"], stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": str(ROOT)},
            start_new_session=True,
        )  # fmt: skip
        assert self._process.stdin is not None
        with self._process.stdin as stdin:
            stdin.write(json.dumps(asdict(self._told)).encode())

    def close(self) -> None:
        """Whoever writes the report next is alone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


def report(told: Told) -> Path:
    """Write the report of what is there: no run that is missing counts as anything."""
    from testbed.report.study_page import write_page_of

    directory = Path(told.directory)
    asked = read_asked(directory)
    results = tuple(CellResult(Cell(at, {}), runs) for at, folder in told.cells if (runs := _runs(directory, folder)))
    done = sum(len(result.runs) for result in results)
    so_far = f"{done} of {counted(told.total, 'run')} so far"
    run = StudyRun(directory, asked, tuple(axes_of(asked)), {}, results, _judge(results, so_far), so_far=so_far)
    return write_page_of(run, directory, KINDS)


def _judge(results: Sequence[CellResult], so_far: str) -> Judgement:
    """Never PASS: what is not there yet is not known."""
    return judge(
        judge_cells(results).measurements, [f"{so_far}: others are being done, and this page loads itself again"]
    )


def _runs(directory: Path, folder: str) -> tuple[Played, ...]:
    there = (path for path in (directory / CELLS / folder).glob(f"{SEED}*") if path.suffix != ".part")
    seeds = sorted((int(path.name.removeprefix(SEED)), path) for path in there)
    return tuple(Played(seed, read_judgement(path), str(path.relative_to(directory))) for seed, path in seeds)


def main() -> None:
    """Once."""
    die_with_parent()
    found = json.load(sys.stdin)
    report(Told(found["directory"], found["total"], [(dict(at), str(folder)) for at, folder in found["cells"]]))


if __name__ == "__main__":
    main()
