"""Which programs a plan needs, so that a machine without them is told before anything starts."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator

from testbed.errors import MachineError, Problem
from testbed.job import Kernel
from testbed.kernel.programs import PROGRAMS, find_program, install_line
from testbed.net import filters
from testbed.plan.plan import Plan


def check_programs(plan: Plan) -> None:
    """Raise :class:`MachineError` with every program that the plan needs and this machine lacks."""
    lacking = [name for name in dict.fromkeys(_needed(plan)) if find_program(name, os.environ) is None]
    problems = [
        Problem(f"program {name}", "not found on this machine", install_line([PROGRAMS[name]])) for name in lacking
    ]
    if problems:
        raise MachineError(problems)


def check_kernel(plan: Plan, kernel: Kernel) -> None:
    """Raise :class:`MachineError` with every store of a plan that the machine's own kernel is to hold.

    Its NFS server, its mounts and its network block devices are the machine's and not a lab's: they would outlive a run
    that is killed, and others may use them.
    """
    if kernel == "guest":
        return
    problems = [
        Problem(f"{kind} {name}", "the machine's own kernel holds no stores of a lab", "--kernel guest")
        for kind, name in [
            *(("share", share.name) for share in plan.shares), *(("volume", volume.name) for volume in plan.volumes),
        ]
    ]  # fmt: skip
    if problems:
        raise MachineError(problems)


def versions(plan: Plan) -> dict[str, str]:
    """The version of the package behind each program that the plan needs; none where dpkg does not know it."""
    found = {}
    for name in sorted(set(_needed(plan))):
        argv = ["dpkg-query", "--show", "--showformat", "${Version}", PROGRAMS[name]]
        with contextlib.suppress(OSError, subprocess.CalledProcessError):
            done = subprocess.run(argv, capture_output=True, text=True, check=True)
            found[name] = f"{PROGRAMS[name]} {done.stdout}"
    return found


def _needed(plan: Plan) -> Iterator[str]:
    for routing in plan.routing:
        yield "bgpd" if routing.daemon == "frr" else "bird"
    for tunnel in plan.tunnels:
        if tunnel.kind == "ipsec":
            yield from ("charon-systemd", "swanctl")
    if plan.shares or plan.volumes:
        yield "fio"
    if any(share.on for share in plan.shares):
        yield "mkfs.ext4"
    if any(volume.kind == "nbd" for volume in plan.volumes):
        yield from ("nbdkit", "nbd-client")
    if filters.nodes(plan):
        yield "nft"
    if plan.resolvers:
        yield "dnsmasq"
