"""A disk that is full, told from what else can go wrong with a file."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator

from testbed.errors import MachineError, Problem

FULL = (errno.ENOSPC, errno.EDQUOT)


def is_full(error: OSError) -> bool:
    """Whether there is no room, on the disk or for this user."""
    return error.errno in FULL


@contextlib.contextmanager
def room(where: str, hint: str) -> Iterator[None]:
    """Raise a disk that fills up meanwhile as what this machine lacks, with what to do about it."""
    try:
        yield
    except OSError as error:
        if not is_full(error):
            raise
        raise MachineError(Problem(where, words(error), hint)) from error


def words(error: OSError) -> str:
    """What filled up."""
    return f"the disk is full: {error.filename or error.strerror}"
