"""A private folder for one run or lab, and how to tell one that is in use from one that a SIGKILL left behind.

Whoever made a folder holds a lock on it for as long as it lives. The kernel lets go of a lock when its holder ends,
however that happens, so no process number has to be believed.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

PREFIX = "testbed-"


def lock(folder: Path) -> int:
    """Lock a folder and return the descriptor that holds the lock. Whoever inherits it holds it as well."""
    held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    # Waits only for those who are just looking whether it is locked.
    fcntl.flock(held, fcntl.LOCK_EX)
    return held


def in_use(folder: Path) -> bool:
    """Whether somebody holds the lock of a folder."""
    try:
        looked_at = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        # Shared, so that two who look do not take each other for an owner.
        fcntl.flock(looked_at, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(looked_at)
    return False


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    """A folder of our own that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix=PREFIX) as name:
        held = lock(Path(name))
        try:
            yield Path(name)
        finally:
            os.close(held)
