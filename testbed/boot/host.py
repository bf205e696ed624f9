"""Run a job on the host's own kernel, in namespaces that are gone when it ends: network, mounts and processes.

As root, or in a user namespace where the kernel allows one. Nothing outside changes: /run is a private tmpfs,
interfaces live in private network namespaces, and all that was started dies with the first process of the process
namespace.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from testbed.boot import private
from testbed.boot.guest import GuestRun, die_with_parent, end_session, listen, signals_raise
from testbed.boot.init import RECORD, run_and_tell, tell
from testbed.job import Job
from testbed.net.namespace import CLONE_NEWNET, CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWUSER, mount, unshare

RUN = "testbed.boot.host"
"""The module that plays a job's scenario, here."""
SIGNALLED = 128
"""Added to a signal's number, it is the status of a process that was killed by it, as shells have it."""
MS_BIND, MS_REC, MS_PRIVATE = 0x1000, 0x4000, 1 << 18


def run(
    job: Job, wall_limit_s: float, on_message: Callable[[dict[str, Any]], None], module: str = RUN,
    line: int | None = None,
) -> GuestRun:  # fmt: skip
    """Run a job and return how it ended."""
    ended = GuestRun()
    begun = ended.begun
    with signals_raise(), started(job, line, module=module) as process:
        for message in listen(process, ended, begun + wall_limit_s):
            on_message(message)
    ended.wall_s = time.monotonic() - begun
    return ended


@contextlib.contextmanager
def started(job: Job, line: int | None = None, *, module: str = RUN) -> Iterator[subprocess.Popen[bytes]]:
    """A job that starts; it is gone when the block ends.

    Args:
        job: what it does.
        line: a socket that a lab's commands come in by.
        module: run in it, with the words ``host``, the line where there is one, and the job's file.
    """
    words = [module, "host", *([] if line is None else [str(line)])]
    with private.folder() as folder:
        job_file = folder / "job.json"
        job.write(job_file)
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", *words, str(job_file)], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
            pass_fds=() if line is None else (line,),
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent.parent)},
        )  # fmt: skip
        try:
            yield process
        finally:
            end_session(process)


def enter(record: str) -> None:
    """Move this process into namespaces of its own; returns in the first process of the new process namespace."""
    uid, gid = os.getuid(), os.getgid()
    user = 0 if uid == 0 else CLONE_NEWUSER
    unshare(user | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWPID)
    if user:
        Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
        Path("/proc/self/uid_map").write_text(f"0 {uid} 1", encoding="ascii")
        Path("/proc/self/gid_map").write_text(f"0 {gid} 1", encoding="ascii")
    die_with_parent()  # again: the kernel forgets it where rights were gained
    child = os.fork()
    if child:
        signal.signal(signal.SIGTERM, lambda *_: os.kill(child, signal.SIGKILL))
        _, status = os.waitpid(child, 0)
        code = os.waitstatus_to_exitcode(status)
        os._exit(code if code >= 0 else SIGNALLED - code)
    die_with_parent()
    mount("none", "/", "none", MS_REC | MS_PRIVATE)
    mount("proc", "/proc", "proc")
    # The record may lie below /run, as a lab's does. It is always found at the same place, as in the guest.
    held = os.open(record, os.O_PATH | os.O_DIRECTORY)
    mount("tmpfs", "/run", "tmpfs")
    RECORD.mkdir()
    mount(f"/proc/self/fd/{held}", str(RECORD), "none", MS_BIND)
    os.close(held)


def main(job_file: str, around: Callable[..., None] | None = None) -> None:
    """Entry of the process that :func:`started` starts. ``around``: see :func:`testbed.boot.init.run_and_tell`."""
    die_with_parent()
    job = Job.parse(Path(job_file).read_text(encoding="utf-8"))
    try:
        enter(job.record)
    except OSError as error:
        tell("crash", text=f"no namespaces of our own can be had here: {error}; try --kernel guest")
    else:
        run_and_tell(replace(job, record=str(RECORD)), around)


if __name__ == "__main__":
    main(sys.argv[-1])
