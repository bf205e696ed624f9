"""What a build of minutes needs around it: its place in the user's cache, room on its disk, and nobody else at it."""

from __future__ import annotations

import contextlib
import fcntl
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from testbed.errors import Problem

SCRATCH_PREFIX = "scratch-"
"""Of the names of folders that a build works in; what a killed one left is known by it."""
WAIT_FOR_OTHER_S = 0.5  # arbitrary: how often to look whether another build has ended


def place(env: Mapping[str, str], name: str) -> Path:
    """The folder of one kind of build, by the XDG base directory specification."""
    given = Path(env.get("XDG_CACHE_HOME", ""))  # the specification says to ignore a relative one
    return (given if given.is_absolute() else Path(env.get("HOME", "/")) / ".cache") / "testbed" / name


def room(where: str, cache: Path, needed_bytes: int) -> list[Problem]:
    """What is wrong where the disk of ``cache``, which need not be there yet, has less space; empty where it has."""
    there = next(parent for parent in (cache, *cache.parents) if parent.exists())
    free_bytes = shutil.disk_usage(there).free
    if free_bytes >= needed_bytes:
        return []
    what = f"building it needs {_gb(needed_bytes)} below {cache}, and {_gb(free_bytes)} are free"
    return [Problem(where, what, "free some, or set XDG_CACHE_HOME to a folder on a larger disk")]


@contextlib.contextmanager
def alone(cache: Path, what: str, progress: Callable[[str], None]) -> Iterator[None]:
    """One build at a time, over all processes of this user. The lock goes when its holder does."""
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        told = False
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if not told:
                    progress(f"another process is building the {what}: waiting for it")
                told = True
                time.sleep(WAIT_FOR_OTHER_S)
        yield


@contextlib.contextmanager
def scratch(cache: Path) -> Iterator[Path]:
    """A new folder to work in, gone afterwards, as is what those left behind that were killed.

    Who uses it holds the lock of :func:`alone`.
    """
    for left_behind in cache.glob(SCRATCH_PREFIX + "*"):
        shutil.rmtree(left_behind)
    folder = Path(tempfile.mkdtemp(prefix=SCRATCH_PREFIX, dir=cache))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _gb(size: int) -> str:
    return f"{size / 1e9:.1f} GB"
