"""Rights that root has not where a machine is itself a container that keeps some back, and that clusters do without.

Containers with all rights ask for every one that the kernel has, and are refused. So what starts them is told which to
leave out, and containers of pods are not asked to be killed later than others when memory is short, which takes the
same right.
"""

from __future__ import annotations

from pathlib import Path

STATUS = Path("/proc/self/status")
DISPENSABLE = {24: "CAP_SYS_RESOURCE"}
"""By number (linux/capability.h): those without which a cluster was seen to work."""


def missing(kernel: Path = Path("/proc/sys/kernel/cap_last_cap"), status: Path = STATUS) -> list[int]:
    """The numbers of the rights that the kernel has and root has not, whatever it does."""
    bounding = next(
        int(line.split()[1], 16)
        for line in status.read_text(encoding="ascii").splitlines()
        if line.startswith("CapBnd:")
    )
    return [number for number in range(int(kernel.read_text(encoding="ascii")) + 1) if not bounding >> number & 1]


def left_out() -> tuple[str, ...]:
    """The rights that containers are not given here, by name; in the guest, none."""
    return tuple(DISPENSABLE[number] for number in missing() if number in DISPENSABLE)
