"""What a store gives, as fio measures it: its own JSON is kept in the record.

fio's own clock would be the processor's, which knows nothing of virtual time: it is told to ask the kernel.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path

from testbed.daemons import process
from testbed.daemons.process import Program
from testbed.errors import MachineError, Problem, RunError
from testbed.net.namespace import Namespaces
from testbed.units import Duration, Size

FOLDER = "fio"
GRACE_S = 600.0
"""How long it may take beyond its time: to lay out its file, and to get through what is under way; arbitrary."""


@dataclass(frozen=True)
class Profile:
    """What is asked of a store.

    Attributes:
        pattern: fio's ``rw``: ``randread``, ``write``, ``randrw`` and so on.
        depth: requests under way at once.
        read: share of reads of a mixed pattern, in percent.
        flush: fsync(2) after each write, through the page cache; otherwise it is passed by.
    """

    pattern: str
    block: Size
    depth: int = 1
    read: int = 50
    flush: bool = False


@dataclass
class Fio:
    """A running measurement. While ``running`` the caller lets time pass; ``finish`` looks at how it ended."""

    name: str
    output: Path
    deadline_s: float
    program: Program

    @property
    def running(self) -> bool:
        """False when it has ended, or should have long ago."""
        return self.program.running and time.monotonic() < self.deadline_s

    def finish(self) -> None:
        """See that it has ended well.

        Raises:
            RunError: it hangs, failed, or left nothing that can be read.
        """
        if self.program.running:
            self.program.stop()
            raise RunError(self.program.problem(f"hangs: it still ran {GRACE_S:g} s after its time"))
        if self.program.process.returncode:
            raise RunError(self.program.problem(f"ended with status {self.program.process.returncode}"))
        try:
            json.loads(self.output.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise RunError(self.program.problem(f"left no JSON: {error}")) from error


def start(
    namespaces: Namespaces, record: Path, name: str, node: str, target: Path, profile: Profile, duration: Duration,
    size: Size, seed: int, ramp: Duration = Duration(0),
) -> Fio:  # fmt: skip
    """Start fio on a node.

    Args:
        namespaces: of the lab.
        record: folder for ``NAME.json``.
        name: of the measurement.
        node: where it runs.
        target: a file, which is made, or a block device.
        profile: what is asked.
        duration: how long, after the file is laid out.
        size: of the file, or how much of the device is used.
        seed: of the places that are read and written.
        ramp: how long it runs before it counts.

    Raises:
        MachineError: fio is not installed.
    """
    program = process.find("fio")
    if program is None:
        raise MachineError(Problem("fio", "not installed", "install fio; testbed doctor says how"))
    output = record / f"{name}.json"
    argv = [program, *arguments(name, target, profile, duration, size, seed, ramp), f"--output={output}"]
    running = process.start(namespaces, node, name, argv, record / f"{name}.log")
    running.expected_to_end = True
    return Fio(name, output, time.monotonic() + duration.seconds + GRACE_S, running)


def arguments(
    name: str, target: Path, profile: Profile, duration: Duration, size: Size, seed: int, ramp: Duration
) -> list[str]:  # fmt: skip
    """Fio's options. Pure."""
    chosen = [
        f"--name={name}", f"--filename={target}", f"--size={int(size)}", f"--rw={profile.pattern}",
        f"--bs={int(profile.block)}", f"--iodepth={profile.depth}", f"--runtime={duration // 10**6}ms",
        f"--ramp_time={ramp // 10**6}ms", "--time_based",
        "--ioengine=libaio", "--clocksource=clock_gettime", f"--randseed={seed % 2**32}", "--output-format=json",
        "--thread", "--fallocate=none", "--lat_percentiles=1", "--clat_percentiles=0",
    ]  # fmt: skip
    if profile.pattern in ("randrw", "rw"):
        chosen.append(f"--rwmixread={profile.read}")
    return [*chosen, "--fsync=1"] if profile.flush else [*chosen, "--direct=1"]
