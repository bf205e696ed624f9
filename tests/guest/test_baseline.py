"""Claims about `testbed baseline` as a user meets it, with real runs in the guest."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from testbed.cli.main import main
from tests.conftest import ROOT

pytestmark = pytest.mark.guest
TINY = (ROOT / "tests" / "sweep" / "tiny.py").read_text(encoding="utf-8")
FARTHER = ('"5 ms", "one-way', '"25 ms", "one-way')


def command(*words: str | Path | int) -> Result:
    return CliRunner().invoke(main, [*map(str, words)])


@pytest.fixture(scope="module")
def project(guest_kernel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user's repository: a topology, a scenario, and a baseline of two seeds that was recorded in it."""
    folder = tmp_path_factory.mktemp("project")
    write(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        done = command("baseline", "record", "tiny.py", "--seeds", 2)
        assert done.exit_code == 0, done.output
    return folder


def write(folder: Path, *changes: tuple[str, str]) -> None:
    """Scenario and topology with these changes."""
    topology = (ROOT / "topologies" / "twenty_lines.py").read_text(encoding="utf-8")
    scenario = TINY.replace("../../topologies/twenty_lines.py", "net.py")
    for old, new in changes:
        assert old in topology or old in scenario
        topology, scenario = topology.replace(old, new), scenario.replace(old, new)
    (folder / "net.py").write_text(topology, encoding="utf-8")
    (folder / "tiny.py").write_text(scenario, encoding="utf-8")


@pytest.fixture(autouse=True)
def here(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the project, with its files as they were recorded."""
    monkeypatch.chdir(project)
    write(project)


BASELINE = Path("baselines/tiny.yaml")


def test_an_unchanged_network_is_as_it_was_byte_for_byte() -> None:
    done = command("baseline", "check", BASELINE, "--json")
    assert done.exit_code == 0, done.output
    (found,) = json.loads(done.output)["baselines"]
    assert (found["headline"], found["stale"], found["different"]) == ("as it was", [], {})


def test_a_comment_in_the_topology_changes_nothing(project: Path) -> None:
    write(project, ("    cloud = t.vpc", "    # the cloud\n    cloud = t.vpc"))
    assert command("baseline", "check", BASELINE).exit_code == 0


def test_a_setting_that_drifted_fails_by_name_and_with_its_effect_and_may_be_accepted(project: Path) -> None:
    write(project, FARTHER)
    done = command("baseline", "check", BASELINE)
    assert done.exit_code == 1, done.output
    assert "set otherwise: link dx: a_to_b.delay 5 ms -> 25 ms, b_to_a.delay 5 ms -> 25 ms" in done.output
    assert "+40 ms, for the worse" in done.output
    runs = next(line.split()[1] for line in done.output.splitlines() if line.split()[:1] == ["runs"])
    kept = BASELINE.read_bytes()
    try:
        accepted = command("baseline", "accept", BASELINE, "--runs", runs, "--because", "the carrier moved the link")
        assert accepted.exit_code == 0, accepted.output
        assert "accepted: the carrier moved the link" in accepted.output
        assert command("baseline", "check", BASELINE, "--runs", runs).exit_code == 0
    finally:
        BASELINE.write_bytes(kept)


def test_another_scenario_is_stale_and_no_failure_of_the_network(project: Path) -> None:
    write(project, ("    lab.sleep", "    lab.note('mark')\n    lab.sleep"))
    done = command("baseline", "check", BASELINE)
    assert done.exit_code == 3, done.output
    assert "stale: tiny.py is not what it was" in done.output
    assert "no failure of the network" in done.output


def test_a_run_that_is_unknown_makes_the_check_unknown_and_nothing_of_it_is_kept(project: Path) -> None:
    write(project, ('drawn", ns', 'lost", ns'))
    done = command("baseline", "check", BASELINE)
    assert done.exit_code == 3 and "seed 1 is UNKNOWN" in done.output
    before = BASELINE.read_bytes()
    accepted = command("baseline", "accept", BASELINE, "--because", "it is broken")
    assert accepted.exit_code == 3 and BASELINE.read_bytes() == before


def test_a_missing_run_is_said_to_be_and_is_no_pass(tmp_path: Path) -> None:
    command("baseline", "check", BASELINE, "--out", tmp_path, "--seeds", 1)
    done = command("baseline", "check", BASELINE, "--runs", tmp_path / "tiny")
    assert done.exit_code == 3 and "not run: seed 2" in done.output


def test_runs_of_something_else_are_not_taken_for_these(project: Path, tmp_path: Path) -> None:
    command("baseline", "check", BASELINE, "--out", tmp_path, "--seeds", 1)
    write(project, FARTHER)
    done = command("baseline", "check", BASELINE, "--out", tmp_path)
    assert done.exit_code == 2 and "is there, and of something else" in done.output


def test_runs_that_are_done_become_a_baseline(tmp_path: Path) -> None:
    command("run", "tiny.py", "--seed", 2, "--set", "dx.delay=20ms", "--out", tmp_path / "run")
    done = command("baseline", "record", tmp_path / "run", "--as", "baselines/far.yaml", "--allow", "rtt=1ms")
    assert done.exit_code == 0, done.output
    checked = command("baseline", "check", "baselines/far.yaml", BASELINE)
    assert checked.exit_code == 0, checked.output
    Path("baselines/far.yaml").unlink()


def test_what_is_allowed_is_changed_by_a_command_and_not_by_hand() -> None:
    kept = BASELINE.read_bytes()
    try:
        BASELINE.write_bytes(kept.replace(b"allowed: nothing", b"allowed: anything", 1))
        edited = command("baseline", "check", BASELINE)
        assert edited.exit_code == 2 and "changed by hand" in edited.output
        BASELINE.write_bytes(kept)
        done = command(
            "baseline", "accept", BASELINE, "--allowed-only", "--allow", "rtt=fixed 10%", "--because", "noise"
        )
        assert done.exit_code == 0 and "how often it is wrong is not known" in done.output
    finally:
        BASELINE.write_bytes(kept)


def test_a_baseline_that_is_there_is_never_overwritten_by_recording() -> None:
    before = BASELINE.read_bytes()
    done = command("baseline", "record", "tiny.py")
    assert done.exit_code == 2 and "accept" in done.output
    assert BASELINE.read_bytes() == before


@pytest.mark.parametrize("words", [("record", "tiny.py", "--as", "x.yaml"), ("check", str(BASELINE))])
def test_zero_seeds_are_refused(words: tuple[str, ...]) -> None:
    assert command("baseline", *words, "--seeds", 0).exit_code == 2


def test_after_ctrl_c_nothing_is_written_half_and_the_same_command_goes_on(tmp_path: Path) -> None:
    out, place = tmp_path / "out", tmp_path / "b.yaml"
    words = ["baseline", "record", "tiny.py", "--seeds", "3", "--jobs", "1", "--out", str(out), "--as", str(place)]
    started = subprocess.Popen(
        [sys.executable, "-m", "testbed", *words], stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    first = out / "b" / "seed-1"
    while not first.exists() and started.poll() is None:
        time.sleep(0.05)
    started.send_signal(signal.SIGINT)
    _, said = started.communicate()
    assert started.returncode == 130, said
    assert not place.exists() and "what is done is kept; go on with" in said
    stamp = (first / "environment.json").stat().st_mtime_ns
    assert command(*words).exit_code == 0
    assert (first / "environment.json").stat().st_mtime_ns == stamp, "what was done was not done again"
    assert command("baseline", "check", place).exit_code == 0


def test_a_program_of_ones_own_is_another_tool_and_one_that_is_none_is_refused(tmp_path: Path) -> None:
    done = command("run", "tiny.py", "--set", "program.nothing=/bin/sh")
    assert done.exit_code == 2 and "no such program is started" in done.output
    missing = command("run", "tiny.py", "--set", f"program.bird={tmp_path}/none")
    assert missing.exit_code == 2 and "is no program" in missing.output
    same = Path("/usr/sbin/bird").resolve()
    command("run", "tiny.py", "--seed", 1, "--set", f"program.bird={same}", "--out", tmp_path / "run")
    checked = command("baseline", "check", BASELINE, "--runs", tmp_path / "run", "--seeds", 1)
    assert checked.exit_code == 3 and "another version of bird: bird2 " in checked.output
    assert f"{same} " in checked.output
