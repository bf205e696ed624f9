"""Control groups of a cluster on the host's kernel: a subtree of the run's own, which it sees as the root of all.

Docker and kubelets make groups wherever they find the root; in a namespace of control groups that is ours. What is left
of it when all processes are gone are empty folders, which are removed after the run, or by ``testbed clean``.

As a program: ``python -m testbed.kubernetes.cgroups remove NAME`` ends what is in a subtree and removes it, and
``stale`` removes all that are nobody's and prints their names. It looks at them in a mount namespace of its own, since
a machine may have mounted them anywhere, or not at all.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from testbed.net.namespace import CLONE_NEWCGROUP, CLONE_NEWNS, alone, mount, unmount, unshare

PREFIX = "testbed-"
ROOT = Path("/sys/fs/cgroup")
CONTROLLERS = "cgroup.controllers"
NEEDED, WELCOME = ("cpu", "memory", "pids"), ("cpuset", "io", "hugetlb")
"""Controllers without which kubelet does not start, and those that it and Docker use where they are there (kubernetes
pkg/kubelet/cm/cgroup_manager_linux.go, getSupportedUnifiedControllers): a kernel for one CPU has no cpuset."""
INSIDE = "lab"
"""Group of the testbed's own processes: one that gives controllers to others may have none itself
(Documentation/admin-guide/cgroup-v2.rst, "No Internal Process Constraint")."""
YOUNG_S = 2.0
"""A group may be this young and have no process yet; arbitrary, far above the milliseconds that it takes."""
EMPTY_WITHIN_S = 10.0
"""How long processes that were killed may take to be gone; arbitrary: milliseconds, but more where memory is freed."""
LOOK_S = 0.02
"""Arbitrary: how often it is looked whether they are."""
REMOVED_WITHIN_S = 60.0
"""Arbitrary, well above :data:`EMPTY_WITHIN_S` and a start of Python."""


def see_all() -> None:
    """See the machine's groups, in a mount namespace of this process's own. Raises ``OSError``."""
    alone()
    if not (ROOT / CONTROLLERS).is_file():  # nobody has mounted this version there
        mount("cgroup2", str(ROOT), "cgroup2")


def lacking(root: Path = ROOT) -> list[str]:
    """The controllers that are needed, and that this version of control groups does not have here."""
    there = (root / CONTROLLERS).read_text(encoding="ascii").split()
    return [name for name in NEEDED if name not in there]


def give(group: Path) -> None:
    """Let the groups below one have controllers. It stays so: others may have come to use them. Raises ``OSError``."""
    there, given = ((group / f"cgroup.{kind}").read_text(encoding="ascii").split()
                    for kind in ("controllers", "subtree_control"))  # fmt: skip
    for name in (*NEEDED, *WELCOME):
        if name in there and name not in given:
            (group / "cgroup.subtree_control").write_text(f"+{name}", encoding="ascii")


def enter(name: str, root: Path = ROOT) -> None:
    """Move this process into a new subtree, which is the root of all groups for it from then on. Raises ``OSError``.

    It must see the machine's groups (:func:`see_all`), instead of which it sees the subtree afterwards.
    """
    give(root)
    group = root / name
    (group / INSIDE).mkdir(parents=True)
    for place in (group, group / INSIDE):
        (place / "cgroup.procs").write_text("0", encoding="ascii")
        if place == group:
            unshare(CLONE_NEWCGROUP)
    give(group)
    unmount(str(root))
    mount("cgroup2", str(root), "cgroup2")


def remove(group: Path) -> None:
    """End what is in a subtree and remove it. Raises ``OSError`` where something does not end."""
    (group / "cgroup.kill").write_text("1", encoding="ascii")
    deadline = time.monotonic() + EMPTY_WITHIN_S
    while populated(group) and time.monotonic() < deadline:
        time.sleep(LOOK_S)
    for folder, _, _ in os.walk(group, topdown=False):
        Path(folder).rmdir()


def populated(group: Path) -> bool:
    """Whether a process is in a group or below it."""
    return "populated 1" in (group / "cgroup.events").read_text(encoding="ascii").splitlines()


def stale(root: Path = ROOT) -> Iterator[Path]:
    """Subtrees in which nobody is any more."""
    for group in sorted(root.glob(f"{PREFIX}*")):
        with contextlib.suppress(OSError):
            if time.time() - group.stat().st_mtime > YOUNG_S and not populated(group):
                yield group


def remove_from_outside(*words: str) -> list[str]:
    """Do what this module does as a program, and return the names that it printed.

    Only root can have made any, so for others there is nothing to do; nor where there are no such groups at all.
    """
    if os.geteuid():
        return []
    argv = [sys.executable, "-P", "-m", __name__, *words]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        argv, env=environment, stdout=subprocess.PIPE, check=False, timeout=REMOVED_WITHIN_S, text=True
    )
    return done.stdout.split()


def main(what: str, *names: str) -> None:
    """Entry of the program."""
    try:
        unshare(CLONE_NEWNS)
        see_all()
    except OSError:  # a kernel, or rights, without such groups
        return
    for group in [ROOT / name for name in names] if what == "remove" else [*stale()]:
        with contextlib.suppress(FileNotFoundError):  # it never was, or somebody else removed it
            remove(group)
        sys.stdout.write(f"{group.name}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
