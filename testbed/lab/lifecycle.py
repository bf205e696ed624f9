"""A lab that is kept up begins and ends: nothing of one that failed, was interrupted or was taken down is left."""

from __future__ import annotations

import contextlib
import datetime
import fcntl
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from testbed.errors import MachineError, Problem, RunError
from testbed.kernel import build, guest
from testbed.lab.client import Connection, short
from testbed.lab.protocol import Message
from testbed.lab.state import CONSOLE, JOB, OTHER_PLACE, RECORD, SOCKET, LabFolder, LabInfo, claim, make_root
from testbed.load import Loaded
from testbed.run.engine import plan_digest
from testbed.run.job import Job, Kernel
from testbed.run.runner import MEMORY_BASE, MEMORY_PER_NODE
from testbed.units import Size

DOWN_WITHIN_S = 1.5
"""How long a supervisor may take to end a lab before it is killed, which ends the lab as well; arbitrary, and such that
a lab is down within two seconds."""
DISK_NEEDED = Size(16 * 2**20)
"""For the daemons' logs and the record of a lab; arbitrary: they are some kB at first and grow with what happens."""
POLL_S = 0.01
SUPERVISOR = "testbed.lab.supervisor"

Tell = Callable[[Message], None]


@dataclass(frozen=True)
class UpOptions:
    """How a lab is to be brought up."""

    name: str
    kernel: Kernel
    seed: int


def up(loaded: Loaded, settings: dict[str, str], options: UpOptions, tell: Tell) -> LabFolder:
    """Bring a lab up and return when it has converged. When that fails, or is interrupted, nothing is left."""
    memory = Size(MEMORY_BASE + MEMORY_PER_NODE * len(loaded.plan.nodes))
    _check_disk(make_root())
    lab, held = claim(options.name)
    try:
        try:
            kernel = _kernel(memory, tell) if options.kernel == "guest" else Path()
            _write(lab, loaded, settings, options)
            process = _start_supervisor(lab, held, kernel, memory)
        finally:
            os.close(held)
        _attach(lab, process, tell)
    except BaseException as error:
        down(lab)
        if isinstance(error, OSError):
            raise MachineError(Problem(str(lab.path), f"cannot be used: {error.strerror}", OTHER_PLACE)) from None
        raise
    return lab


def _kernel(memory: Size, tell: Tell) -> Path:
    guest.check_memory(memory)
    if "TESTBED_KERNEL" in os.environ:
        return Path(os.environ["TESTBED_KERNEL"])
    return build.find() or build.build(lambda text: tell({"kind": "progress", "text": text}))


def _check_disk(folder: Path) -> None:
    free = Size(shutil.disk_usage(folder).free)
    if free < DISK_NEEDED:
        what = f"{free} free on this disk, and a lab may need {DISK_NEEDED}"
        raise MachineError(Problem(str(folder), what, OTHER_PLACE))


def _write(lab: LabFolder, loaded: Loaded, settings: dict[str, str], options: UpOptions) -> None:
    record = lab.path / RECORD
    record.mkdir()
    Job(
        file=str(loaded.path), settings=settings, lab=loaded.plan.lab, record=str(record), seed=options.seed,
        kernel=options.kernel, clock="real", plan_digest=plan_digest(loaded.plan), keep_up=True,
    ).write(lab.path / JOB)  # fmt: skip
    info = LabInfo(
        name=lab.name, topology=loaded.plan.topology, about=loaded.plan.about, file=str(loaded.path),
        settings=settings, kernel=options.kernel, seed=options.seed,
        since=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        nodes=tuple(node.name for node in loaded.plan.nodes),
    )  # fmt: skip
    lab.write_info(info)


def _start_supervisor(lab: LabFolder, held: int, kernel: Path, memory: Size) -> subprocess.Popen[bytes]:
    """Start it in a session of its own, so that it outlives this shell. It inherits the lock and its socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener, (lab.path / CONSOLE).open("ab") as log:
        with short(lab.path) as folder:
            listener.bind(f"{folder}/{SOCKET}")
        listener.listen()
        return subprocess.Popen(
            [
                sys.executable, "-P", "-m", SUPERVISOR, str(lab.path), str(kernel), str(int(memory)),
                str(listener.fileno()), str(held),
            ],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", start_new_session=True,
            pass_fds=(listener.fileno(), held),
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


def down(lab: LabFolder) -> None:
    """Take a lab down, and return when nothing of it is left. One that is gone already is removed."""
    with contextlib.suppress(OSError):
        held = os.open(lab.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            deadline = time.monotonic() + DOWN_WITHIN_S
            with contextlib.suppress(RunError), Connection(lab) as connection:
                connection.send({"op": "down"})
                _wait_free(held, deadline)
            if not _wait_free(held, deadline):
                for pid in supervisors(lab.path):
                    os.kill(pid, signal.SIGKILL)
                _wait_free(held, time.monotonic() + DOWN_WITHIN_S)
        finally:
            os.close(held)
    lab.remove()


def _wait_free(held: int, deadline: float) -> bool:
    """Wait until nobody has the folder locked: then its supervisor has ended, and with it all that it started."""
    while True:
        try:
            fcntl.flock(held, fcntl.LOCK_SH | fcntl.LOCK_NB)
            fcntl.flock(held, fcntl.LOCK_UN)
        except BlockingIOError:
            if time.monotonic() > deadline:
                return False
            time.sleep(POLL_S)
        else:
            return True


def supervisors(folder: Path) -> list[int]:
    """The processes of this user that supervise the lab of a folder: they say so in their command line."""
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdecimal():
            with contextlib.suppress(OSError):
                words = (process / "cmdline").read_bytes().split(b"\0")
                ours = process.stat().st_uid == os.getuid()
                if ours and SUPERVISOR.encode() in words and os.fsencode(folder) in words:
                    found.append(int(process.name))
    return found
