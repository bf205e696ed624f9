"""One CPU for each guest: a guest that moves between CPUs is nine times slower at system calls."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterable, Iterator


@contextlib.contextmanager
def claimed(patience: Iterable[object] = ()) -> Iterator[int]:
    """A CPU that no other guest runs on, while there is one; else one that is shared.

    Where there is none, it is looked for again after each step of ``patience``, before one is shared.

    The claim is an abstract socket's name (unix(7)): one among all users of a network namespace, with no file to be
    owned by somebody else or left behind, and gone with the process.
    """
    usable = sorted(os.sched_getaffinity(0))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as claim:
        found = _free(claim, usable)
        for _ in patience if found is None else ():
            found = _free(claim, usable)
            if found is not None:
                break
        yield usable[os.getpid() % len(usable)] if found is None else found


def _free(claim: socket.socket, usable: list[int]) -> int | None:
    return next((number for number in usable if _bound(claim, number)), None)


def _bound(claim: socket.socket, number: int) -> bool:
    try:
        claim.bind(f"\0testbed-cpu-{number}")
    except OSError:
        return False
    return True
