"""A lab that is kept up begins: nothing of one that failed or was interrupted is left."""

from __future__ import annotations

import contextlib
import datetime
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from testbed.boot import cpu
from testbed.boot.making import in_guests, on_the_host
from testbed.boot.means import Means, means_for
from testbed.boot.states import with_own_disk
from testbed.errors import MachineError, Problem, RunError
from testbed.job import Job, Kernel
from testbed.lab.client import Connection, short
from testbed.lab.down import SUPERVISOR, down
from testbed.lab.protocol import Message
from testbed.lab.state import CONSOLE, JOB, OTHER_PLACE, RECORD, SOCKET, LabFolder, LabInfo, claim, make_root
from testbed.load import Loaded
from testbed.run.engine import plan_digest
from testbed.run.needs import check
from testbed.units import Size

DISK_NEEDED = Size(16 * 2**20)
"""For the daemons' logs and the record of a lab; arbitrary: they are some kB at first and grow with what happens."""

MAKING_LIMIT_S = 900.0
"""Wall time in which a cluster that was never kept has to be made; arbitrary, several times what it takes."""

Tell = Callable[[Message], None]


@dataclass(frozen=True)
class UpOptions:
    """How a lab is to be brought up."""

    name: str
    kernel: Kernel
    seed: int
    impaired: bool = True


def up(loaded: Loaded, settings: dict[str, str], options: UpOptions, tell: Tell) -> LabFolder:
    """Bring a lab up and return when it has converged. When that fails, or is interrupted, nothing is left."""
    check(loaded, options.kernel)
    _check_disk(make_root())
    lab, held = claim(options.name)
    try:
        try:
            means = Means(Path(), Size(0))
            if options.kernel == "guest":
                means = means_for(loaded.plan, lambda text: tell({"kind": "progress", "text": text}))
            with _job(lab, loaded, settings, options, means, tell) as disk:
                process = _start_supervisor(lab, [held, *disk], means)
        finally:
            os.close(held)
        _attach(lab, process, tell)
    except BaseException as error:
        down(lab)
        if isinstance(error, OSError):
            raise MachineError(Problem(str(lab.path), f"cannot be used: {error.strerror}", OTHER_PLACE)) from None
        raise
    return lab


def _check_disk(folder: Path) -> None:
    free = Size(shutil.disk_usage(folder).free)
    if free < DISK_NEEDED:
        what = f"{free} free on this disk, and a lab may need {DISK_NEEDED}"
        raise MachineError(Problem(str(folder), what, OTHER_PLACE))


@contextlib.contextmanager
def _job(
    lab: LabFolder, loaded: Loaded, settings: dict[str, str], options: UpOptions, means: Means, tell: Tell
) -> Iterator[list[int]]:
    """The lab's job and what is known of it, written, and the locks of its disk: who inherits them has the disk."""
    record = lab.path / RECORD
    record.mkdir()
    job = Job(
        file=str(loaded.path), settings=settings, lab=loaded.plan.lab, record=str(record), seed=options.seed,
        kernel=options.kernel, clock="real", plan_digest=plan_digest(loaded.plan), keep_up=True,
        impaired=options.impaired,
    )  # fmt: skip
    with cpu.claimed() as number:
        limit_s = MAKING_LIMIT_S * max(1, len(loaded.plan.clusters))
        host = job.kernel == "host"
        maker = on_the_host(limit_s, tell) if host else in_guests(means, number, limit_s, tell)
        job, disk = with_own_disk(job, loaded.plan, maker, lambda text: tell({"kind": "progress", "text": text}))
    try:
        job.write(lab.path / JOB)  # from here on the lab's folder knows its disk, and both go together
        lab.write_info(_info(lab, loaded, settings, options))
        yield [] if disk is None else [disk.held]
    except BaseException:
        if disk is not None:
            disk.remove()
        raise
    if disk is not None:
        disk.let_go()


def _info(lab: LabFolder, loaded: Loaded, settings: dict[str, str], options: UpOptions) -> LabInfo:
    return LabInfo(
        name=lab.name, topology=loaded.plan.topology, about=loaded.plan.about, file=str(loaded.path),
        settings=settings, kernel=options.kernel, seed=options.seed,
        since=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        nodes=tuple(node.name for node in loaded.plan.nodes),
        clusters=tuple(cluster.name for cluster in loaded.plan.clusters),
    )  # fmt: skip


def _start_supervisor(lab: LabFolder, held: Sequence[int], means: Means) -> subprocess.Popen[bytes]:
    """Start it in a session of its own, so that it outlives this shell. It inherits the locks and its socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener, (lab.path / CONSOLE).open("ab") as log:
        with short(lab.path) as folder:
            listener.bind(f"{folder}/{SOCKET}")
        listener.listen()
        return subprocess.Popen(
            [
                sys.executable, "-P", "-m", SUPERVISOR, str(lab.path), str(means.kernel), str(int(means.memory)),
                str(listener.fileno()),
            ],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", start_new_session=True,
            pass_fds=(listener.fileno(), *held),
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent.parent)},
        )  # fmt: skip


def _attach(lab: LabFolder, process: subprocess.Popen[bytes], tell: Tell) -> None:
    """Wait until the lab is up. The supervisor takes it down when we, its first client, go before."""
    with Connection(lab) as connection:
        connection.send({"op": "attach"})
        while True:
            try:
                messages = connection.read()
            except RunError:
                if process.poll() is None or not (lab.path / CONSOLE).exists():
                    raise
                said = (lab.path / CONSOLE).read_text(encoding="utf-8", errors="replace").strip().splitlines()
                what = f"its supervisor ended with status {process.returncode}"
                raise RunError(Problem(f"lab {lab.name}", what, "\n".join(said[-15:]))) from None
            for message in messages:
                tell(message)
                if message["kind"] == "up":
                    process.returncode = 0  # it goes on without us: nobody is to wait for it, or to warn of that
                    return
