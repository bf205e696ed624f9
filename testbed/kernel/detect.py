"""Find out what this machine can do by trying it, and choose the kernel and the clock of a run."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from testbed.errors import InputError, MachineError, Problem
from testbed.job import NO_IMPAIRMENTS
from testbed.kernel.build import KernelBuild
from testbed.kernel.command import CommandFailed, run, tail
from testbed.kernel.programs import NEEDED, PROGRAMS, find_program, install_line
from testbed.kernel.trial import NAMESPACE

KernelName = Literal["host", "guest"]
ClockName = Literal["real", "virtual"]

TRIAL_LIMIT_S = 60.0  # arbitrary; half a second was measured
BOOT_LIMIT_S = 30.0  # arbitrary; half a second was measured
BOOT_MEMORY_MIB = 128  # arbitrary: enough for one small process
# UML takes the top of its stack from the addresses of its variables and moves PATH to the heap before it looks: with
# PATH alone it finds a wrong one and dies (get_top_address() in arch/um/kernel/um_arch.c).
BOOT_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C"}
BOOT_MARK = "testbed-guest-boots"
SHARED_MEMORY = Path("/dev/shm")
# A guest's memory is a file, filled as it is used. Arbitrary: a lab of some dozen hosts was seen to fit.
GUEST_MEMORY_BYTES = 1 << 30
GUEST_HINT = "use the guest kernel, which has it: --kernel guest"
PLAIN_LABS_NEED = ("veth", "bridge", "mirred")
"""What every lab uses; a topology may need more, such as ``wireguard``."""
IMPAIRED_LABS_NEED = ("netem", "tbf", "matchall", "police")
"""What delays, loses and limits."""
HOST_LABS_NEED = (*PLAIN_LABS_NEED, *IMPAIRED_LABS_NEED)


@dataclass(frozen=True)
class Capability:
    """One thing that was tried.

    Attributes:
        name: what, such as ``host.netem``, ``guest.built`` or ``program.bird``.
        available: it worked, or is there.
        why: what was seen.
        hint: what to do about it where it did not work.
    """

    name: str
    available: bool
    why: str
    hint: str = ""


@dataclass(frozen=True)
class Choice:
    """The kernel and the clock of a run, and why these."""

    kernel: KernelName
    clock: ClockName
    why: str


def capabilities(env: Mapping[str, str] | None = None) -> tuple[Capability, ...]:
    """Try everything but the guest's boot. Half a second; changes nothing on the machine."""
    env = dict(os.environ) if env is None else env
    return (*host_kernel(env), *guest_kernel(KernelBuild(env)), *programs(env), *resources(env))


def host_kernel(env: Mapping[str, str]) -> tuple[Capability, ...]:
    """What the machine's own kernel can do, tried in a namespace of a child process."""
    as_user = _trial("user", env)
    root = os.geteuid() == 0
    results = _trial("root", env) if root else as_user
    users = as_user[NAMESPACE]
    rights = [
        Capability("host.root", root, "running as root" if root else "not running as root"),
        Capability(
            "host.user-namespaces", not users, users or "an ordinary user can make network namespaces",
            "the administrator allows them: sysctl kernel.unprivileged_userns_clone, user.max_user_namespaces",
        ),
    ]  # fmt: skip
    kinds = [
        Capability(f"host.{name}", not error, _tried(error), GUEST_HINT)
        for name, error in results.items()
        if name != NAMESPACE
    ]
    return (*rights, *kinds)


def _tried(error: str) -> str:
    return f"tried, and the kernel said: {error}" if error else "tried, and it worked"


def _trial(rights: Literal["root", "user"], env: Mapping[str, str]) -> dict[str, str]:
    argv = [sys.executable, "-P", "-m", "testbed.kernel.trial", rights]
    child_env = {**env, "PYTHONPATH": str(Path(__file__).parents[2])}
    try:
        results = json.loads(run(argv, env=child_env, timeout_s=TRIAL_LIMIT_S).stdout)
    except (CommandFailed, ValueError) as error:
        return {NAMESPACE: str(error)}
    return {name: str(said) for name, said in results.items()}


def guest_kernel(kernel_build: KernelBuild) -> tuple[Capability, ...]:
    """Whether the guest kernel is there, or what building it would need."""
    found = kernel_build.find()
    problems = kernel_build.problems()
    built = Capability(
        "guest.built", found is not None, str(found or f"not in {kernel_build.cache}"), "testbed kernel build"
    )
    lacking = "; ".join(problem.what for problem in problems)
    hints = "\n".join(problem.hint for problem in problems)
    return built, Capability("guest.buildable", not problems, lacking or "tools and disk space are there", hints)


def boots(kernel: Path, env: Mapping[str, str] | None = None) -> Capability:
    """Boot the guest kernel and switch it off again: about half a second."""
    env = dict(os.environ) if env is None else env
    name = "guest.boots"
    with tempfile.TemporaryDirectory(prefix="testbed-boot-") as private:
        # No blanks: the kernel splits its command line at them.
        code = f"print('{BOOT_MARK}',flush=True),__import__('ctypes').CDLL(None).reboot(0x4321fedc)"
        argv = [
            "setarch", "-R", str(kernel), f"mem={BOOT_MEMORY_MIB}M", "root=/dev/root", "rootfstype=hostfs",
            "rootflags=/", "ro", f"init={sys.executable}", "con=null", "con0=null,fd:1", "seccomp=on", "quiet",
            "panic=-1", f"uml_dir={private}", "--", "-I", "-S", "-c", code,
        ]  # fmt: skip
        said = _console(argv, BOOT_ENVIRONMENT | {name: env[name] for name in ("TMPDIR",) if name in env})
    if BOOT_MARK in said:
        return Capability(name, True, "booted, ran a program and switched off")
    hint = "it needs a folder for its memory that allows execution, TMPDIR or /dev/shm, and seccomp on the host"
    return Capability(name, False, f"did not boot; its last words:\n{tail(said)}", hint)


def _console(argv: Sequence[str], env: Mapping[str, str]) -> str:
    """What the guest printed until it ended, or was ended with all of its processes."""
    try:
        process = subprocess.Popen(
            argv, env=dict(env), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, errors="replace", process_group=0,
        )  # fmt: skip
    except OSError as error:
        return f"{argv[0]}: {error.strerror}"
    with process:
        try:
            return process.communicate(timeout=BOOT_LIMIT_S)[0]
        except subprocess.TimeoutExpired as error:
            said = error.stdout.decode(errors="replace") if isinstance(error.stdout, bytes) else error.stdout or ""
            return f"{said}\nno end within {BOOT_LIMIT_S:.0f} s"
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def programs(env: Mapping[str, str]) -> tuple[Capability, ...]:
    """Every program of the list that is there to run labs with."""
    names = dict.fromkeys(need.program for need in NEEDED if need.group == "run" and need.program != "-")
    return tuple(_program(name, find_program(name, env)) for name in names)


def _program(name: str, found: Path | None) -> Capability:
    return Capability(f"program.{name}", found is not None, str(found or "not found"), install_line([PROGRAMS[name]]))


def resources(env: Mapping[str, str]) -> tuple[Capability, ...]:
    """Processors and the memory that a guest can have."""
    cpus = len(os.sched_getaffinity(0))
    folder = Path(env.get("TMPDIR") or SHARED_MEMORY)
    free = shutil.disk_usage(folder).free if folder.is_dir() else 0
    memory = available_memory_bytes()
    enough = f"a guest wants {GUEST_MEMORY_BYTES >> 20} MiB"
    return (
        Capability("machine.cpus", cpus > 0, f"{cpus}: so many guests run side by side at full speed"),
        Capability("machine.memory", memory >= GUEST_MEMORY_BYTES, f"{memory >> 20} MiB available", enough),
        Capability(
            "machine.shared-memory", free >= GUEST_MEMORY_BYTES, f"{free >> 20} MiB free in {folder}",
            f"{enough}: set TMPDIR to a folder with more, in memory if possible",
        ),
    )  # fmt: skip


def available_memory_bytes() -> int:
    """Memory that new programs can have (proc(5), ``MemAvailable``)."""
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return 0


def choose(
    kernel: str | None, clock: str | None, caps: Iterable[Capability], needed: Sequence[str] = HOST_LABS_NEED
) -> Choice:
    """Decide what was left open, and refuse what cannot be. Pure.

    ``needed``: of the host's kernel, should it be that.

    Raises:
        InputError: for words that mean nothing, and for the host's kernel with a virtual clock.
        MachineError: if this machine cannot do what was asked for, or neither kernel.
    """
    by_name = {cap.name: cap for cap in caps}
    if problems := _contradictions(kernel, clock):
        raise InputError(problems)
    guest, host = _guest_problems(by_name), _host_problems(by_name, needed)
    if kernel == "guest" or (kernel is None and (clock == "virtual" or not guest)):
        asked = kernel == "guest" or clock == "virtual"
        why = "asked for" if asked else "the default: the same numbers on every machine"
        return _chosen("guest", clock, guest, why)
    if kernel == "host":
        return _chosen("host", clock, host, "asked for")
    if host:
        raise MachineError([*guest, *host])
    return _chosen("host", clock, host, f"the guest kernel cannot be had: {'; '.join(p.what for p in guest)}")


def _chosen(kernel: KernelName, clock: str | None, problems: Sequence[Problem], why: str) -> Choice:
    if problems:
        raise MachineError(problems)
    if kernel == "host" or clock == "real":
        return Choice(kernel, "real", why)
    return Choice(kernel, "virtual", why)


def _contradictions(kernel: str | None, clock: str | None) -> list[Problem]:
    problems = []
    if kernel not in (None, "host", "guest"):
        problems.append(Problem("--kernel", f"{kernel!r} is no kernel", "host or guest"))
    if clock not in (None, "real", "virtual"):
        problems.append(Problem("--clock", f"{clock!r} is no clock", "real or virtual"))
    if kernel == "host" and clock == "virtual":
        what = "the host's kernel has no virtual clock"
        problems.append(Problem("--kernel host --clock virtual", what, "--kernel guest, or --clock real"))
    return problems


def _guest_problems(by_name: Mapping[str, Capability]) -> list[Problem]:
    built, buildable = by_name.get("guest.built"), by_name.get("guest.buildable")
    if built and built.available:
        boot = by_name.get("guest.boots")  # only where somebody asked for that
        return [Problem("guest kernel", boot.why, boot.hint)] if boot and not boot.available else []
    if buildable and buildable.available:
        return []
    if not buildable:
        return [Problem("guest kernel", "nobody looked for it")]
    return [Problem("guest kernel", buildable.why, buildable.hint)]


def _host_problems(by_name: Mapping[str, Capability], needed: Sequence[str]) -> list[Problem]:
    problems = []
    if not any(by_name[name].available for name in ("host.root", "host.user-namespaces") if name in by_name):
        problems.append(Problem("host kernel", "no right to make network namespaces", "run as root, or --kernel guest"))
    lacking = [name for name in needed if not (cap := by_name.get(f"host.{name}")) or not cap.available]
    for names, without in (
        ([name for name in lacking if name in PLAIN_LABS_NEED], ""),
        ([name for name in lacking if name in IMPAIRED_LABS_NEED], f"; or do without: {NO_IMPAIRMENTS}"),
        ([name for name in lacking if name not in HOST_LABS_NEED], "; or plan without the tunnels that need it"),
    ):
        if names:
            problems.append(Problem("host kernel", f"it lacks {', '.join(names)}", f"{GUEST_HINT}{without}"))
    return problems
