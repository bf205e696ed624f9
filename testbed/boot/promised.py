"""Memory that guests which run were promised and have not touched yet: whoever starts next must not count on it.

A guest's memory is a sparse file, so what is free says nothing of what it may still take; where several were let in on
that ground, all of them would crawl together.
"""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

from testbed.units import Size

PROC = Path("/proc")
_MEMORY, _GUEST = re.compile(rb"mem=(\d+)M"), b"umid=guest"
"""Of a guest's command line (:func:`testbed.boot.guest.command`)."""
_TOUCHED = re.compile(r"^RssShmem:\s+(\d+) kB$", re.MULTILINE)
"""Shared memory that a process has touched: proc(5), ``/proc/pid/status``."""


def promised(processes: Path = PROC) -> Size:
    """What the guests of this machine may still take."""
    return Size(sum(_left(process) for process in processes.glob("[0-9]*")))


def _left(process: Path) -> int:
    with contextlib.suppress(OSError):  # it may end while it is looked at
        words = (process / "cmdline").read_bytes().split(b"\0")
        asked = _MEMORY.fullmatch(words[1]) if _GUEST in words else None
        touched = _TOUCHED.search((process / "status").read_text(encoding="utf-8")) if asked else None
        if asked and touched:
            return max(0, int(asked[1]) * 2**20 - int(touched[1]) * 2**10)
    return 0
