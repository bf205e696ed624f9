"""What is told while a study is played, and what is shown of it meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from testbed.boot.pool import Ended, Progress
from testbed.study import At, Played
from testbed.sweep import sofar
from testbed.sweep.directory import read_judgement, run_directory
from testbed.sweep.planned import Planned
from testbed.sweep.stream import Stream


class Watch(Progress):
    """Says how far it is, and keeps numbers and report up to date.

    Attributes:
        warnings: what has to be known before any number is read.
    """

    def __init__(
        self, directory: Path, planned: Planned, there: set[tuple[str, int]], tell: Callable[[str], None]
    ) -> None:
        super().__init__(planned.total - len(there), tell, len(there))
        self.warnings: list[str] = []
        self._directory, self._planned, self._there = directory, planned, there
        self._runs = dict(self._places())
        self._stream = Stream(directory)
        told = sofar.Told(str(directory), planned.total, [(dict(c.cell.at), c.folder) for c in planned.cells])
        self._report = sofar.SoFar(told)

    def _places(self) -> Iterator[tuple[str, tuple[At, int]]]:
        """By directory, the cell and the seed of each run."""
        for cell in self._planned.cells:
            for seed in range(1, self._planned.study.seeds + 1):
                yield str(run_directory(self._directory, cell, seed)), (cell.cell.at, seed)

    def begin(self) -> None:
        """The directory is ours: what is there is the first of the stream."""
        self._stream.begin()
        for cell in self._planned.cells:
            for seed in sorted(seed for folder, seed in self._there if folder == cell.folder):
                self._add(str(run_directory(self._directory, cell, seed)))

    def close(self) -> None:
        """No more runs come: the stream has all, and nobody else writes the report."""
        self._report.close()
        self._stream.flush()

    def end(self) -> None:
        """All is in the report and its data."""
        self._stream.end()

    def _add(self, directory: str) -> None:
        at, seed = self._runs[directory]
        self._stream.add(at, Played(seed, read_judgement(Path(directory))))

    def ended(self, how: Ended) -> None:
        """A run more."""
        if not how.problem:
            self._add(how.task.directory)
        self._report.update()

    def warned(self, text: str) -> None:
        """Now, and at the end again."""
        self.warnings.append(text)
        super().warned(text)
