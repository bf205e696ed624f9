"""Where a pod is, seen from the kernel that all nodes share: its network namespace, found by its processes' cgroup."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from testbed.errors import Problem, RunError

PROC = Path("/proc")


def open_namespace(uid: str, processes: Path = PROC) -> int:
    """A descriptor of the network namespace of a pod.

    Args:
        uid: of the pod, as the API server has it.
        processes: where processes are shown.

    Raises:
        RunError: no process of it runs here.
    """
    for process in _processes(uid, processes):
        with contextlib.suppress(OSError):
            return os.open(process / "ns" / "net", os.O_RDONLY | os.O_CLOEXEC)
    raise _nothing_runs(uid)


def open_root(uid: str, folder: str, processes: Path = PROC) -> Path:
    """A folder of a pod's file tree, as it is mounted there, reached from here. Raises as :func:`open_namespace`."""
    for process in _processes(uid, processes):
        found = process / "root" / folder.lstrip("/")
        # What keeps a pod's namespaces is a process, too, and has a file tree of its own.
        if found.is_dir():
            return found
    raise _nothing_runs(uid)


def _nothing_runs(uid: str) -> RunError:
    return RunError(Problem(f"pod {uid}", "none of its processes runs", "wait until it is ready"))


def _processes(uid: str, processes: Path) -> Iterator[Path]:
    """What the kernel shows of each process of a pod."""
    # kubelet names the cgroup of a pod after it; with systemd's driver, dashes are written as underscores.
    names = {f"pod{uid}", f"pod{uid.replace('-', '_')}"}
    for process in sorted(processes.glob("[0-9]*"), key=lambda path: int(path.name)):
        with contextlib.suppress(OSError):  # it may end while it is looked at
            text = (process / "cgroup").read_text(encoding="utf-8")
            if any(name in text for name in names):
                yield process
