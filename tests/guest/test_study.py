"""A study in the guest: the same bytes for the same seeds, what is done is kept, and nothing outlives its end."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.guest
STUDY = ROOT / "tests" / "sweep" / "tiny_study.py"


def command(*words: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-P", "-m", "testbed", *map(str, words)]
    return subprocess.run(
        argv, cwd=cwd, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False
    )


def play(out: Path, *words: str) -> dict[str, Any]:
    done = command("run", STUDY, "--json", "--out", out, *words, cwd=out.parent)
    assert done.returncode in (0, 1, 3), done
    return dict(json.loads(done.stdout))


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory, guest_kernel: Path) -> Path:
    out = tmp_path_factory.mktemp("study") / "out"
    found = play(out)
    assert (found["verdict"], found["runs_done"]) == ("PASS", 4), found["why"]
    return out


def test_the_same_seeds_give_the_same_record_however_many_run_at_once(played: Path, tmp_path: Path) -> None:
    play(tmp_path / "again", "--jobs", "1")
    names = ["record/results.json", "record/verdict.json", "data.csv"]
    for name in names:
        assert (played / name).read_bytes() == (tmp_path / "again" / name).read_bytes(), name


def test_more_seeds_extend_it_and_a_lost_run_alone_is_done_again(played: Path, tmp_path: Path) -> None:
    out = tmp_path / "copy"
    shutil.copytree(played, out)
    first = json.loads((out / "record" / "results.json").read_text(encoding="utf-8"))
    shutil.rmtree(next(out.glob("cells/*near*/seed-2")))
    found = play(out, "--seeds", "3")
    assert (found["runs_done"], found["runs_kept"], found["verdict"]) == (3, 3, "PASS")
    again = json.loads((out / "record" / "results.json").read_text(encoding="utf-8"))
    assert [cell["runs"][:2] for cell in again["cells"]] == [cell["runs"] for cell in first["cells"]]


def test_a_damaged_run_is_named_and_nothing_is_lost(played: Path, tmp_path: Path) -> None:
    out = tmp_path / "copy"
    shutil.copytree(played, out)
    broken = next(out.glob("cells/*near*/seed-2"))
    (broken / "record" / "verdict.json").write_text("{", encoding="utf-8")
    before = sorted(path for path in out.rglob("*"))
    done = command("run", STUDY, "--out", out, cwd=tmp_path)
    assert done.returncode == 2
    assert str(broken) in done.stderr
    assert sorted(path for path in out.rglob("*")) == before


def test_a_run_that_fails_and_one_that_is_unknown_are_kept_and_told(tmp_path: Path, guest_kernel: Path) -> None:
    failed = play(tmp_path / "fail", "--set", "verdict=fail", "--seeds", "1")
    unknown = play(tmp_path / "unknown", "--set", "verdict=unknown", "--seeds", "1")
    assert (failed["verdict"], unknown["verdict"]) == ("FAIL", "UNKNOWN")
    assert any("1 of 1 runs UNKNOWN" in reason for reason in unknown["why"])
    assert "UNKNOWN" in (tmp_path / "unknown" / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_however_it_is_ended_its_runs_end_too(tmp_path: Path, guest_kernel: Path, how: signal.Signals) -> None:
    out = tmp_path / "out"
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "testbed", "run", str(STUDY), "--out", str(out)], cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path)},
        stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    wait_for(lambda: sum("linux" in words for words in alive(tmp_path)) >= 2)
    assert len(alive(tmp_path)) >= 5  # this one, two runs and two guests
    process.send_signal(how)
    _, said = process.communicate(timeout=30)
    wait_for(lambda: not alive(tmp_path))
    if how is not signal.SIGKILL:
        assert process.returncode == 130
        assert f"--out {out}" in said
    for kept in (path for path in out.glob("cells/*/*") if path.suffix != ".part"):  # one may have been done by then
        assert json.loads((kept / "record" / "verdict.json").read_text(encoding="utf-8"))["verdict"] == "PASS"


def alive(folder: Path) -> list[str]:
    """Command lines of processes that work in a folder, or have it in their environment."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            environment, cwd = (process / "environ").read_bytes(), str((process / "cwd").readlink())
            words = (process / "cmdline").read_bytes().decode("utf-8", "replace")
        except OSError:
            continue
        if words and (str(folder).encode() in environment or cwd.startswith(str(folder))):
            found.append(words)
    return found


def wait_for(happened: Callable[[], bool], limit_s: float = 60.0) -> None:
    deadline = time.monotonic() + limit_s
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.02)
