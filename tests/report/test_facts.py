"""Claims about what runs were done with: it is read from each run, and tools of two versions are told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from testbed.errors import InputError
from testbed.report.facts import facts_of, mixed, together


def run(directory: Path, environment: object, identity: object) -> Path:
    (directory / "record").mkdir(parents=True)
    (directory / "environment.json").write_text(json.dumps(environment), encoding="utf-8")
    (directory / "record" / "identity.json").write_text(json.dumps(identity), encoding="utf-8")
    return directory


def test_facts_are_counted_over_runs(tmp_path: Path) -> None:
    names = {"topology": "a.py", "topology_bytes": "0123456789", "parameters": {"dx.delay": "5 ms"}}
    one = run(tmp_path / "1", {"commit": "abc", "programs": {"bird": "bird2 2.0.12"}}, names)
    two = run(tmp_path / "2", {"commit": "def", "programs": {"bird": "bird2 2.15"}}, names)
    found = facts_of([one, two])
    assert found["commit"] == {"abc": 1, "def": 1}
    assert found["topology"] == {"a.py (01234567)": 2}
    assert found["parameter dx.delay"] == {"5 ms": 2}
    assert together([found, found])["commit"] == {"abc": 2, "def": 2}


def test_tools_of_two_versions_are_told_and_parameters_are_not(tmp_path: Path) -> None:
    facts = {"commit": {"abc": 3, "def": 1}, "parameter x": {"1": 2, "2": 2}, "program bird": {"1": 4}}
    assert mixed(facts) == ["the runs were not all done with the same commit: abc (3 runs), def (1 run)"]


def test_files_that_cannot_be_read_are_all_named(tmp_path: Path) -> None:
    broken = run(tmp_path / "1", [], {})
    (broken / "record" / "identity.json").write_text("{", encoding="utf-8")
    other = run(tmp_path / "2", [], {})
    with pytest.raises(InputError) as caught:
        facts_of([broken, other])
    assert [Path(problem.where).parent for problem in caught.value.problems] == [broken, other]
