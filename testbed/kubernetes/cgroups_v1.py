"""Control groups of version 1: a tree for each controller, or for a few. A run has a subtree of one name in each.

Kubernetes takes this version until 1.34, and after that only if told to (KEP-4569). There is no way to end all that is
in a group at once: processes are killed until there are none.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

from testbed.kubernetes.cgroups_v2 import EMPTY_WITHIN_S, LOOK_S, NEEDED, PREFIX, PROCESSES, ROOT, YOUNG_S
from testbed.net.namespace import CLONE_NEWCGROUP, alone, mount, unmount, unshare

NAMED = "name="
"""Of a tree without controllers, such as systemd's."""
CPUSETS = ("cpuset.cpus", "cpuset.mems")
"""What a new group has none of, and takes no process without (cpusets(7))."""
UNIFIED = "unified"
"""Where version 2 is mounted beside this one."""


def trees(text: str) -> list[str]:
    """The trees of ``/proc/self/cgroup``, by their controllers, such as ``cpu,cpuacct`` or ``name=systemd``. Pure."""
    lines = (line.split(":", 2) for line in text.splitlines())
    return [controllers for number, controllers, _ in lines if number != "0" and controllers]


class Version1:
    """The machine's groups where this version has the controllers."""

    def __init__(self) -> None:
        self._trees = trees(Path("/proc/self/cgroup").read_text(encoding="utf-8"))

    def see(self) -> None:
        """See the machine's groups, in a mount namespace of this process's own. Raises ``OSError``."""
        alone()
        mount("tmpfs", str(ROOT), "tmpfs", 0, "mode=755")
        self._mount()

    def _mount(self) -> None:
        for tree, place in self._places():
            place.mkdir(exist_ok=True)
            mount("cgroup", str(place), "cgroup", 0, f"none,{tree}" if tree.startswith(NAMED) else tree)
            for each in tree.split(","):  # programs look for a controller by its own name
                with contextlib.suppress(FileExistsError):
                    (ROOT / each.removeprefix(NAMED)).symlink_to(place.name)
        (ROOT / UNIFIED).mkdir(exist_ok=True)
        mount("cgroup2", str(ROOT / UNIFIED), "cgroup2")

    def _places(self) -> list[tuple[str, Path]]:
        return [(tree, ROOT / tree.removeprefix(NAMED)) for tree in self._trees]

    def lacking(self) -> list[str]:
        """The controllers that are needed, and that this version does not have here."""
        there = {name for tree in self._trees for name in tree.split(",")}
        return [name for name in NEEDED if name not in there]

    def attempt(self, name: str) -> None:
        """Make a subtree in each tree, and remove it. Raises ``OSError``."""
        try:
            self._make(name)
        finally:
            self.remove(name)

    def _make(self, name: str) -> list[Path]:
        groups = [*self._groups(name)]
        for group in groups:
            group.mkdir()
            for file in CPUSETS:
                if (group / file).exists():
                    (group / file).write_bytes((group.parent / file).read_bytes())
        return groups

    def _groups(self, name: str) -> Iterator[Path]:
        for _, place in self._places():
            yield place / name
        yield ROOT / UNIFIED / name

    def enter(self, name: str) -> None:
        """Move this process into new subtrees, which are the roots of all groups for it. Raises ``OSError``.

        It must see the machine's groups (:meth:`see`), instead of which it sees the subtrees afterwards.
        """
        for group in self._make(name):
            (group / PROCESSES).write_text("0", encoding="ascii")
        unshare(CLONE_NEWCGROUP)
        for _, place in self._places():
            unmount(str(place))
        unmount(str(ROOT / UNIFIED))
        self._mount()

    def remove(self, name: str) -> None:
        """End what is in the subtrees and remove them. Raises ``OSError`` where something does not end."""
        groups = [group for group in self._groups(name) if group.is_dir()]
        deadline = time.monotonic() + EMPTY_WITHIN_S
        while (there := {pid for group in groups for pid in _processes(group)}) and time.monotonic() < deadline:
            for pid in there:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(LOOK_S)
        for group in groups:
            for folder, _, _ in os.walk(group, topdown=False):
                Path(folder).rmdir()

    def stale(self) -> Iterator[str]:
        """Names of subtrees in which nobody is any more."""
        names = {group.name for _, place in self._places() for group in place.glob(f"{PREFIX}*")}
        for name in sorted(names):
            with contextlib.suppress(OSError):
                groups = [group for group in self._groups(name) if group.is_dir()]
                young = any(time.time() - group.stat().st_mtime <= YOUNG_S for group in groups)
                if not young and not any(pid for group in groups for pid in _processes(group)):
                    yield name


def _processes(group: Path) -> Iterator[int]:
    for folder, _, _ in os.walk(group):
        with contextlib.suppress(FileNotFoundError):  # it went while it was looked at
            yield from map(int, (Path(folder) / PROCESSES).read_text(encoding="ascii").split())
