"""Claims about ``testbed clean``: what nobody holds goes, everything else stays."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from testbed.boot import private
from testbed.job import Job
from testbed.lab import clean, state


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Temporary and runtime folders of our own."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "none"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def made(folder: Path, *names: str, age_s: float = 60) -> Path:
    """A folder with files in it, as old as is said."""
    folder.mkdir(parents=True)
    for name in names:
        (folder / name).write_text("")
    then = time.time() - age_s
    os.utime(folder, (then, then))
    return folder


def test_a_private_folder_in_use_stays_and_one_that_is_nobodys_goes(place: Path) -> None:
    used, nobodys = made(place / "testbed-used", "job.json"), made(place / "testbed-old", "job.json", "uml")
    lock = private.lock(used)
    assert clean.clean() == [f"folder {nobodys}"]
    assert used.exists()
    os.close(lock)


def test_what_is_young_or_not_ours_stays(place: Path) -> None:
    kept = [
        made(place / "testbed-young", "job.json", age_s=0),
        made(place / "testbed-of-another-tool", "notes.txt"),
        made(place / "other", "job.json"),
    ]
    (place / "testbed-link").symlink_to(kept[-1])
    assert clean.clean() == []
    assert all(path.exists() for path in [*kept, place / "testbed-link"])


def test_labs_that_are_gone_go_and_labs_that_live_stay(place: Path) -> None:
    lab, lock = state.claim("live")
    gone, other = state.claim("gone")
    os.close(other)
    made_old = time.time() - 60
    os.utime(gone.path, (made_old, made_old))
    assert clean.clean() == ["lab gone"]
    assert lab.path.exists()
    os.close(lock)


def test_a_lab_that_is_gone_goes_with_its_disk_and_with_no_other(place: Path) -> None:
    disks = [made(place / "cache" / name, "docker.img") for name in ("disk-gone", "disk-other")]
    lab, lock = state.claim("gone")
    Job(
        file="x.py", settings={}, lab="lab", record="", seed=1, kernel="guest", clock="real", plan_digest="",
        disk=str(disks[0]),
    ).write(lab.path / state.JOB)  # fmt: skip
    os.close(lock)
    then = time.time() - 60
    os.utime(lab.path, (then, then))
    assert clean.clean() == ["lab gone"]
    assert [disk.exists() for disk in disks] == [False, True]


def test_only_folders_of_runs_count_as_runs(tmp_path: Path) -> None:
    run = made(tmp_path / "hybrid-1", "plan.json")
    (run / "record").mkdir()
    made(tmp_path / "notes", "plan.json")
    (tmp_path / "file").write_text("")
    assert clean.runs(tmp_path) == [run]
    assert clean.runs(tmp_path / "missing") == []
