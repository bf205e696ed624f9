"""Numbers of runs as Parquet while more are being done: files that are whole, of which there are more and more.

A reader takes the folder as one table, at any moment and after any end. When all is done, ``data.parquet`` has it all,
in order, and the folder goes.
"""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from testbed.report.data import Row, run_rows, write_parquet
from testbed.study import At, Played

STREAM = "stream"
EVERY_S = 10.0
"""How often to write, at most; arbitrary, as is how many rows are kept in memory until then."""
ROWS_MOST = 10_000


class Stream:
    """The folder of a study's directory."""

    def __init__(self, directory: Path) -> None:
        self._folder = directory / STREAM
        self._rows: list[Row] = []
        self._files = 0
        self._written = time.monotonic()

    def begin(self) -> None:
        """Forget what an earlier play left: what it had done is added again."""
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True)

    def add(self, at: At, run: Played) -> None:
        """The numbers of one run."""
        self._rows += run_rows(at, run)
        if len(self._rows) >= ROWS_MOST or time.monotonic() - self._written >= EVERY_S:
            self.flush()

    def flush(self) -> None:
        """Write what has been added."""
        self._written = time.monotonic()
        if not self._rows:
            return
        self._files += 1
        unfinished = self._folder / f".{self._files:06}.tmp"  # which readers of folders leave out
        write_parquet(self._rows, unfinished)
        unfinished.rename(self._folder / f"{self._files:06}.parquet")
        self._rows = []

    def end(self) -> None:
        """All is in ``data.parquet``."""
        shutil.rmtree(self._folder, ignore_errors=True)
