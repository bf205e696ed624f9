from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from testbed.errors import InputError, MachineError
from testbed.job import NO_IMPAIRMENTS
from testbed.kernel import build, detect
from testbed.kernel.detect import PLAIN_LABS_NEED, Capability, Choice, choose
from testbed.kernel.programs import NEEDED, PROGRAMS, find_program, install_line, missing, parse_packages

Maker = Callable[..., Path]
PLAIN = ("host.root", "host.veth", "host.bridge", "host.mirred")
HOST = (*PLAIN, "host.netem", "host.tbf", "host.matchall", "host.police")
READY = ("guest.built", "guest.buildable", *HOST)


def caps(*available: str) -> list[Capability]:
    """The named ones work; of the rest each says that it does not."""
    names = (*READY, "host.user-namespaces")
    return [Capability(name, name in available, f"{name}: no", f"mend {name}") for name in names]


@pytest.mark.parametrize(
    ("kernel", "clock", "available", "chosen"),
    [
        (None, None, READY, ("guest", "virtual")),
        (None, None, ("guest.built",), ("guest", "virtual")),
        (None, None, ("guest.buildable",), ("guest", "virtual")),
        (None, None, HOST, ("host", "real")),
        (None, "real", READY, ("guest", "real")),
        (None, "real", HOST, ("host", "real")),
        (None, "virtual", READY, ("guest", "virtual")),
        ("guest", None, READY, ("guest", "virtual")),
        ("guest", "real", READY, ("guest", "real")),
        ("guest", "virtual", ("guest.built",), ("guest", "virtual")),
        ("host", None, READY, ("host", "real")),
        ("host", "real", ("host.user-namespaces", *HOST[1:]), ("host", "real")),
    ],
)
def test_the_guest_with_virtual_time_is_taken_where_nothing_else_is_asked_or_possible(
    kernel: str | None, clock: str | None, available: tuple[str, ...], chosen: tuple[str, str]
) -> None:
    choice = choose(kernel, clock, caps(*available))
    assert (choice.kernel, choice.clock) == chosen


@pytest.mark.parametrize(
    ("kernel", "clock", "where"),
    [
        ("host", "virtual", ["--kernel host --clock virtual"]),
        ("gest", None, ["--kernel"]),
        ("gest", "slow", ["--kernel", "--clock"]),
    ],
)
def test_what_cannot_be_meant_is_refused_before_the_machine_is_looked_at(
    kernel: str | None, clock: str | None, where: list[str]
) -> None:
    with pytest.raises(InputError) as error:
        choose(kernel, clock, [])
    assert [problem.where for problem in error.value.problems] == where


@pytest.mark.parametrize(
    ("kernel", "clock", "available", "said"),
    [
        ("guest", None, HOST, ["guest.buildable: no"]),
        (None, "virtual", HOST, ["guest.buildable: no"]),
        ("host", None, ("guest.built", *PLAIN, "host.police"), ["it lacks netem, tbf, matchall"]),
        ("host", None, ("guest.built", *HOST[1:]), ["no right to make network namespaces"]),
        (
            None,
            None,
            PLAIN[:2],
            ["guest.buildable: no", "it lacks bridge, mirred", "it lacks netem, tbf, matchall, police"],
        ),
    ],
)
def test_what_this_machine_cannot_do_is_said_with_all_reasons(
    kernel: str | None, clock: str | None, available: tuple[str, ...], said: list[str]
) -> None:
    with pytest.raises(MachineError) as error:
        choose(kernel, clock, caps(*available))
    assert [problem.what for problem in error.value.problems] == said
    assert all(problem.hint for problem in error.value.problems)


def test_a_kernel_that_cannot_impair_serves_labs_that_do_without_and_that_is_told() -> None:
    poor = caps("guest.built", *PLAIN)
    assert choose("host", None, poor, PLAIN_LABS_NEED).kernel == "host"
    with pytest.raises(MachineError) as refused:
        choose("host", None, poor)
    assert NO_IMPAIRMENTS in refused.value.problems[0].hint
    with pytest.raises(MachineError) as refused:
        choose("host", None, caps("guest.built", *PLAIN[:-1]))
    assert NO_IMPAIRMENTS not in refused.value.problems[0].hint


def test_a_choice_for_the_host_says_why_it_is_not_the_guest() -> None:
    assert choose(None, None, caps(*HOST)) == Choice(
        "host", "real", "the guest kernel cannot be had: guest.buildable: no"
    )


def test_a_guest_that_was_seen_not_to_boot_is_not_chosen() -> None:
    dead = Capability("guest.boots", False, "did not boot", "allow seccomp")
    assert choose(None, None, [*caps(*READY), dead]).kernel == "host"


def test_trying_the_hosts_kernel_leaves_its_network_as_it_was() -> None:
    def network() -> set[str]:
        return {path.name for path in Path("/sys/class/net").iterdir()}

    before = network()
    found = {cap.name: cap for cap in detect.host_kernel({"PATH": "/usr/bin:/bin"})}
    assert network() == before
    assert {"host.root", "host.user-namespaces"} <= set(found)
    if found["host.root"].available or found["host.user-namespaces"].available:
        assert {"host.veth", "host.netem", "host.esp", "host.mirred"} <= set(found)
    assert all(cap.available or cap.hint for cap in found.values() if cap.name != "host.root")


def test_a_program_is_found_where_daemons_live_and_its_package_named_where_not(bin_dir: Path, script: Maker) -> None:
    bird = script("bird", "")
    found = {cap.name: cap for cap in detect.programs({"PATH": str(bin_dir)})}
    assert (found["program.bird"].available, found["program.bird"].why) == (True, str(bird))
    assert found["program.swanctl"].hint == "sudo apt-get install --no-install-recommends strongswan-swanctl"
    assert find_program("no-such-program", {"PATH": str(bin_dir)}) is None


def test_machine_resources_say_how_much_there_is() -> None:
    found = {cap.name: cap for cap in detect.resources({"TMPDIR": "/no/such/folder"})}
    assert found["machine.cpus"].available
    assert "MiB available" in found["machine.memory"].why
    assert not found["machine.shared-memory"].available


def test_a_guest_kernel_that_can_be_built_is_told_from_one_that_cannot(tmp_path: Path, bin_dir: Path) -> None:
    empty = build.KernelBuild({"PATH": str(bin_dir), "HOME": str(tmp_path)})
    built, buildable = detect.guest_kernel(empty)
    assert not built.available
    assert not buildable.available
    assert "gcc" in buildable.why
    assert "apt-get install" in buildable.hint


@pytest.mark.parametrize(
    ("body", "boots", "said"),
    [
        ('for word in "$@"; do echo "$word"; done', True, "booted"),
        ("echo Kernel panic - not syncing: no seccomp >&2; exit 134", False, "not syncing: no seccomp"),
    ],
)
def test_whether_a_guest_boots_is_told_by_its_console(script: Maker, body: str, boots: bool, said: str) -> None:
    cap = detect.boots(script("linux", body), {})
    assert cap.available is boots
    assert said in cap.why


def test_a_guest_that_hangs_is_ended(script: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(detect, "BOOT_LIMIT_S", 0.2)
    cap = detect.boots(script("linux", "echo waiting for root; sleep 1000"), {})
    assert not cap.available
    assert "waiting for root" in cap.why


def test_every_program_belongs_to_one_package_and_remarks_are_no_packages() -> None:
    assert parse_packages("# nothing\nrun bird bird2 # remark\n\n")[0].package == "bird2"
    assert PROGRAMS["bird"] == "bird2"
    assert {need.group for need in NEEDED} == {"build", "run", "test"}
    programs = [need.program for need in NEEDED if need.program != "-"]
    assert len(programs) == len(set(programs))
    assert install_line(["b", "a", "b"]).endswith(" b a")


def test_a_header_is_asked_of_the_compiler(bin_dir: Path, script: Maker) -> None:
    env = {"PATH": str(bin_dir)}
    script("gcc", "exit 1")
    assert "stdio.h" in {need.program for need in missing("build", env)}
    script("gcc", "exit 0")
    assert "stdio.h" not in {need.program for need in missing("build", env)}


# Without blanks, at which the kernel splits its command line. The library wants /proc.
TRIAL_IN_GUEST = (
    "__import__('ctypes').CDLL(None).mount(b'proc',b'/proc',b'proc',0,None),"
    "__import__('runpy').run_module('testbed.kernel.trial',run_name='__main__')"
)
built_kernel = pytest.mark.skipif(build.find() is None, reason="the guest kernel is not built: testbed kernel build")


@built_kernel
def test_the_guest_kernel_boots_here() -> None:
    kernel = build.find()
    assert kernel is not None
    assert detect.boots(kernel) == Capability("guest.boots", True, "booted, ran a program and switched off")


@built_kernel
def test_the_guest_kernel_can_do_everything_that_is_tried_on_the_host(tmp_path: Path) -> None:
    words = [
        "mem=256M", "root=/dev/root", "rootfstype=hostfs", "rootflags=/", "ro", f"init={sys.executable}", "con=null",
        "con0=null,fd:1", "seccomp=on", "quiet", "panic=-1", f"uml_dir={tmp_path}", "random-seed=1",
        "time-travel=inf-cpu", "syscall-cost=512", "PYTHONDONTWRITEBYTECODE=1",
        f"PYTHONPATH={Path(detect.__file__).parents[2]}", "--", "-c", TRIAL_IN_GUEST, "root",
    ]  # fmt: skip
    argv = ["setarch", "-R", str(build.find()), *words]
    console = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False).stdout
    results = next(json.loads(line) for line in console.splitlines() if line.startswith("{"))
    assert {name: error for name, error in results.items() if error} == {}
    assert len(results) > len(detect.HOST_LABS_NEED)
