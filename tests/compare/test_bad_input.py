"""Bad input to sweep and compare: clear words, exit code 2, and nothing is lost."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner

from testbed.cli.main import main
from testbed.compare.sides import read_sides
from testbed.errors import InputError
from testbed.report.studydir import read_study_run
from tests.compare.sample import Values, write_study
from tests.conftest import ROOT

HYBRID, FAILOVER = str(ROOT / "topologies" / "hybrid.py"), str(ROOT / "scenarios" / "failover.py")
SIX: Values = {("1",): [1.0] * 6, ("2",): [2.0] * 6}


def refused(*words: object) -> str:
    """What the command says; it must exit with 2."""
    done = CliRunner().invoke(main, [str(word) for word in words])
    assert done.exit_code == 2, done.output
    return done.stderr


def bytes_of(folder: Path) -> Mapping[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("sweep", FAILOVER), "is empty"),
        (("sweep", FAILOVER, "--set", "dx.dealy=1ms"), "did you mean 'dx.delay'"),
        (("sweep", FAILOVER, "--set", "dx.delay=1,5ms"), "--set dx.delay"),
        (("sweep", HYBRID, "--set", "dx.delay=1ms,5ms"), "is a topology, and measures nothing"),
        (("sweep", FAILOVER, "--set", "dx.delay=1ms,2ms", "--seeds", "101"), "202 runs are many"),
        (("sweep", FAILOVER, "--set", "dx.delay=1ms,2ms", "--seeds", "1000000000"), "2,000,000,000 runs are many"),
        (("compare", "nowhere", "neither"), "nowhere"),
        (("compare", HYBRID), "compared with nothing"),
        (("compare", HYBRID, FAILOVER), "is a scenario, not a design"),
        (("compare", HYBRID, "topologies"), "a folder of runs that are done"),
        (("compare", HYBRID, HYBRID.replace("hybrid", "two_vpns"), "--set", "dx.bfd=off"), "no such parameter"),
        (("compare", HYBRID, HYBRID.replace("hybrid", "two_vpns"), "--seeds", "101"), "202 runs are many"),
        (("compare", "topologies", "--seeds", "3"), "is for files"),
    ],
)
def test_what_cannot_be_done_is_refused_before_anything_starts(
    words: tuple[str, ...], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "topologies").mkdir()
    assert said in refused(*words)
    assert not (tmp_path / "runs").exists()


def test_a_folder_that_is_not_the_tools_own_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work", encoding="utf-8")
    study = write_study(tmp_path / "study", ["x"], SIX)
    before = bytes_of(tmp_path)
    assert "no sweep or study wrote it" in refused("sweep", FAILOVER, "--seeds", 2, "--out", tmp_path / "mine")
    assert "not empty" in refused("compare", study, "--out", tmp_path / "mine")
    assert "not empty" in refused("compare", HYBRID, HYBRID, "--out", tmp_path / "mine")
    assert bytes_of(tmp_path) == before


@pytest.mark.parametrize("file", ["study.json", "environment.json", "record/results.json", "record/verdict.json"])
@pytest.mark.parametrize("damage", ["", "{", "[]", "null", "\x00"])
def test_a_damaged_study_is_named_by_compare_and_report_and_left_as_it_is(
    tmp_path: Path, file: str, damage: str
) -> None:
    study = write_study(tmp_path / "study", ["x"], SIX)
    (study / file).write_text(damage, encoding="utf-8")
    before = bytes_of(study)
    for command in (("compare", study, write_study(tmp_path / "other", ["x"], SIX)), ("report", study)):
        assert file in refused(*command, *(("--out", tmp_path / "out") if command[0] == "compare" else ()))
    assert bytes_of(study) == before
    assert not (tmp_path / "out").exists()


def test_results_of_an_earlier_question_are_not_taken_for_those_of_this_one(tmp_path: Path) -> None:
    """As an extension leaves it that was interrupted: the question is newer than the results."""
    study = write_study(tmp_path / "study", ["x"], SIX)
    asked = json.loads((study / "study.json").read_text(encoding="utf-8"))
    asked["axes"][0]["points"]["3"] = {}
    (study / "study.json").write_text(json.dumps(asked), encoding="utf-8")
    with pytest.raises(InputError, match="2 of the 3 cells"):
        read_study_run(study)


def test_what_runs_were_done_with_is_missed_when_it_is_not_there(tmp_path: Path) -> None:
    study = write_study(tmp_path / "study", ["x"], SIX)
    (study / "facts.json").unlink()
    done = CliRunner().invoke(main, ["compare", str(study), "--out", str(tmp_path / "out")])
    assert done.exit_code == 0
    assert "WARNING  x 1: what its runs were done with is not on record" in done.stdout


def test_comparing_goes_by_what_is_named_once(tmp_path: Path) -> None:
    study = write_study(tmp_path / "study", ["x"], SIX)
    with pytest.raises(InputError, match="named twice"):
        read_sides([study, study], None)
    with pytest.raises(InputError, match="for one study alone"):
        read_sides([study, write_study(tmp_path / "b", ["x"], SIX)], "x")
