"""One CPU for each guest: a guest that moves between CPUs is nine times slower at system calls."""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def claimed() -> Iterator[int | None]:
    """A CPU that no other guest of this user runs on, while there is one; else one that is shared.

    The claim is a file lock, so it ends with the process.
    """
    folder = Path(tempfile.gettempdir(), f"testbed-cpus-{os.getuid()}")
    folder.mkdir(mode=0o700, exist_ok=True)
    usable = sorted(os.sched_getaffinity(0))
    for number in usable:
        handle = os.open(folder / str(number), os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            continue
        try:
            yield number
        finally:
            os.close(handle)
        return
    yield usable[os.getpid() % len(usable)]
