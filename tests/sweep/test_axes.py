"""Claims about sweeps: what is asked becomes axes, what is there already is extended, and all problems are told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from testbed.errors import InputError
from testbed.study import Study
from testbed.sweep.axes import parse_values, sweep_study, words

TINY = str(Path(__file__).with_name("tiny.py"))


def asked(study: Study) -> dict[str, Any]:
    """As study.json has it."""
    axes = [{"name": axis.name, "points": dict(axis.points)} for axis in study.axes]
    return {"kind": "sweep", "file": "tiny.py", "axes": axes, "seeds": study.seeds}


def labels(study: Study) -> dict[str, list[str]]:
    return {axis.name: list(axis.points) for axis in study.axes}


def test_values_are_separated_by_commas_and_a_name_may_come_again() -> None:
    found = parse_values(("a=1 ms, 2 ms", "b=x\\,y,z", "a=3 ms"))
    assert found == {"a": ["1 ms", "2 ms", "3 ms"], "b": ["x,y", "z"]}


def test_every_word_that_is_wrong_is_told() -> None:
    with pytest.raises(InputError) as caught:
        parse_values(("a=", "b", "=1", "c=1,,2", "d=1"))
    assert [problem.where for problem in caught.value.problems] == ["--set a=", "--set b", "--set =1", "--set c=1,,2"]


def test_an_empty_sweep_is_refused_and_a_repeated_one_is_not() -> None:
    with pytest.raises(InputError, match="is empty"):
        sweep_study(TINY, {}, None, None)
    assert [cell.settings for cell in sweep_study(TINY, {}, 3, None).cells()] == [{}]


def test_values_are_ordered_by_size_in_one_spelling_each_once() -> None:
    study = sweep_study(TINY, {"dx.delay": ["20ms", "1 ms", "0.001 s", "0"]}, None, None)
    assert labels(study) == {"dx.delay": ["0 ms", "1 ms", "20 ms"]}
    assert study.seeds == 10


def test_problems_of_all_values_are_told() -> None:
    with pytest.raises(InputError) as caught:
        sweep_study(TINY, {"nope": ["1"], "dx.delay": ["5", "6", "1 ms"]}, None, None)
    assert len(caught.value.problems) == 3


def test_a_sweep_takes_more_values_and_seeds_and_never_fewer() -> None:
    before = asked(sweep_study(TINY, {"dx.delay": ["1ms", "20ms"]}, 5, None))
    more = sweep_study(TINY, {"dx.delay": ["5ms"]}, 3, before)
    assert (labels(more), more.seeds) == ({"dx.delay": ["1 ms", "5 ms", "20 ms"]}, 5)
    again = sweep_study(TINY, {}, None, before)
    assert (labels(again), again.seeds) == ({"dx.delay": ["1 ms", "20 ms"]}, 5)


def test_what_was_not_varied_before_had_its_default() -> None:
    before = asked(sweep_study(TINY, {"dx.delay": ["1ms"]}, 5, None))
    more = sweep_study(TINY, {"verdict": ["fail"]}, None, before)
    assert labels(more) == {"dx.delay": ["1 ms"], "verdict": ["pass", "fail"]}


def test_a_topology_is_an_axis_too() -> None:
    study = sweep_study(TINY, {"topology": ["topologies/twenty_lines.py", "topologies/hybrid.py"]}, 1, None)
    assert labels(study) == {"topology": ["twenty_lines", "hybrid"]}


def test_the_directory_of_another_scenario_is_refused() -> None:
    before = asked(sweep_study(TINY, {}, 5, None)) | {"file": "other.py"}
    with pytest.raises(InputError, match=r"other\.py"):
        sweep_study(TINY, {}, None, before)


def test_a_topology_alone_cannot_be_swept() -> None:
    with pytest.raises(InputError, match="measures nothing"):
        sweep_study("topologies/hybrid.py", {}, 2, None)


def test_the_command_asks_for_the_whole_of_it() -> None:
    study = sweep_study(TINY, {"dx.delay": ["20ms", "1ms"]}, 4, None)
    assert words(study) == ["--set", "dx.delay=1 ms,20 ms", "--seeds", "4"]


def test_a_study_that_cannot_be_is_told_all_that_is_wrong_with_it() -> None:
    study = Study("x.py", "", "", "", seeds=0, matrix="gap", show="gap")
    study.axis("none", {})
    with pytest.raises(InputError) as caught:
        study.cells()
    assert [each.where for each in caught.value.problems] == ["axis none", "study, show", "study, matrix", "seeds"]
