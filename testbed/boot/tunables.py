"""Settings of the whole machine that kubelets change, put back when the last cluster on its kernel is gone.

They belong to no namespace: a kubelet in a container sets them for everybody. Whoever starts a cluster holds a lock on
the file where they are noted, and the last one puts them back; where that one was killed, ``testbed clean`` does, or
whoever is next. The file is below /run, so it goes when the machine is started anew, as what was set does.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from pathlib import Path

from testbed.net.namespace import read_sysctl, write_sysctl

SET_BY_KUBELET = (
    "vm/overcommit_memory", "vm/panic_on_oom", "kernel/panic", "kernel/panic_on_oops", "kernel/keys/root_maxkeys",
    "kernel/keys/root_maxbytes",
)  # fmt: skip
"""Source: kubernetes 1.34, pkg/kubelet/cm/container_manager_linux.go, setupKernelTunables."""
NOTED = Path("/run/testbed-tunables.json")


@contextlib.contextmanager
def kept(noted: Path = NOTED) -> Iterator[None]:
    """They are noted before the block, if nobody has, and put back after it, if nobody needs them any more."""
    held = _hold(noted)
    try:
        yield
    finally:
        if _alone(held):
            _put_back(held, noted)
        os.close(held)


def _hold(noted: Path) -> int:
    while True:
        held = os.open(noted, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if _alone(held) and _is_there(held, noted):
            if os.fstat(held).st_size:  # what one that was killed left
                _put_back(held, noted)
                os.close(held)
                continue
            values = {name: value for name in SET_BY_KUBELET if (value := read_sysctl(name)) is not None}
            os.pwrite(held, json.dumps(values).encode(), 0)
        fcntl.flock(held, fcntl.LOCK_SH)
        if _is_there(held, noted):
            return held
        os.close(held)  # the last one has put all back meanwhile, and removed the file


def _is_there(held: int, noted: Path) -> bool:
    return noted.exists() and os.path.samestat(noted.stat(), os.fstat(held))


def clean(noted: Path = NOTED) -> list[str]:
    """Put back what one that was killed left, and say which have changed."""
    try:
        held = os.open(noted, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return []
    try:
        return _put_back(held, noted) if _alone(held) and _is_there(held, noted) else []
    finally:
        os.close(held)


def _alone(held: int) -> bool:
    with contextlib.suppress(BlockingIOError):
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


def _put_back(held: int, noted: Path) -> list[str]:
    """Put all back that are noted and are another now, remove the note, and say which they were."""
    values = json.loads(os.pread(held, os.fstat(held).st_size, 0) or b"{}")
    changed = [(name, value) for name, value in values.items() if read_sysctl(name) != value]
    for name, value in changed:
        write_sysctl(name, value)
    noted.unlink(missing_ok=True)
    return [name for name, _ in changed]
