"""Claims about --set: one spelling, every problem at once, and the closest name for a wrong one."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testbed.errors import InputError
from testbed.load import load
from testbed.parameters import Parameters, optional, parse_settings, port, some
from testbed.plan.schema import plan_json
from testbed.units import Duration, Rate, UnitError

HYBRID = str(Path(__file__).parent.parent / "topologies" / "hybrid.py")


@pytest.mark.parametrize("spelling", ["10ms", "10 ms", "0.01 s", "10000 us", " 10  ms "])
def test_every_spelling_of_a_value_makes_the_same_plan(spelling: str) -> None:
    first, other = (load(HYBRID, {"dx.delay": text}).plan for text in ("10 ms", spelling))
    assert plan_json(first) == plan_json(other)
    assert other.parameters["dx.delay"] == "10 ms"


def test_the_default_in_another_spelling_is_no_change() -> None:
    parameters = Parameters({"delay": "0.005 s"})
    parameters.declare("delay", Duration, "5 ms", "a delay")
    assert not parameters.declared["delay"].changed
    assert parameters.declared["delay"].value == parameters.declared["delay"].default == "5 ms"


def test_an_unknown_name_is_told_with_the_closest_known_one() -> None:
    with pytest.raises(InputError) as caught:
        load(HYBRID, {"dx.dealy": "10 ms"})
    (problem,) = caught.value.problems
    assert problem.where == "--set dx.dealy"
    assert problem.hint.startswith("did you mean 'dx.delay'? known: dx.bfd, ")


def test_all_problems_are_told_at_once_and_defaults_stand_for_bad_values() -> None:
    parameters = Parameters({"a": "fast", "b": "5", "c": "red", "d": "1"})
    assert parameters.declare("a", Rate, "1 Gbit/s", "a rate") == Rate(10**9)
    assert parameters.declare("b", Duration, "5 ms", "a delay") == Duration(5 * 10**6)
    assert parameters.declare("c", str, "blue", "a colour", choices=("blue", "green")) == "blue"
    with pytest.raises(InputError) as caught:
        parameters.check()
    assert [problem.where for problem in caught.value.problems] == ["--set a", "--set b", "--set c", "--set d"]
    assert all(problem.hint for problem in caught.value.problems)


@given(st.integers(0, 10**15).map(Duration))
def test_a_quantity_comes_back_as_it_was_given(value: Duration) -> None:
    parameters = Parameters({"x": str(value)})
    assert parameters.declare("x", Duration, "1 s", "x") == value
    assert parameters.declared["x"].value == str(value)


@given(st.integers())
def test_whole_numbers_have_one_spelling(value: int) -> None:
    parameters = Parameters({"n": f" {value:+}"})
    assert parameters.declare("n", int, "1", "n") == value
    assert parameters.declared["n"].value == str(value)


def test_an_optional_quantity_can_be_off() -> None:
    parameters = Parameters({"bfd": "off"})
    assert parameters.declare("bfd", optional(Duration), "300 ms", "BFD") is None
    forever = optional(Duration, "forever")
    assert (forever("forever"), forever("3 s"), forever.kind) == (None, Duration.parse("3 s"), "duration or forever")
    with pytest.raises(UnitError):
        forever("off")
    assert parameters.declared["bfd"].value == "off"
    assert parameters.declared["bfd"].type == "duration or off"


@pytest.mark.parametrize(("text", "expected"), [("b,a", ("b", "a")), ("a+b+a", ("a", "b")), ("all", ("a", "b", "c"))])
def test_some_names_of_a_list_are_chosen_each_once(text: str, expected: tuple[str, ...]) -> None:
    assert Parameters({"x": text}).declare("x", some("a", "b", "c"), "all", "x") == expected


def test_every_name_that_is_not_in_the_list_is_told() -> None:
    parameters = Parameters({"x": "a,y,z"})
    parameters.declare("x", some("a", "b"), "all", "x")
    assert parameters.problems[0].what == "no such name: y, z; known: all, a, b"


def test_a_default_that_cannot_be_read_is_the_files_fault() -> None:
    with pytest.raises(ValueError, match="'5' is not a duration"):
        Parameters().declare("x", Duration, "5", "x")


def test_a_parameter_that_is_declared_twice_is_a_problem() -> None:
    parameters = Parameters()
    parameters.declare("x", str, "a", "x")
    parameters.declare("x", str, "b", "x")
    with pytest.raises(InputError, match="declared twice"):
        parameters.check()


def test_settings_are_name_and_value_and_all_bad_ones_are_told() -> None:
    assert parse_settings(("a=1", " b = x=y ")) == {"a": "1", "b": "x=y"}
    with pytest.raises(InputError) as caught:
        parse_settings(("a", "=1", "b=1", "b=2"))
    assert [problem.where for problem in caught.value.problems] == ["--set a", "--set =1", "--set b=2"]


@pytest.mark.parametrize("text", ["0", "65536", "-1", "http", "1e3", ""])
def test_what_is_no_port_is_refused(text: str) -> None:
    parameters = Parameters({"tcp.port": text})
    assert parameters.declare("tcp.port", port, "443", "port of TCP") == 443
    with pytest.raises(InputError, match="no port: they go from 1 to 65535"):
        parameters.check()


def test_a_port_is_a_number() -> None:
    assert Parameters({"tcp.port": "10250"}).declare("tcp.port", port, "443", "port of TCP") == 10250
