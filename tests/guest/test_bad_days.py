"""When things go wrong in a run: one clear screen, the right exit code, and nothing left behind."""

from __future__ import annotations

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
        f"scenario = Scenario(topology={str(ROOT / 'topologies/hybrid.py')!r}, question='', hypothesis='', refuted_by='')\n"
        "@scenario.run\n"
        "def run(lab):\n"
    )
    path.write_text(text + "".join(f"    {line}\n" for line in body.splitlines()), encoding="utf-8")
    return path


def testbed(*words: object, shell_before: str = "") -> subprocess.CompletedProcess[str]:
    """Run the command line, in a mount namespace of its own after ``shell_before``."""
    argv = [*TESTBED, *map(str, words)]
    if shell_before:
        user = [] if os.getuid() == 0 else ["--user", "--map-root-user"]
        argv = ["unshare", *user, "--mount", "sh", "-c", f"{shell_before} && exec {shlex.join(argv)}"]
    return subprocess.run(argv, capture_output=True, text=True, cwd=ROOT, check=False, timeout=120)


def guests_of(out: Path) -> list[int]:
    """Processes of this user that have a run's folder among their open files or as their job."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and "testbed-" in os.path.basename(_cwd(entry)):
            found.append(int(entry.name))
    return found


def _cwd(entry: Path) -> str:
    try:
        return os.readlink(entry / "cwd")
    except OSError:
        return ""


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
    children = set(guests_of(out))
    assert children
    process.send_signal(sign)
    process.communicate(timeout=START_LIMIT_S)
    assert process.returncode == 130
    assert not children & set(guests_of(out))


def test_killing_the_command_with_sigkill_leaves_no_process(tmp_path: Path) -> None:
    out = tmp_path / "out"
    process = started(out, scenario(tmp_path, "while True:\n    time.sleep(0.000001)"))
    children = set(guests_of(out))
    process.kill()
    process.communicate()
    deadline = time.monotonic() + START_LIMIT_S
    while left := children & set(guests_of(out)):
        assert time.monotonic() < deadline, left
        time.sleep(0.05)


def test_killing_the_guest_makes_the_run_unknown(tmp_path: Path) -> None:
    out = tmp_path / "out"
    process = started(out, scenario(tmp_path, "while True:\n    time.sleep(0.000001)"))
    for pid in guests_of(out):
        os.kill(pid, signal.SIGKILL)
    stdout, _ = process.communicate(timeout=START_LIMIT_S)
    assert process.returncode == 3
    assert "the guest ended before the run did" in stdout


def test_a_daemon_that_exits_is_named_with_its_status(tmp_path: Path) -> None:
    body = "os.kill(next(d for d in lab.daemons if d.name == 'bird').program.process.pid, signal.SIGKILL)\nlab.sleep('1 s')"
    done = testbed("run", scenario(tmp_path, body), "--out", tmp_path / "out")
    assert done.returncode == 3, done
    assert "bird on vgw" in done.stdout
    assert "ended with status -9" in done.stdout


def test_a_scenario_that_raises_is_unknown_and_says_what_it_raised(tmp_path: Path) -> None:
    done = testbed("run", scenario(tmp_path, "raise RuntimeError('no such luck')"), "--out", tmp_path / "out")
    assert done.returncode == 3
    assert "no such luck" in done.stdout


def test_a_scenario_that_hangs_ends_at_its_limit_of_wall_time(tmp_path: Path) -> None:
    done = testbed("run", scenario(tmp_path, "while True: pass"), "--out", tmp_path / "out", "--wall-limit", "6")
    assert done.returncode == 3
    assert "--wall-limit" in done.stdout


def test_memory_that_runs_out_in_the_guest_is_called_that(tmp_path: Path) -> None:
    body = "hoard = []\nwhile True:\n    hoard.append(bytearray(os.urandom(1 << 16) * 256))"
    done = testbed("run", scenario(tmp_path, body), "--out", tmp_path / "out")
    assert done.returncode == 3
    assert "out of memory" in done.stdout


@pytest.mark.parametrize(
    ("before", "words"),
    [
        pytest.param("mount -t tmpfs -o size=8m none /dev/shm", "/dev/shm", id="full /dev/shm"),
        pytest.param("mount --bind /dev/null /usr/sbin/bird", "bird2", id="BIRD is missing"),
        pytest.param("mkdir -p {tmp}/small && mount -t tmpfs -o size=1m none {tmp}/small", "free on this disk", id="full disk"),
    ],
)
def test_what_the_machine_lacks_is_said_before_anything_starts(tmp_path: Path, before: str, words: str) -> None:
    out = tmp_path / "small" / "out"
    (tmp_path / "small").mkdir()
    done = testbed("run", "topologies/hybrid.py", "--out", out, shell_before=before.format(tmp=tmp_path))
    assert done.returncode == 4, done
    assert words in done.stderr
    assert not (out / "record" / "events.jsonl").exists()


def test_a_folder_that_is_not_empty_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine", encoding="ascii")
    done = testbed("run", "topologies/hybrid.py", "--out", tmp_path)
    assert done.returncode == 2
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
