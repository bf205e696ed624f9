"""When things go wrong in a run: one clear screen, the right exit code, and nothing left behind."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
TESTBED = [sys.executable, "-m", "testbed"]
pytestmark = [pytest.mark.guest, pytest.mark.usefixtures("guest_kernel")]
START_LIMIT_S = 60


def scenario(folder: Path, body: str) -> Path:
    """A scenario on the reference topology that does what ``body`` says."""
    path = folder / "scenario.py"
    text = (
        "import os, signal, time\n"
        "from testbed import Scenario\n"
        f"scenario = Scenario(topology={str(ROOT / 'topologies/hybrid.py')!r}, "
        "question='', hypothesis='', refuted_by='')\n"
        "@scenario.run\n"
        "def run(lab):\n"
    )
    path.write_text(text + "".join(f"    {line}\n" for line in body.splitlines()), encoding="utf-8")
    return path


def command_line(*words: object, shell_before: str = "") -> subprocess.CompletedProcess[str]:
    """Run the command line, in a mount namespace of its own after ``shell_before``."""
    argv = [*TESTBED, *map(str, words)]
    if shell_before:
        user = [] if os.getuid() == 0 else ["--user", "--map-root-user"]
        argv = ["unshare", *user, "--mount", "sh", "-c", f"{shell_before} && exec {shlex.join(argv)}"]
    return subprocess.run(argv, capture_output=True, text=True, cwd=ROOT, check=False, timeout=120)


def descendants(pid: int) -> set[int]:
    """All processes below one, by what they call their parent."""
    parents = {}
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    found, more = {pid}, {pid}
    while more := {child for child, parent in parents.items() if parent in more} - found:
        found |= more
    return found - {pid}


def alive(pids: set[int]) -> set[int]:
    """Those that still run; a zombie does not."""
    found = set()
    for pid in pids:
        with contextlib.suppress(OSError):
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
                found.add(pid)
    return found


def wait_until_gone(pids: set[int]) -> None:
    """Fail if any of them outlives the limit."""
    deadline = time.monotonic() + START_LIMIT_S
    while left := alive(pids):
        assert time.monotonic() < deadline, left
        time.sleep(0.05)


def started(out: Path, *words: object) -> subprocess.Popen[str]:
    """A run in the background, when its scenario has begun."""
    process = subprocess.Popen(
        [*TESTBED, "run", *map(str, words), "--out", str(out)], stderr=subprocess.PIPE, stdout=subprocess.PIPE,
        text=True, cwd=ROOT, start_new_session=True,
    )  # fmt: skip
    assert process.stderr is not None
    begun = time.monotonic()
    for line in process.stderr:
        assert time.monotonic() - begun < START_LIMIT_S
        if "running the scenario" in line:
            return process
    raise AssertionError(f"never ran: {process.communicate()}")


FOREVER = "lab.sleep('1000 h')"


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_and_sigterm_end_a_run_and_all_its_processes(tmp_path: Path, sign: signal.Signals) -> None:
    out = tmp_path / "out"
    process = started(out, scenario(tmp_path, "while True:\n    time.sleep(0.000001)"))
    children = descendants(process.pid)
    assert len(children) > 3, "the kernel and its user programs"
    process.send_signal(sign)
    process.communicate(timeout=START_LIMIT_S)
    assert process.returncode == 130
    wait_until_gone(children)


def test_killing_the_command_with_sigkill_leaves_no_process(tmp_path: Path) -> None:
    out = tmp_path / "out"
    process = started(out, scenario(tmp_path, "while True:\n    time.sleep(0.000001)"))
    children = descendants(process.pid)
    process.kill()
    process.communicate()
    wait_until_gone(children)


def test_killing_the_guest_makes_the_run_unknown(tmp_path: Path) -> None:
    out = tmp_path / "out"
    process = started(out, scenario(tmp_path, "while True:\n    time.sleep(0.000001)"))
    # The kernel first, which is the oldest: one that loses its first process panics.
    for pid in sorted(descendants(process.pid)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    stdout, _ = process.communicate(timeout=START_LIMIT_S)
    assert process.returncode == 3
    assert "the guest ended before the run did" in stdout


def test_a_daemon_that_exits_is_named_with_its_status(tmp_path: Path) -> None:
    body = "import subprocess\nsubprocess.run(['pkill', '-KILL', '-o', '-x', 'bird'], check=True)\nlab.sleep('1 s')"
    done = command_line("run", scenario(tmp_path, body), "--out", tmp_path / "out")
    assert done.returncode == 3, done
    assert "bird on vgw" in done.stdout
    assert "ended with status -9" in done.stdout


def test_a_scenario_that_raises_is_unknown_and_says_what_it_raised(tmp_path: Path) -> None:
    done = command_line("run", scenario(tmp_path, "raise RuntimeError('no such luck')"), "--out", tmp_path / "out")
    assert done.returncode == 3
    assert "no such luck" in done.stdout


def test_a_scenario_that_hangs_ends_at_its_limit_of_wall_time(tmp_path: Path) -> None:
    done = command_line("run", scenario(tmp_path, "while True: pass"), "--out", tmp_path / "out", "--wall-limit", "6")
    assert done.returncode == 3
    assert "--wall-limit" in done.stdout


@pytest.mark.parametrize(
    ("body", "words"),
    [
        pytest.param(
            "with lab.probe.udp('aws-a', 'dc-1', '10 ms') as stream:\n"
            "    os.kill(stream.far.child.pid, signal.SIGSTOP)\n"
            "    lab.sleep('1 s')",
            "probe udp-aws-a-dc-1-echo on dc-1: hangs",
            id="a probe of our own",
        ),
        pytest.param(
            "import subprocess\n"
            "freeze = lambda: subprocess.run(['pkill', '-STOP', '-x', 'iperf3'], check=True)\n"
            "lab.waiter.at(time.monotonic_ns() + 10**9, freeze)\n"
            "lab.probe.iperf('aws-a', 'dc-1', '5 s')",
            "iperf-aws-a-dc-1 on aws-a: hangs",
            id="iperf3",
        ),
    ],
)
def test_a_probe_that_hangs_is_named_and_makes_the_run_unknown(tmp_path: Path, body: str, words: str) -> None:
    done = command_line("run", scenario(tmp_path, body), "--out", tmp_path / "out", "--wall-limit", "60")
    assert done.returncode == 3, done
    assert words in done.stdout


def test_memory_that_runs_out_in_the_guest_is_called_that(tmp_path: Path) -> None:
    # File systems in memory, each of which may take half of it: much faster than a process that grows.
    body = (
        "import contextlib\n"
        "for place in ('/run/a', '/dev/shm/b', '/tmp/c'):\n"
        "    with contextlib.suppress(OSError), open(place, 'wb', buffering=0) as out:\n"
        "        while True: out.write(bytes(1 << 20))"
    )
    done = command_line("run", scenario(tmp_path, body), "--out", tmp_path / "out", "--wall-limit", "60")
    assert done.returncode == 3
    assert "the guest kernel ran out of memory" in done.stdout


@pytest.mark.parametrize(
    ("before", "words"),
    [
        pytest.param("mount -t tmpfs -o size=8m none /dev/shm", "/dev/shm", id="full /dev/shm"),
        pytest.param("mount --bind /dev/null /usr/sbin/bird", "bird2", id="BIRD is missing"),
        pytest.param("ulimit -n 500", "open files: a process may have 500 here", id="few files may be open"),
        pytest.param(
            "mkdir -p {tmp}/small && mount -t tmpfs -o size=1m none {tmp}/small", "free on this disk", id="full disk"
        ),
    ],
)
def test_what_the_machine_lacks_is_said_before_anything_starts(tmp_path: Path, before: str, words: str) -> None:
    out = tmp_path / "small" / "out"
    (tmp_path / "small").mkdir()
    done = command_line("run", "topologies/hybrid.py", "--out", out, shell_before=before.format(tmp=tmp_path))
    assert done.returncode == 4, done
    assert words in done.stderr
    assert not (out / "record" / "events.jsonl").exists()


def test_a_shell_that_lets_programs_open_few_files_lets_the_guest_open_what_it_may(tmp_path: Path) -> None:
    done = command_line("run", "topologies/hybrid.py", "--out", tmp_path / "out", shell_before="ulimit -S -n 256")
    assert done.returncode == 0, done


def test_a_folder_that_is_not_empty_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine", encoding="ascii")
    done = command_line("run", "topologies/hybrid.py", "--out", tmp_path)
    assert done.returncode == 2
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
