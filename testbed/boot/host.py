"""Run a job on the host's own kernel, in namespaces that are gone when it ends: network, mounts and processes.

As root, or in a user namespace where the kernel allows one. Nothing outside changes: /run is a private tmpfs,
interfaces live in private network namespaces, and all that was started dies with the first process of the process
namespace.

With clusters, which only root can have here: the engine's tree lies over the machine's own in this view alone, as it
does in the guest, and control groups are a subtree of the run's own.
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

from testbed.boot import private, tunables
from testbed.boot.guest import GuestRun, die_with_parent, end_session, listen, signals_raise
from testbed.boot.init import RECORD, no_resolver, run_and_tell, tell
from testbed.cluster.engine_tree import BESIDE
from testbed.job import Job
from testbed.kubernetes import cgroups
from testbed.kubernetes.disk import DISK, MATERIAL
from testbed.net.namespace import (
    CLONE_NEWNET,
    CLONE_NEWNS,
    CLONE_NEWPID,
    CLONE_NEWUSER,
    MS_BIND,
    alone,
    mount,
    unshare,
)

RUN = "testbed.boot.host"
"""The module that plays a job's scenario, here."""
SIGNALLED = 128
"""Added to a signal's number, it is the status of a process that was killed by it, as shells have it."""
LAID_OVER = ("usr", "etc")
"""What of the machine's tree the engine's lies over: all that packages bring is there."""
ENGINE, OVER = Path("/run/programs"), Path("/run/over")
"""Where the engine's tree is, and where what is written over it goes."""


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
    with private.folder() as folder, _whole_machine(folder.name, job):
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


@contextlib.contextmanager
def _whole_machine(name: str, job: Job) -> Iterator[None]:
    """What clusters change that belongs to no namespace is as it was afterwards. ``name``: of their control groups."""
    if not job.engine:
        yield
        return
    with tunables.kept():
        try:
            yield
        finally:
            cgroups.remove_from_outside("remove", name)


def enter(job: Job, name: str) -> None:
    """Move this process into namespaces of its own; returns in the first process of the new process namespace.

    ``name``: of a cluster's control groups.
    """
    uid, gid = os.getuid(), os.getgid()
    user = 0 if uid == 0 else CLONE_NEWUSER
    unshare(user | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWPID)
    if user:
        Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
        Path("/proc/self/uid_map").write_text(f"0 {uid} 1", encoding="ascii")
        Path("/proc/self/gid_map").write_text(f"0 {gid} 1", encoding="ascii")
    if job.engine:
        alone()
        mount("sysfs", "/sys", "sysfs")  # without what security modules of the machine add to theirs
        groups = cgroups.of_this_machine()
        groups.see()
        groups.enter(name)
    die_with_parent()  # again: the kernel forgets it where rights were gained
    child = os.fork()
    if child:
        signal.signal(signal.SIGTERM, lambda *_: os.kill(child, signal.SIGKILL))
        _, status = os.waitpid(child, 0)
        code = os.waitstatus_to_exitcode(status)
        os._exit(code if code >= 0 else SIGNALLED - code)
    die_with_parent()
    alone()
    mount("proc", "/proc", "proc")
    # They may lie below /run, as a lab's record does. They are always found at the same places, as in the guest.
    held = {place: os.open(path, os.O_PATH | os.O_DIRECTORY) for place, path in _brought(job) if path}
    mount("tmpfs", "/run", "tmpfs")
    for place, descriptor in held.items():
        place.mkdir()
        mount(f"/proc/self/fd/{descriptor}", str(place), "none", MS_BIND)
        os.close(descriptor)
    if job.engine:
        _lay_over()


def _brought(job: Job) -> Iterator[tuple[Path, str]]:
    yield RECORD, job.record
    yield DISK, job.disk
    yield ENGINE, job.engine
    yield MATERIAL, job.engine and str(Path(job.engine, BESIDE))


def _lay_over() -> None:
    """Lay the engine's tree over the machine's, for this view alone."""
    for name in LAID_OVER:
        upper, work = OVER / name / "upper", OVER / name / "work"
        for folder in (upper, work):
            folder.mkdir(parents=True)
        layers = f"lowerdir={ENGINE}/{name}:/{name},upperdir={upper},workdir={work}"
        mount("overlay", f"/{name}", "overlay", 0, layers)
    no_resolver(Path("/"))


def main(job_file: str, around: Callable[..., None] | None = None) -> None:
    """Entry of the process that :func:`started` starts. ``around``: see :func:`testbed.boot.init.run_and_tell`."""
    die_with_parent()
    job = Job.parse(Path(job_file).read_text(encoding="utf-8"))
    try:
        enter(job, Path(job_file).parent.name)
    except OSError as error:
        tell("crash", text=f"no namespaces of our own can be had here: {error}; try --kernel guest")
    else:
        run_and_tell(replace(job, record=str(RECORD)), around)


if __name__ == "__main__":
    main(sys.argv[-1])
