"""Claims about lab folders: who owns a name, what is alive, and which lab a command means."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from testbed.errors import InputError, MachineError, Problem, RunError
from testbed.lab import state
from testbed.lab.state import LabFolder, LabInfo


@pytest.fixture
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A runtime folder of our own."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    return tmp_path


@pytest.fixture
def held() -> Iterator[list[int]]:
    """Locks of labs, let go afterwards."""
    locks: list[int] = []
    yield locks
    for lock in locks:
        os.close(lock)


def up(name: str, locks: list[int]) -> LabFolder:
    """A lab whose supervisor is this process."""
    lab, lock = state.claim(name)
    locks.append(lock)
    lab.write_info(
        LabInfo(
            name=name, topology="t", about="", file="/x/t.py", settings={}, kernel="guest", seed=1,
            since="2026-01-01T00:00:00+00:00", nodes=(),
        )
    )  # fmt: skip
    return lab


def test_labs_live_in_the_runtime_folder(runtime: Path, held: list[int]) -> None:
    assert up("a", held).path == runtime / "testbed" / "labs" / "a"


def test_without_a_runtime_folder_labs_live_in_the_temporary_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    for value in ("", "relative", str(tmp_path / "missing")):
        assert state.root({"XDG_RUNTIME_DIR": value}) == tmp_path / f"testbed-labs-{os.getuid()}"


def test_a_folder_that_others_can_look_into_is_refused(runtime: Path) -> None:
    state.make_root().chmod(0o755)
    with pytest.raises(MachineError, match="not a folder of this user alone"):
        state.make_root()


def test_a_second_lab_of_a_name_is_told_which_one_has_it(runtime: Path, held: list[int]) -> None:
    up("a", held)
    with pytest.raises(InputError) as raised:
        state.claim("a")
    (problem,) = raised.value.problems
    assert "is up already: /x/t.py, since 2026" in problem.what
    assert "testbed down --name a" in problem.hint


@pytest.mark.parametrize("name", ["", "A", "a/b", "..", "-a", "a b", "x" * 49])
def test_names_that_are_no_names_are_refused(runtime: Path, name: str) -> None:
    with pytest.raises(InputError, match="no name for a lab"):
        state.claim(name)


def test_a_lab_lives_as_long_as_its_lock(runtime: Path) -> None:
    lab, lock = state.claim("a")
    assert lab.alive
    os.close(lock)
    assert not lab.alive


def test_one_lab_needs_no_name_and_two_do(runtime: Path, held: list[int]) -> None:
    with pytest.raises(InputError, match="none is up"):
        state.choose(None)
    up("a", held)
    assert state.choose(None).name == "a"
    up("b", held)
    with pytest.raises(InputError, match="several are up: a, b"):
        state.choose(None)
    assert state.choose("b").name == "b"
    with pytest.raises(InputError, match="no such lab") as raised:
        state.choose("c")
    assert "up: a, b" in str(raised.value)


def test_a_lab_that_is_gone_is_not_one_to_choose_from(runtime: Path, held: list[int]) -> None:
    up("a", held)
    gone: list[int] = []
    up("b", gone)
    os.close(gone[0])
    assert state.choose(None).name == "a"
    with pytest.raises(RunError, match="its supervisor was killed"):
        state.choose("b")
    with pytest.raises(InputError, match="testbed clean"):
        state.claim("b")


def test_a_lab_that_said_why_it_ended_is_quoted(runtime: Path) -> None:
    gone: list[int] = []
    lab = up("a", gone)
    os.close(gone[0])
    lab.write_ended(Problem("lab a", "its kernel panicked", "the last words"))
    with pytest.raises(RunError) as raised:
        state.choose(None)
    (problem,) = raised.value.problems
    assert problem.what == "is gone: its kernel panicked"
    assert problem.hint == "the last words\ntestbed clean removes what it left"
