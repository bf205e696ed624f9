"""Which programs a run needs, so that a machine without them is told before anything starts."""

from __future__ import annotations

import contextlib
import hashlib
import os
import subprocess
from collections.abc import Iterator, Mapping

from testbed.errors import InputError, MachineError, Problem, known
from testbed.job import Kernel
from testbed.kernel import detect
from testbed.kernel.programs import PROGRAMS, find_program, install_line
from testbed.kubernetes import host_kernel
from testbed.load import PROGRAM, Loaded
from testbed.net import filters
from testbed.plan.plan import Plan
from testbed.units import Size

DIGITS = 12
"""Of a program's digest; arbitrary: enough to tell two apart."""
TUNNELS_NEED: Mapping[str, tuple[str, ...]] = {"ipsec": ("xfrm", "esp"), "wireguard": ("wireguard",)}


def check(loaded: Loaded, kernel: Kernel) -> None:
    """Raise :class:`MachineError` with all that a run needs and this machine, or its own kernel, does not give.

    A program that was chosen and is none of the run's is an :class:`InputError`.
    """
    needed = set(_needed(loaded))
    if unused := sorted(set(loaded.programs) - needed):
        raise InputError(
            Problem(f"--set {PROGRAM}{name}", "no such program is started", known(name, needed)) for name in unused
        )
    if problems := [*_missing(loaded), *_refused(loaded.plan, kernel)]:
        raise MachineError(problems)


def choose(loaded: Loaded, kernel: str | None, clock: str | None, *, impaired: bool = True) -> detect.Choice:
    """Kernel and clock of a run, as :func:`testbed.kernel.detect.choose` has it.

    ``impaired``: its links are to delay, lose and limit as planned.

    Raises:
        MachineError: this machine lacks something; of its own kernel all that a run lacks, that for any lab or not.
    """
    try:
        return detect.choose(kernel, clock, detect.capabilities(), of_the_kernel(loaded.plan, impaired=impaired))
    except MachineError as error:
        if kernel != "host":
            raise
        raise MachineError([*error.problems, *_missing(loaded), *_refused(loaded.plan, "host")]) from None


def of_the_kernel(plan: Plan, *, impaired: bool) -> tuple[str, ...]:
    """What a plan needs of the machine's own kernel, by the names that doctor has for it. Pure."""
    tunnels = dict.fromkeys(name for tunnel in plan.tunnels for name in TUNNELS_NEED[tunnel.kind])
    return (*(detect.HOST_LABS_NEED if impaired else detect.PLAIN_LABS_NEED), *tunnels)


def _missing(loaded: Loaded) -> Iterator[Problem]:
    for name in dict.fromkeys(_needed(loaded)):
        if name not in loaded.programs and find_program(name, os.environ) is None:
            hint = install_line([PROGRAMS[name]]) if name in PROGRAMS else "install it: the scenario runs it"
            yield Problem(f"program {name}", "not found on this machine", hint)


def _refused(plan: Plan, kernel: Kernel) -> Iterator[Problem]:
    """What the machine's own kernel lacks for a plan's clusters, and every store that it is to hold.

    Its NFS server, its mounts and its network block devices are the machine's and not a lab's: they would outlive a run
    that is killed, and others may use them.
    """
    if kernel == "guest":
        return
    if plan.clusters:
        yield from host_kernel.problems(plan, host_kernel.capabilities(), Size(detect.available_memory_bytes()))
    stores = [*(f"share {share.name}" for share in plan.shares), *(f"volume {each.name}" for each in plan.volumes)]
    for store in stores:
        yield Problem(store, "the machine's own kernel holds no stores of a lab", "--kernel guest")


def versions(loaded: Loaded) -> dict[str, str]:
    """The version of the package behind each program that a run needs; none where dpkg does not know it.

    Of a file that was chosen its place and the beginning of its digest.
    """
    found = {}
    for name, file in loaded.programs.items():
        found[name] = f"{file} {hashlib.sha256(file.read_bytes()).hexdigest()[:DIGITS]}"
    for name in sorted(set(_needed(loaded)) & set(PROGRAMS) - set(loaded.programs)):
        argv = ["dpkg-query", "--show", "--showformat", "${Version}", PROGRAMS[name]]
        with contextlib.suppress(OSError, subprocess.CalledProcessError):
            done = subprocess.run(argv, capture_output=True, text=True, check=True)
            found[name] = f"{PROGRAMS[name]} {done.stdout}"
    return found


def _needed(loaded: Loaded) -> Iterator[str]:
    if loaded.scenario:
        yield from loaded.scenario.programs
    plan = loaded.plan
    for routing in plan.routing:
        yield "bgpd" if routing.daemon == "frr" else "bird"
    for tunnel in plan.tunnels:
        if tunnel.kind == "ipsec":
            yield from ("charon-systemd", "swanctl")
    if plan.shares or plan.volumes:
        yield "fio"
    if plan.clusters or any(share.on for share in plan.shares):
        yield "mkfs.ext4"
    if any(volume.kind == "nbd" for volume in plan.volumes):
        yield from ("nbdkit", "nbd-client")
    if filters.nodes(plan):
        yield "nft"
    if plan.resolvers:
        yield "dnsmasq"
