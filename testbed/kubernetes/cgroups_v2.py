"""Control groups of version 2: one tree for all controllers. A run's subtree is its root of all.

A group that gives controllers to others may have no process itself, so the testbed's own go one below
(Documentation/admin-guide/cgroup-v2.rst, "No Internal Process Constraint").
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

from testbed.net.namespace import CLONE_NEWCGROUP, alone, mount, unmount, unshare

ROOT = Path("/sys/fs/cgroup")
PREFIX = "testbed-"
"""Of the names of runs' subtrees."""
NEEDED, WELCOME = ("cpu", "memory", "pids"), ("cpuset", "io", "hugetlb")
"""Controllers without which kubelet does not start, and those that it and Docker use where they are there (kubernetes
pkg/kubelet/cm/cgroup_manager_linux.go, getSupportedUnifiedControllers): a kernel for one CPU has no cpuset."""
CONTROLLERS = "cgroup.controllers"
PROCESSES = "cgroup.procs"
INSIDE = "lab"
"""Group of the testbed's own processes."""
YOUNG_S = 2.0
"""A group may be this young and have no process yet; arbitrary, far above the milliseconds that it takes."""
EMPTY_WITHIN_S = 10.0
"""How long processes that were killed may take to be gone; arbitrary: milliseconds, but more where memory is freed."""
LOOK_S = 0.02
"""Arbitrary: how often it is looked whether they are."""


class Version2:
    """The machine's groups where this version has the controllers."""

    def see(self) -> None:
        """See the machine's groups, in a mount namespace of this process's own. Raises ``OSError``."""
        alone()
        if not (ROOT / CONTROLLERS).is_file():  # nobody has mounted this version there
            mount("cgroup2", str(ROOT), "cgroup2")

    def lacking(self) -> list[str]:
        """The controllers that are needed, and that this version does not have here."""
        there = (ROOT / CONTROLLERS).read_text(encoding="ascii").split()
        return [name for name in NEEDED if name not in there]

    def attempt(self, name: str) -> None:
        """Make a subtree that can give controllers, and remove it. Raises ``OSError``."""
        give(ROOT)
        (ROOT / name).mkdir()
        try:
            give(ROOT / name)
        finally:
            self.remove(name)

    def enter(self, name: str) -> None:
        """Move this process into a new subtree, which is the root of all groups for it. Raises ``OSError``.

        It must see the machine's groups (:meth:`see`), instead of which it sees the subtree afterwards.
        """
        give(ROOT)
        group = ROOT / name
        (group / INSIDE).mkdir(parents=True)
        for place in (group, group / INSIDE):
            (place / PROCESSES).write_text("0", encoding="ascii")
            if place == group:
                unshare(CLONE_NEWCGROUP)
        give(group)
        unmount(str(ROOT))
        mount("cgroup2", str(ROOT), "cgroup2")

    def remove(self, name: str) -> None:
        """End what is in a subtree and remove it. Raises ``OSError`` where something does not end."""
        group = ROOT / name
        (group / "cgroup.kill").write_text("1", encoding="ascii")
        deadline = time.monotonic() + EMPTY_WITHIN_S
        while populated(group) and time.monotonic() < deadline:
            time.sleep(LOOK_S)
        for folder, _, _ in os.walk(group, topdown=False):
            Path(folder).rmdir()

    def stale(self) -> Iterator[str]:
        """Names of subtrees in which nobody is any more."""
        for group in sorted(ROOT.glob(f"{PREFIX}*")):
            with contextlib.suppress(OSError):
                if time.time() - group.stat().st_mtime > YOUNG_S and not populated(group):
                    yield group.name


def give(group: Path) -> None:
    """Let the groups below one have controllers. It stays so: others may have come to use them. Raises ``OSError``."""
    there, given = ((group / f"cgroup.{kind}").read_text(encoding="ascii").split()
                    for kind in ("controllers", "subtree_control"))  # fmt: skip
    for name in (*NEEDED, *WELCOME):
        if name in there and name not in given:
            (group / "cgroup.subtree_control").write_text(f"+{name}", encoding="ascii")


def populated(group: Path) -> bool:
    """Whether a process is in a group or below it."""
    return "populated 1" in (group / "cgroup.events").read_text(encoding="ascii").splitlines()
