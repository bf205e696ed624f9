"""What a guest needs before it starts: the kernel as a program, and memory enough for the plan."""

from __future__ import annotations

import hashlib
import os
import resource
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from testbed.boot.promised import promised
from testbed.errors import MachineError, Problem
from testbed.kernel import build
from testbed.kernel.recipe import MANIFEST, Manifest
from testbed.kubernetes.memory import memory_of
from testbed.plan.plan import Plan
from testbed.units import Size

MEMORY_BASE, MEMORY_PER_NODE = Size(2**30), Size(700 * 2**10)
"""What the guest is given; only what it touches is used. Measured with benchmarks/scale.py."""
VOLUME_TOUCHED = Size(512 * 2**20)
"""Memory of a volume, which takes what is written to it; arbitrary: several times what a load of fio touches."""
FILES, FILES_PER_CLUSTER_NODE = 1024, 512
"""What the kernel, a process of this machine, may have open at once: files that are open in the guest, and what it has
of its processes. 600 were seen in a lab of ten hosts, 1,470 with a cluster of three nodes; arbitrary beyond that."""
OTHER_KERNEL = "TESTBED_KERNEL"
"""Environment variable that names a kernel built elsewhere."""


@dataclass(frozen=True)
class Means:
    """What a guest is started with."""

    kernel: Path
    memory: Size


def means_for(plan: Plan, tell: Callable[[str], None]) -> Means:
    """The means for a plan; builds the kernel if there is none. Raises what this machine lacks."""
    memory = memory_for(plan)
    check_files(plan)
    return Means(kernel_for(tell), memory)


def check_files(plan: Plan) -> None:
    """Raise where a process may not have so many files open as a guest for a plan may need."""
    needed = FILES + FILES_PER_CLUSTER_NODE * len(plan.cluster_nodes)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most != resource.RLIM_INFINITY and most < needed:
        what = f"a process may have {most} here, and the guest may need {needed}"
        raise MachineError(Problem("open files", what, "raise the limit that ulimit -Hn shows: limits.conf(5)"))


def memory_for(plan: Plan) -> Size:
    """What a guest for a plan is given. Raises where this machine has less."""
    stored = sum(share.size for share in plan.shares) + sum(min(v.size, VOLUME_TOUCHED) for v in plan.volumes)
    memory = Size(MEMORY_BASE + MEMORY_PER_NODE * len(plan.nodes) + stored + memory_of(plan))
    check_memory(memory)
    return memory


def kernel_for(tell: Callable[[str], None]) -> Path:
    """The guest kernel; it is built if there is none. Raises what this machine lacks for that."""
    if OTHER_KERNEL in os.environ:
        return _other_kernel(Path(os.environ[OTHER_KERNEL]))
    return build.find() or build.build(tell)


def kernel_key(kernel: Path) -> str:
    """Names a kernel by what it was made from; one that was built elsewhere by its bytes."""
    manifest = kernel.with_name(MANIFEST)
    if manifest.exists():
        return Manifest.read(manifest).key
    with kernel.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _other_kernel(path: Path) -> Path:
    if not os.access(path, os.X_OK) or not path.is_file():
        raise MachineError(
            Problem(f"{OTHER_KERNEL}={path}", "no program is there", "name a kernel's file, or unset the variable")
        )
    return path.absolute()


def check_memory(memory: Size) -> None:
    """Raise what keeps a guest of this size from starting. Its memory is a sparse file in /dev/shm."""
    room = os.statvfs("/dev/shm")
    free = Size(room.f_bavail * room.f_frsize)
    available = next(
        (
            Size(int(line.split()[1]) * 1024)
            for line in Path("/proc/meminfo").read_text().splitlines()
            if line.startswith("MemAvailable:")
        ),
        Size(0),
    )
    others = promised()
    note = f", of which other guests may still take {others}" if others else ""
    problems = [
        Problem(where, f"{have} free{note}, and the guest may need {memory}", hint)
        for where, have, hint in (
            ("/dev/shm", free, "remove what fills it; the guest's memory is a file there"),
            ("memory", available, "wait until others have ended, stop something else, or use a smaller topology"),
        )
        if have - others < memory
    ]
    if problems:
        raise MachineError(problems)
