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
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from testbed.kubernetes.cgroups_v1 import NAMED, UNIFIED, Version1
from testbed.kubernetes.cgroups_v2 import CONTROLLERS, PROCESSES, ROOT, Version2
from testbed.net.namespace import CLONE_NEWNS, unshare

REMOVED_WITHIN_S = 60.0
"""Arbitrary, well above the time that killed processes are given, and a start of Python."""


class Groups(Protocol):
    """A machine's control groups, of either version."""

    def see(self) -> None:
        """See the machine's groups, in a mount namespace of this process's own. Raises ``OSError``."""

    def lacking(self) -> list[str]:
        """The controllers that are needed, and that are not there."""

    def attempt(self, name: str) -> None:
        """Make a subtree, and remove it. Raises ``OSError``."""

    def enter(self, name: str) -> None:
        """Move this process into a new subtree, which is the root of all groups for it. Raises ``OSError``."""

    def remove(self, name: str) -> None:
        """End what is in a subtree and remove it. Raises ``OSError`` where something does not end."""

    def stale(self) -> Iterator[str]:
        """Names of subtrees in which nobody is any more."""


def of_this_machine() -> Groups:
    """Of the version that has the controllers: version 1 where it has all that are needed."""
    first = Version1()
    return Version2() if first.lacking() else first


def join(pid: int, root: Path = ROOT) -> None:
    """Move this process to where another one is, in the tree of each version that is mounted. Raises ``OSError``."""
    for group in groups_of(Path(f"/proc/{pid}/cgroup").read_text(encoding="utf-8"), root):
        (group / PROCESSES).write_text("0", encoding="ascii")


def groups_of(text: str, root: Path = ROOT) -> Iterator[Path]:
    """The groups of ``/proc/PID/cgroup``, where their trees are mounted below ``root``."""
    for line in text.splitlines():
        _, tree, group = line.split(":", 2)
        second = root if (root / CONTROLLERS).is_file() else root / UNIFIED
        place = root / tree.removeprefix(NAMED) if tree else second
        if place.is_dir():
            yield Path(f"{place}{group}")


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
        groups = of_this_machine()
        unshare(CLONE_NEWNS)
        groups.see()
    except OSError:  # a kernel, or rights, without such groups
        return
    for name in names if what == "remove" else [*groups.stale()]:
        with contextlib.suppress(FileNotFoundError):  # it never was, or somebody else removed it
            groups.remove(name)
        sys.stdout.write(f"{name}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
