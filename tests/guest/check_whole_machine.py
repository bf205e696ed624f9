"""Run in the guest as root: what clusters on a host's kernel change that belongs to no namespace, and that it goes."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

from testbed.boot import tunables
from testbed.kubernetes import cgroups
from testbed.net.namespace import CLONE_NEWNS, read_sysctl, unshare, write_sysctl

PANIC, NOTED = "kernel/panic", Path("/tmp/noted.json")
BEFORE, KUBELETS = "7", "10"


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


def groups() -> None:
    """A process sees its own subtree alone, and what is empty and old is removed."""
    unshare(CLONE_NEWNS)
    cgroups.see_all()
    (cgroups.ROOT / "somebody-elses").mkdir()
    pid = os.fork()
    if not pid:
        unshare(CLONE_NEWNS)
        cgroups.enter("testbed-one")
        (cgroups.ROOT / "docker").mkdir()  # in what is the root to it
        given = (cgroups.ROOT / "docker" / cgroups.CONTROLLERS).read_text().split()
        seen = Path("/proc/self/cgroup").read_text().strip()
        os._exit(0 if seen == "0::/lab" and not {*cgroups.NEEDED} - {*given} else 1)
    assert os.waitpid(pid, 0)[1] == 0
    one = cgroups.ROOT / "testbed-one"
    assert (one / "docker").is_dir()
    assert [*cgroups.stale()] == [], "too young"
    os.utime(one, (1, 1))
    assert [*cgroups.stale()] == [one]
    sleeper = os.spawnlp(os.P_NOWAIT, "sleep", "sleep", "infinity")
    (one / "docker" / "cgroup.procs").write_text(str(sleeper))
    assert [*cgroups.stale()] == [], "somebody is in it"
    assert cgroups.remove_from_outside("remove", one.name) == [one.name]
    assert os.waitpid(sleeper, 0)[1] == signal.SIGKILL
    assert not one.exists()
    assert (cgroups.ROOT / "somebody-elses").is_dir()


settings()
groups()
sys.stdout.write("all is as it was\n")
