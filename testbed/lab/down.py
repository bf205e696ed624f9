"""A lab that is kept up ends: nothing of it is left.

Light to import, so that ``testbed down`` is quick.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import time
from pathlib import Path

from testbed.errors import RunError
from testbed.lab.client import Connection
from testbed.lab.state import LabFolder

DOWN_WITHIN_S = 1.5
"""How long a supervisor may take to end a lab before it is killed, which ends the lab as well; arbitrary, and such that
a lab is down within two seconds."""
CLUSTERS_DOWN_WITHIN_S = 60.0
"""The same of one with clusters, with which gigabytes of memory and hundreds of processes go; arbitrary."""
POLL_S = 0.01
SUPERVISOR = "testbed.lab.supervisor"
"""The module that a supervisor is started as."""


def down(lab: LabFolder) -> None:
    """Take a lab down, and return when nothing of it is left. One that is gone already is removed."""
    with contextlib.suppress(OSError):
        held = os.open(lab.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            within_s = CLUSTERS_DOWN_WITHIN_S if lab.disk else DOWN_WITHIN_S
            deadline = time.monotonic() + within_s
            with contextlib.suppress(RunError), Connection(lab) as connection:
                connection.send({"op": "down"})
                _wait_free(held, deadline)
            if not _wait_free(held, deadline):
                for pid in supervisors(lab.path):
                    os.kill(pid, signal.SIGKILL)
                _wait_free(held, time.monotonic() + within_s)
        finally:
            os.close(held)
    lab.remove()


def _wait_free(held: int, deadline: float) -> bool:
    """Wait until nobody has the folder locked: then its supervisor has ended, and with it all that it started."""
    while True:
        try:
            fcntl.flock(held, fcntl.LOCK_SH | fcntl.LOCK_NB)
            fcntl.flock(held, fcntl.LOCK_UN)
        except BlockingIOError:
            if time.monotonic() > deadline:
                return False
            time.sleep(POLL_S)
        else:
            return True


def supervisors(folder: Path) -> list[int]:
    """The processes of this user that supervise the lab of a folder: they say so in their command line."""
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdecimal():
            with contextlib.suppress(OSError):
                words = (process / "cmdline").read_bytes().split(b"\0")
                ours = process.stat().st_uid == os.getuid()
                if ours and SUPERVISOR.encode() in words and os.fsencode(folder) in words:
                    found.append(int(process.name))
    return found
