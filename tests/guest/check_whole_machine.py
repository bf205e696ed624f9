"""Run in the guest as root: what clusters on a host's kernel change that belongs to no namespace, and that it goes."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

from testbed.boot import tunables
from testbed.kubernetes import cgroups, cgroups_v1
from testbed.kubernetes.cgroups_v2 import CONTROLLERS, NEEDED, PROCESSES, ROOT
from testbed.net.namespace import CLONE_NEWNS, mount, read_sysctl, unshare, write_sysctl

PANIC, NOTED = "kernel/panic", Path("/tmp/noted.json")
BEFORE, KUBELETS = "7", "10"
NAME = "testbed-one"


@contextlib.contextmanager
def child(*, change: bool) -> Iterator[int]:
    """A process that has a cluster, until it is killed."""
    heard, told = os.pipe()
    pid = os.fork()
    if not pid:
        with tunables.kept(NOTED):
            if change:
                write_sysctl(PANIC, KUBELETS)
            os.write(told, b"x")
            signal.pause()
    os.read(heard, 1)
    yield pid
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def settings() -> None:
    """The last one puts back what was before the first; clean, or who is next, does it for one that was killed."""
    write_sysctl(PANIC, BEFORE)
    with tunables.kept(NOTED), tunables.kept(NOTED):
        write_sysctl(PANIC, KUBELETS)
    assert (read_sysctl(PANIC), NOTED.exists()) == (BEFORE, False)
    with child(change=True):
        with tunables.kept(NOTED):
            pass
        assert read_sysctl(PANIC) == KUBELETS, "somebody still needs it"
        assert tunables.clean(NOTED) == []
    assert read_sysctl(PANIC) == KUBELETS
    assert tunables.clean(NOTED) == [PANIC]
    assert (read_sysctl(PANIC), NOTED.exists()) == (BEFORE, False)
    with child(change=True):
        pass
    with tunables.kept(NOTED):
        assert read_sysctl(PANIC) == BEFORE, "as before the one that was killed"
    assert tunables.clean(NOTED) == []


def second() -> None:
    """A process sees its own subtree alone, with controllers to give."""
    groups = cgroups.of_this_machine()
    groups.enter(NAME)
    (ROOT / "docker").mkdir()  # in what is the root to it
    given = (ROOT / "docker" / CONTROLLERS).read_text().split()
    seen = Path("/proc/self/cgroup").read_text().splitlines()[-1]
    assert (seen, {*NEEDED} - {*given}) == ("0::/lab", set()), (seen, given)


def first() -> None:
    """The same where a controller is of version 1."""
    groups = cgroups_v1.Version1()
    groups.enter(NAME)
    (ROOT / "freezer" / "docker").mkdir()
    lines = Path("/proc/self/cgroup").read_text().splitlines()
    assert [line.split(":", 1)[1] for line in lines] == ["freezer:/", ":/"], lines


def goes(groups: cgroups.Groups, tree: Path, enter: Callable[[], None]) -> None:
    """What is in no other's subtree is seen by who entered it, and what is empty and old is removed."""
    (tree / "somebody-elses").mkdir()
    pid = os.fork()
    if not pid:
        unshare(CLONE_NEWNS)
        try:
            enter()
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
    one = tree / NAME
    assert (one / "docker").is_dir()
    assert [*groups.stale()] == [], "too young"
    for group in ROOT.rglob(NAME):
        os.utime(group, (1, 1))
    assert [*groups.stale()] == [NAME]
    sleeper = os.spawnlp(os.P_NOWAIT, "sleep", "sleep", "infinity")
    (one / "docker" / PROCESSES).write_text(str(sleeper))
    assert [*groups.stale()] == [], "somebody is in it"
    groups.remove(NAME)
    assert os.waitpid(sleeper, 0)[1] == signal.SIGKILL
    assert [*ROOT.rglob(NAME)] == []
    assert (tree / "somebody-elses").is_dir()


def version2() -> None:
    """As a program, too, which looks for itself."""
    unshare(CLONE_NEWNS)
    groups = cgroups.of_this_machine()
    groups.see()
    goes(groups, ROOT, second)
    (ROOT / NAME).mkdir()
    assert cgroups.remove_from_outside("remove", NAME) == [NAME]
    assert not (ROOT / NAME).exists()


def version1() -> None:
    """With a controller that version 2 has not."""
    unshare(CLONE_NEWNS)
    place = Path("/tmp/freezer")
    place.mkdir()
    mount("cgroup", str(place), "cgroup", 0, "freezer")  # from now on the kernel tells of it
    groups = cgroups_v1.Version1()
    assert groups.lacking() == [*NEEDED]
    groups.see()
    goes(groups, ROOT / "freezer", first)


settings()
version1()
version2()
sys.stdout.write("all is as it was\n")
