"""Copies of a kept disk: each has one owner, who holds its lock, and what nobody holds is left behind."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from testbed.boot import private
from testbed.errors import MachineError, Problem

PREFIX = "disk-"
YOUNG_S = 10.0
"""A copy may be this young and not yet locked; arbitrary."""
COPY_LIMIT_S = 300.0
"""Arbitrary: some GB on a slow disk."""


@dataclass(frozen=True)
class Disk:
    """A copy. ``held``: the descriptor that holds its lock; whoever inherits it holds it as well."""

    folder: Path
    held: int

    def let_go(self) -> None:
        """Hold it no more: somebody else does."""
        os.close(self.held)

    def remove(self) -> None:
        """Remove it."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.let_go()


def copy(kept: Path, cache: Path) -> Disk:
    """Copy a disk into a folder of its own below ``cache``; holes stay holes. What was left behind goes before.

    Raises:
        MachineError: there is no room.
    """
    for left_behind in stale(cache):
        shutil.rmtree(left_behind, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=cache))
    disk = Disk(folder, private.lock(folder))
    try:
        argv = ["cp", "--sparse=always", "--reflink=auto", str(kept), str(folder)]
        done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=COPY_LIMIT_S)
        if done.returncode:
            what = f"no copy of the clusters' disk: {done.stderr.strip()}"
            raise MachineError(Problem(str(folder), what, "make room"))
    except BaseException:
        disk.remove()
        raise
    return disk


def stale(cache: Path) -> Iterator[Path]:
    """Copies that a run or a lab left behind when it was killed: nobody holds their locks."""
    for path in sorted(cache.glob(f"{PREFIX}*")):
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > YOUNG_S and not private.in_use(path):
                yield path
