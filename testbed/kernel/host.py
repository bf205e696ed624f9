"""Run a job on the host's own kernel, in namespaces that are gone when it ends: network, mounts and processes.

As root, or in a user namespace where the kernel allows one. Nothing outside changes: /run is a private tmpfs,
interfaces live in private network namespaces, and everything started dies with the first process of the process namespace.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from testbed.kernel.guest import GuestRun, end_session, listen, signals_raise
from testbed.run.job import Job

MS_REC, MS_PRIVATE = 0x4000, 1 << 18


def run(job: Job, wall_limit_s: float, on_message: Callable[[dict[str, Any]], None]) -> GuestRun:
    """Run a job and return how it ended."""
    ended = GuestRun()
    begun = ended.begun
    with TemporaryDirectory(prefix="testbed-") as private:
        job_file = Path(private, "job.json")
        job.write(job_file)
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "testbed.kernel.host", str(job_file)], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent.parent)},
        )  # fmt: skip
        try:
            with signals_raise():
                for message in listen(process, ended, begun + wall_limit_s):
                    on_message(message)
        finally:
            end_session(process)
        ended.wall_s = time.monotonic() - begun
    return ended


def enter() -> None:
    """Move this process into namespaces of its own; returns in the first process of the new process namespace."""
    from testbed.net.namespace import CLONE_NEWNET, CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWUSER, mount, unshare

    uid, gid = os.getuid(), os.getgid()
    user = 0 if uid == 0 else CLONE_NEWUSER
    unshare(user | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWPID)
    if user:
        Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
        Path("/proc/self/uid_map").write_text(f"0 {uid} 1", encoding="ascii")
        Path("/proc/self/gid_map").write_text(f"0 {gid} 1", encoding="ascii")
    child = os.fork()
    if child:
        signal.signal(signal.SIGTERM, lambda *_: os.kill(child, signal.SIGKILL))
        _, status = os.waitpid(child, 0)
        os._exit(os.waitstatus_to_exitcode(status) & 0xFF)
    die_with_parent()
    mount("none", "/", "none", MS_REC | MS_PRIVATE)
    mount("proc", "/proc", "proc")
    mount("tmpfs", "/run", "tmpfs")


def die_with_parent() -> None:
    """SIGKILL for this process when its parent ends, however that happens."""
    import ctypes

    from testbed.kernel.guest import PR_SET_PDEATHSIG

    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def main() -> None:
    """Entry of the process that :func:`run` starts."""
    from testbed.kernel.init import run_and_tell

    die_with_parent()
    enter()
    run_and_tell(Job.parse(Path(sys.argv[1]).read_text(encoding="utf-8")))


if __name__ == "__main__":
    main()
