"""What is done on a worker, and what it answers: called there by name, see :mod:`.dask`.

A worker needs the package and an ordinary user's rights. The kernel, where it has none, and the files of the sweep come
by their content's hash; runs are done in the worker's own folder and travel back as bytes; nothing of them stays.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from distributed import Status, get_worker

from testbed.boot import cpu, pool
from testbed.boot.child import CPU
from testbed.boot.means import OTHER_KERNEL, memory_for
from testbed.boot.pool import Task
from testbed.errors import Exit, MachineError, TestbedError
from testbed.kernel import build, cache, detect
from testbed.kernel.recipe import BINARY
from testbed.kernel.source import sha256
from testbed.load import load
from testbed.remote import parcel
from testbed.remote.orders import Order, placed
from testbed.remote.wanted import Edition
from testbed.report.rundir import ENVIRONMENT
from testbed.run.needs import check

KERNEL, FILES = "kernel", "files"
"""The two things that are sent."""
RUN = "run"
LOOK_S = 0.2
"""How often to look whether a run is still wanted; arbitrary, as is how long one waits for a CPU of its own."""
CPU_WAIT_S = 60.0


class NotWantedError(Exception):
    """The one who asked for a run has gone, or wants it no more."""


def look(wanted: Edition, first: Order) -> dict[str, Any]:
    """What this worker lacks that can be sent, and what is wrong with it; nothing: it can work."""
    kernel = _kernel(wanted.kernel)
    problems = wanted.differs(Edition.here(sha256(kernel) if kernel else ""))
    lacks = [KERNEL] if kernel is None else []
    lacks += [] if _files(first.files).is_dir() else [FILES]
    if kernel is not None and not problems and not lacks:
        problems = _trial(kernel, first)
    return {"lacks": lacks, "problems": problems}


def _trial(kernel: Path, first: Order) -> list[str]:
    """What keeps the first of all runs from being done here."""
    try:
        task = placed(first, _files(first.files), Path())
        loaded = load(task.file, task.settings)
        check(loaded, task.kernel)
        memory_for(loaded.plan)
    except TestbedError as error:
        return [f"{problem.where}: {problem.what}" for problem in error.problems]
    booted = detect.boots(kernel)
    return [] if booted.available else [f"the guest kernel {booted.why}"]


def keep(kind: str, sha: str, sent: bytes) -> None:
    """Keep what is in a parcel, under its hash. Raises :class:`.parcel.DamagedError` where it is something else."""
    target = _files(sha) if kind == FILES else _sent_kernel(sha).parent
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=cache.SCRATCH_PREFIX, dir=target.parent) as scratch:
        made = Path(scratch, kind)
        parcel.unpack(sent, made)
        if sha != (parcel.name(sent) if kind == FILES else sha256(made / BINARY)):
            raise parcel.DamagedError(f"the {kind} that came is not the one that was sent")
        if kind == KERNEL:
            (made / BINARY).chmod(0o755)
        with contextlib.suppress(OSError):  # another worker of this machine was faster
            made.rename(target)


def do(order: Order) -> dict[str, Any]:
    """Do a run. The answer has its folder as a parcel and the code it was done by, or what kept it from being whole."""
    home = Path(get_worker().local_directory)
    with tempfile.TemporaryDirectory(prefix="testbed-run-", dir=home) as scratch:
        task = placed(order, _files(order.files), Path(scratch, RUN))
        with cpu.claimed(_patience()) as number:
            try:
                problem = _run(task, {CPU: str(number), OTHER_KERNEL: str(_kernel(order.kernel))})
            except MachineError as error:
                return {"exit": int(Exit.MACHINE), "problem": "; ".join(each.what for each in error.problems)}
        if problem:
            return {"exit": int(Exit.UNKNOWN), "problem": problem}
        done = Path(task.directory)
        by = json.loads((done / ENVIRONMENT).read_text(encoding="utf-8"))["source"]
        return {"exit": int(Exit.PASS), "problem": "", "source": by, "parcel": parcel.pack(done)}


def _run(task: Task, environment: dict[str, str]) -> str:
    with pool.Running() as running:
        running.start(0, task, environment)
        while not (gone := running.wait(LOOK_S)):
            _wanted()
        return gone[0].result().problem


def _wanted() -> None:
    """Raise where nobody waits for this run any more: it was cancelled, or the scheduler or who asked it has gone."""
    worker = get_worker()
    task = worker.state.tasks.get(worker.get_current_task())
    if task is None or task.state != "executing" or worker.status not in (Status.running, Status.paused):
        raise NotWantedError


def _patience() -> Iterator[None]:
    deadline = time.monotonic() + CPU_WAIT_S
    while time.monotonic() < deadline:
        _wanted()
        time.sleep(LOOK_S)
        yield


def _files(sha: str) -> Path:
    return Path(get_worker().local_directory, "testbed", sha)


def _kernel(sha: str) -> Path | None:
    """This machine's own guest kernel if it has one, else the one of that hash if it was sent."""
    if sent := os.environ.get(OTHER_KERNEL):
        return Path(sent)
    own = build.find()
    return own or (_sent_kernel(sha) if _sent_kernel(sha).is_file() else None)


def _sent_kernel(sha: str) -> Path:
    return cache.place(os.environ, "kernel") / f"sent-{sha}" / BINARY
