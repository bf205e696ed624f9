"""First process of the guest: make a file tree where writes are private, then run the job.

The root is the host's own file tree, mounted read-only. Over it lies an overlay whose writable layer is in memory, so
programs find what they expect and nothing of the host can change. The run's record folder alone is writable.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
import time
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path

from testbed.boot.start import HERE
from testbed.cluster.engine_tree import BESIDE
from testbed.job import Job, wait_for_even_time
from testbed.kubernetes import cgroups_v2
from testbed.kubernetes.disk import DISK, MATERIAL
from testbed.net import sysctls
from testbed.net.namespace import mount, pivot_into

MS_NOSUID, MS_NODEV = 2, 4
LINUX_REBOOT_CMD_POWER_OFF = 0x4321FEDC
PR_SET_TIMERSLACK = 29
_MANY = str(1 << 20)
"""More than any topology has; arbitrary. It costs nothing until it is used."""
SYSCTLS = {
    # No tunl0, gre0, sit0 and so on in every namespace: that is most of what a namespace costs.
    "net/core/fb_tunnels_only_for_init_net": "1",
    # One neighbour table for all namespaces: thousands of hosts know more than the default 1,024.
    **{f"net/{family}/neigh/default/gc_thresh{level}": _MANY for family in ("ipv4", "ipv6") for level in (1, 2, 3)},
    # Every packet between namespaces passes one queue, which stands for no queue of the network: a burst to a thousand
    # hosts would lose some there.
    "net/core/netdev_max_backlog": _MANY,
    # A NAT gateway holds more connections than a small machine's kernel would. It can only be set here, for all.
    sysctls.TRACKED_MAX: _MANY,
    sysctls.INHERIT: "1",
    **sysctls.HOST,
    # Memory that runs out ends the run at once, with words; otherwise daemons would be killed one after the other.
    "vm/panic_on_oom": "2",
}
WITH_CLUSTERS = {"vm/panic_on_oom": "1"}
"""A pod that takes more than its limit is Kubernetes' to end; only memory of the whole guest is ours."""
BASE = "/tmp"
"""A mount point that every Linux has; what is on it stays hidden below a tmpfs."""
JOB = Path(HERE, "job.json")
RECORD = Path("/run/record")
"""Where the run's record folder is mounted in the guest."""
CHANNEL_PREFIX = "@testbed "
"""Marks lines on the console that are for the host's side; all others are the kernel's."""


class Channel:
    """Where messages to the host's side go: the console, for as long as descriptor 1 is that."""

    fileno = 1

    @classmethod
    def keep(cls) -> None:
        """Hold on to it: what comes next takes descriptor 1 for itself, as a capture of output does."""
        cls.fileno = os.dup(cls.fileno)


def tell(kind: str, **fields: object) -> None:
    """One message to the host's side."""
    line = json.dumps({"kind": kind, **fields})
    os.write(Channel.fileno, f"{CHANNEL_PREFIX}{line}\n".encode())


def private_tree(job: Job) -> None:
    """Put the overlay in place and move into it."""
    mount("tmpfs", BASE, "tmpfs", MS_NOSUID | MS_NODEV)
    upper, work, root = (f"{BASE}/{name}" for name in ("upper", "work", "root"))
    for folder in (upper, work, root):
        Path(folder).mkdir()
    below = "/"
    if job.engine:  # mounted by itself: a layer may not be a folder of the one below it
        Path(f"{BASE}/engine").mkdir()
        mount("none", f"{BASE}/engine", "hostfs", MS_NOSUID, job.engine)
        below = f"{BASE}/engine:/"
    mount("overlay", root, "overlay", 0, f"lowerdir={below},upperdir={upper},workdir={work}")
    for source, kind, target in (
        ("proc", "proc", "proc"), ("sysfs", "sysfs", "sys"), ("devtmpfs", "devtmpfs", "dev"), ("tmpfs", "tmpfs", "run"),
    ):  # fmt: skip
        mount(source, f"{root}/{target}", kind, MS_NOSUID)
    for folder, kind in (("dev/pts", "devpts"), ("dev/shm", "tmpfs")):
        Path(root, folder).mkdir(exist_ok=True)
        mount(kind, f"{root}/{folder}", kind, MS_NOSUID)
    if job.engine:
        mount("cgroup2", f"{root}{cgroups_v2.ROOT}", "cgroup2")
    Path(f"{root}{RECORD}").mkdir()
    no_resolver(Path(root))
    mount("none", f"{root}{RECORD}", "hostfs", MS_NOSUID, job.record_source)
    for place, source in ((DISK, job.disk), (MATERIAL, job.engine and f"{job.engine}/{BESIDE}")):
        if source:
            Path(f"{root}{place}").mkdir()
            mount("none", f"{root}{place}", "hostfs", MS_NOSUID, source)
    pivot_into(root)


def no_resolver(root: Path) -> None:
    """A resolv.conf of its own, whatever the machine has: most often a link into its /run, which is not there here."""
    resolv = root / "etc/resolv.conf"
    resolv.unlink(missing_ok=True)
    resolv.write_text("", encoding="ascii")


def main(around: Callable[..., None] | None = None) -> None:
    """Run the job in the kernel's working directory, then switch off. ``around``: see :func:`run_and_tell`."""
    try:
        job = Job.parse(JOB.read_text(encoding="utf-8"))
        wait_for_even_time(job.clock)
        private_tree(job)
        sysctls.write(SYSCTLS | (WITH_CLUSTERS if job.engine else {}))
    except BaseException:  # whatever it is, the guest must switch itself off
        tell("crash", text=traceback.format_exc())
    else:
        run_and_tell(job, around)
    sys.stdout.flush()
    os.sync()
    ctypes.CDLL(None).reboot(LINUX_REBOOT_CMD_POWER_OFF)


def enter(around: Callable[..., None]) -> None:
    """Entry of a module that does something else around a lab: as the guest's init, or as ``host [LINE] JOB``.

    The kernel gives its init words of its own.
    """
    if sys.argv[1:2] != ["host"]:
        main(around)
    else:
        from testbed.boot import host

        host.main(sys.argv[-1], around)


def run_and_tell(job: Job, around: Callable[..., None] | None = None) -> None:
    """Run a job where we are, and tell how it goes. ``around``: see :data:`testbed.run.engine.Around`."""
    try:
        # Without this each sleep ends 50 us late, the default slack of timers.
        ctypes.CDLL(None).prctl(PR_SET_TIMERSLACK, 1)
        from testbed.run.engine import run_job

        tell("booted")
        run = partial(run_job, job, lambda text, kind="progress": tell(kind, text=text, t_ns=time.time_ns()))
        if around is None:
            run()
        else:
            around(job, run)
        tell("done")
    except BaseException:  # whatever it is, the other side must hear of it
        tell("crash", text=traceback.format_exc())


if __name__ == "__main__":
    main()
