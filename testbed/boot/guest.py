"""Boot the guest kernel for one job, listen to it, and say how it ended."""

from __future__ import annotations

import compileall
import contextlib
import ctypes
import json
import os
import resource
import selectors
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from testbed.boot import private, start
from testbed.boot.init import CHANNEL_PREFIX, JOB, RECORD
from testbed.job import Job
from testbed.units import Size

START_S = 1_767_225_600
"""Every virtual run begins on 2026-01-01T00:00:00Z, so that daemons' logs are alike; arbitrary."""
MADE_BEFORE_S = 3600
"""How long before every run clusters are made that are kept; arbitrary, longer than making takes."""
PACKAGE = Path(__file__).parent.parent
PYTHON, STARTER = "python", "start.py"
"""Names in the guest's working directory."""
MEMORY_WORDS = ("PYTHONMALLOC=malloc", "MALLOC_TOP_PAD_=268435456", "MALLOC_TRIM_THRESHOLD_=1073741824")
"""The C library takes Python's memory from the kernel all at once and keeps it: 256 MiB and 1 GiB, arbitrary, more than
it needs. Asking for more is a system call, which takes time, and when it comes depends on how long the paths are that
Python keeps in memory: those of the user's checkout."""
SYSCALL_COST_NS = 512
"""Virtual time each system call takes: about what one costs on a server; arbitrary, but for being twice the grain of
the guest's clock (TIMER_MULTIPLIER in arch/um/kernel/time.c): so no call changes where in a grain a timer ends."""
SPIN_BOUND_S, CLUSTER_SPIN_BOUND_S = 2.0, 0.05
"""CPU seconds of user code without a system call before the kernel interrupts it: the patch's own default; and where
there are clusters, arbitrary: some of their programs spin at every start, and such a run is not repeatable anyway."""
PANIC = "Kernel panic - not syncing"
TAIL_LINES, CONSOLE_LINES = 60, 15
"""How many of a console's last lines are kept, and told with an end that nothing else explains."""
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "HOME": "/", "PAD": "x" * (1 << 16)}
"""Always the same, and with a long last string: the kernel places its user processes' stub just below the highest
string of its environment. The stub's own first stack is up there too, and where both meet it dies (seen)."""
ADDR_NO_RANDOMIZE = 0x0040000
PR_SET_PDEATHSIG = 1
KILL_WAIT_S = 60.0
"""How long a process that was killed may take to end; arbitrary: milliseconds, but more where gigabytes are freed."""
RUN = "testbed.boot.init"
"""The module that plays a job's scenario, in the guest."""
LINE = 1
"""Number of the console that a lab's commands come in by; 0 is the kernel's own."""


@dataclass
class GuestRun:
    """How a guest ended.

    Attributes:
        finished: the job ran to its end.
        spins: how often the spin breaker fired: such a run may not be repeatable.
        wall_s: from exec to exit; ``up_s`` until the lab was up, 0 if it never was.
        panic: what the kernel said when it panicked.
        console: the last lines of the kernel's console.
    """

    finished: bool = False
    spins: int = 0
    wall_s: float = 0.0
    up_s: float = 0.0
    crash: str = ""
    panic: str = ""
    begun: float = field(default_factory=time.monotonic)
    console: deque[str] = field(default_factory=lambda: deque(maxlen=TAIL_LINES))

    def problem(self) -> str:
        """Why it did not reach its end; empty when it did."""
        if self.finished:
            return ""
        if self.crash:
            return f"the run crashed: {self.crash.strip().splitlines()[-1]}"
        if self.panic:
            words = "ran out of memory" if "ut of memory" in self.panic else "panicked"
            return f"the guest kernel {words}: {self.panic}"
        tail = "\n".join([*self.console][-CONSOLE_LINES:])
        return f"the guest ended before the run did\n{tail}"


def command(kernel: Path, job: Job, memory: Size, line: int | None = None) -> list[str]:
    """The guest's command line. Pure.

    The kernel mixes it into its random numbers, so nothing on it may differ between two runs of one seed: no path of
    the run, the user or the checkout is there. Instead its working directory is the run's, see :func:`_lay_out`.
    """
    time_words = []
    if job.clock == "virtual":
        # The phase of wall time is drawn from the seed: daemons seed their own timers' jitter with it.
        start_ns = START_S * 10**9 + (job.seed * 7919 % 1000) * 10**6
        if job.state == "made":  # what is kept must not be from later than the runs that start from it
            start_ns -= MADE_BEFORE_S * 10**9
        time_words = ["time-travel=inf-cpu", f"time-travel-start={start_ns}", f"syscall-cost={SYSCALL_COST_NS}"]
    spin_bound_s = CLUSTER_SPIN_BOUND_S if job.engine else SPIN_BOUND_S
    return [
        str(kernel), f"mem={memory // 2**20}M", "root=/dev/root", "rootfstype=hostfs", "rootflags=/", "ro",
        f"init={start.HERE}/{PYTHON}", "con=null", "con0=null,fd:1", "seccomp=on", *time_words,
        f"random-seed={job.seed}", "norandmaps", "quiet", "panic=-1", "uml_dir=./uml/", "umid=guest",
        "bonding.max_bonds=0", "dummy.numdummies=0", "ifb.numifbs=0", f"spin-bound={spin_bound_s:g}",
        "PYTHONDONTWRITEBYTECODE=1", "PYTHONHASHSEED=0", "LANG=C.UTF-8", "TZ=UTC", *MEMORY_WORDS,
        *([] if line is None else [f"con{LINE}=fd:{line}"]), "--", "-S", "-P", f"{start.HERE}/{STARTER}",
    ]  # fmt: skip


def _lay_out(folder: Path, job: Job, module: str) -> None:
    """What the guest finds in its working directory: the job, and under fixed names the interpreter and its start."""
    # The record's place in the guest is always the same, however deep it lies here.
    replace(job, record=str(RECORD), record_source=job.record).write(folder / JOB.name)
    # A virtual environment's is a link to this one; which environment it was comes with start.json.
    base = getattr(sys, "_base_executable", None) or sys.executable
    (folder / PYTHON).symlink_to(Path(base).resolve())
    (folder / STARTER).symlink_to(PACKAGE / "boot" / "start.py")
    told = {"executable": sys.executable, "prefix": sys.prefix, "package": str(PACKAGE.parent), "module": module}
    (folder / start.TOLD).write_text(json.dumps(told), encoding="utf-8")


def run(
    kernel: Path,
    job: Job,
    memory: Size,
    cpu: int | None,
    wall_limit_s: float,
    on_message: Callable[[dict[str, Any]], None],
    module: str = RUN,
    line: int | None = None,
) -> GuestRun:
    """Boot, wait for the end, and return how it was. The guest dies with this process, whatever happens to it."""
    ended = GuestRun()
    begun = ended.begun
    with signals_raise(), started(kernel, job, memory, cpu, line, module=module) as process:
        for message in listen(process, ended, begun + wall_limit_s):
            on_message(message)
    ended.wall_s = time.monotonic() - begun
    return ended


@contextlib.contextmanager
def started(
    kernel: Path, job: Job, memory: Size, cpu: int | None, line: int | None = None, *, module: str = RUN
) -> Iterator[subprocess.Popen[bytes]]:
    """A guest that boots; it is gone when the block ends.

    Args:
        kernel: the program that it is.
        job: what it does.
        memory: what it is given.
        cpu: the one that it runs on.
        line: a socket to be its second console.
        module: run in it, as its first process.
    """
    # The guest cannot write bytecode, and whether it finds some must not depend on what ran here before.
    compileall.compile_dir(PACKAGE, quiet=2)
    with private.folder() as folder:
        _lay_out(folder, job, module)
        process = subprocess.Popen(
            command(kernel, job, memory, line), cwd=folder, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
            pass_fds=() if line is None else (line,), preexec_fn=lambda: _before_exec(cpu),
            env=ENVIRONMENT,
        )  # fmt: skip
        try:
            yield process
        finally:
            end_session(process)


def _before_exec(cpu: int | None) -> None:
    """In the child: no address randomisation, one CPU, all files that it may open, and death with the parent.

    A shell's soft limit, most often 1,024, is for programs that cannot do with more.
    """
    libc = ctypes.CDLL(None)
    libc.personality(ADDR_NO_RANDOMIZE)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    if cpu is not None:
        os.sched_setaffinity(0, {cpu})


def die_with_parent() -> None:
    """SIGKILL for this process when its parent ends, however that happens."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL))


@contextlib.contextmanager
def signals_raise() -> Iterator[None]:
    """SIGTERM ends a run as Ctrl-C does."""

    def interrupt(signum: int, frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def listen(process: subprocess.Popen[bytes], ended: GuestRun, deadline: float) -> Iterator[dict[str, Any]]:
    """The guest's messages until it ends."""
    assert process.stdout is not None
    console = Console(ended)
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                ended.crash = "it took longer than its limit of wall time (--wall-limit)"
                return
            if not selector.select(min(left, 1.0)):
                continue
            data = os.read(process.stdout.fileno(), 1 << 16)
            if not data:
                process.wait()
                return
            yield from console.feed(data)


class Console:
    """What a guest prints: messages, and lines of which the last are kept."""

    def __init__(self, ended: GuestRun) -> None:
        self._ended = ended
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[dict[str, Any]]:
        """Take in what was read, and give the messages in it."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for raw in lines:
            line = raw.decode("utf-8", "replace").rstrip("\r")
            if line.startswith(CHANNEL_PREFIX):
                yield self._message(json.loads(line.removeprefix(CHANNEL_PREFIX)))
            elif line.strip():
                self._ended.console.append(line)
                if PANIC in line and not self._ended.panic:
                    self._ended.panic = line.partition(PANIC)[2].strip(" -:")
                self._ended.spins += " broken in " in line and "spin " in line

    def _message(self, message: dict[str, Any]) -> dict[str, Any]:
        self._ended.finished |= message["kind"] == "done"
        if message["kind"] == "up":
            self._ended.up_s = time.monotonic() - self._ended.begun
        if message["kind"] == "crash":
            self._ended.crash = message["text"]
        return message


def end_session(process: subprocess.Popen[bytes]) -> None:
    """End the whole session: the kernel's process and those of its user programs."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(KILL_WAIT_S)
    if process.stdout is not None:
        process.stdout.close()
