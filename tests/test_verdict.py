"""Verdicts: the worst one wins, and nothing that is not known passes."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from testbed.errors import InputError
from testbed.theory.interval import Expectation
from testbed.verdict import Judgement, Measurement, Verdict, check_safe, judge

PASS, UNKNOWN, FAIL = Verdict.PASS, Verdict.UNKNOWN, Verdict.FAIL
GOOD = Measurement("gap", 0.7, "s", 0.75, 0.6, 0.9, "RFC 5880")
MISSING = Measurement("gap", None, "s", 0.75, 0.6, 0.9)
BAD = Measurement("gap", 2.0, "s", 0.75, 0.6, 0.9)
INFORMATION = Measurement("cpu_share", 0.4, "")


@pytest.mark.parametrize(
    ("value", "low", "high", "verdict"),
    [
        (1.0, None, None, PASS),
        (1.0, 1.0, 1.0, PASS),
        (1.0, 0.0, None, PASS),
        (1.0, None, 2.0, PASS),
        (0.999, 1.0, None, FAIL),
        (2.001, None, 2.0, FAIL),
        (0.0, 1.0, 2.0, FAIL),
        (None, None, None, UNKNOWN),
        (None, 0.0, 1.0, UNKNOWN),
        (math.nan, None, None, UNKNOWN),
        (math.nan, 0.0, 1.0, UNKNOWN),
        (math.inf, 0.0, 1.0, UNKNOWN),
        (-math.inf, None, None, UNKNOWN),
    ],
)
def test_a_measurement_passes_only_inside_its_bounds(
    value: float | None, low: float | None, high: float | None, verdict: Verdict
) -> None:
    assert Measurement("x", value, "s", None, low, high).verdict is verdict


@pytest.mark.parametrize(
    ("measurements", "unknowns", "failures", "verdict"),
    [
        ([GOOD], [], [], PASS),
        ([INFORMATION], [], [], PASS),
        ([GOOD, MISSING], [], [], UNKNOWN),
        ([GOOD, BAD], [], [], FAIL),
        ([MISSING, BAD], [], [], FAIL),
        ([], [], [], UNKNOWN),
        ([GOOD], ["probe crashed"], [], UNKNOWN),
        ([GOOD], [], ["a route leaked"], FAIL),
        ([GOOD], ["probe crashed"], ["a route leaked"], FAIL),
        ([MISSING], [], ["a route leaked"], FAIL),
        ([BAD], ["probe crashed"], [], FAIL),
        ([], ["probe crashed"], [], UNKNOWN),
        ([], [], ["a route leaked"], FAIL),
    ],
)
def test_the_worst_wins_and_nothing_measured_is_unknown(
    measurements: list[Measurement], unknowns: list[str], failures: list[str], verdict: Verdict
) -> None:
    found = judge(measurements, unknowns, failures)
    assert found.verdict is verdict
    assert bool(found.why) == (verdict is not PASS)
    assert set(unknowns) | set(failures) <= set(found.why)


def test_each_measurement_that_does_not_pass_is_named_failures_first() -> None:
    found = judge([GOOD, MISSING, BAD], ["u"], ["f"])
    assert found.why == ("f", "u", "Gap: 2 s, where theory allows 0.6 to 0.9 s", "Gap: not measured")


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (Measurement("rtt", 15.009, "ms", None, 10.0, 10.1), "RTT: 15.01 ms, where theory allows 10 to 10.1 ms"),
        (Measurement("flows", 25, "flows", 27, 27, 27), "Flows: 25 flows, where theory allows exactly 27 flows"),
        (Measurement("goodput", 91.6612, "Mbit/s", None, 91.664),
         "Goodput: 91.66 Mbit/s (0.0028 too little), where theory allows at least 91.66 Mbit/s"),
        (Measurement("share_lost", 0.5000004, "", None, None, 0.5),
         "Share lost: 0.5 (0.0000004 too much), where theory allows at most 0.5"),
    ],
)  # fmt: skip
def test_a_reason_has_the_words_of_the_tables_and_what_rounding_would_hide(found: Measurement, words: str) -> None:
    assert judge([found]).why == (words,)


def test_a_judgement_has_exactly_the_documented_shape() -> None:
    assert judge([GOOD]).to_json() == {
        "verdict": "PASS",
        "measurements": [
            {
                "name": "gap", "value": 0.7, "unit": "s", "expected": 0.75, "low": 0.6, "high": 0.9,
                "source": "RFC 5880",
                "better": "",
            }
        ],
        "why": [],
    }  # fmt: skip


numbers = st.none() | st.floats() | st.integers(-(10**12), 10**12)
bounds = st.none() | st.floats(allow_nan=False, allow_infinity=False)


@st.composite
def measurements(draw: st.DrawFn) -> Measurement:
    low, high = draw(bounds), draw(bounds)
    if low is not None and high is not None and low > high:
        low, high = high, low
    return Measurement(draw(st.text()), draw(numbers), draw(st.text()), draw(bounds), low, high, draw(st.text()))


@given(found=st.lists(measurements()), unknowns=st.lists(st.text()), failures=st.lists(st.text()))
def test_a_judgement_survives_strict_json(found: list[Measurement], unknowns: list[str], failures: list[str]) -> None:
    judgement = judge(found, unknowns, failures)
    text = json.dumps(judgement.to_json(), allow_nan=False)
    assert Judgement.from_json(json.loads(text)) == judgement


def test_numbers_of_numpy_are_written_as_plain_ones() -> None:
    measured = Measurement("x", np.float64(1.5), "s", np.float64(1), high=np.float64(2))
    assert type(measured.value) is float and type(measured.expected) is float
    json.dumps(judge([measured]).to_json())


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_a_bound_that_bounds_nothing_is_refused(number: float) -> None:
    for field, numbers in (
        ("expected", (number, None, None)),
        ("low", (None, number, None)),
        ("high", (None, None, number)),
    ):
        with pytest.raises(ValueError, match=field):
            Measurement("x", 1.0, "s", *numbers)


def test_bounds_that_nothing_fits_are_refused() -> None:
    with pytest.raises(ValueError, match="nothing lies between"):
        Measurement("x", 1.0, "s", low=2, high=1)


VALID = judge([GOOD]).to_json()


@pytest.mark.parametrize(
    "change",
    [
        {"verdict": "pass"},
        {"verdict": 0},
        {"measurements": None},
        {"measurements": [{"name": "x"}]},
        {"measurements": [VALID["measurements"][0] | {"value": "0.7"}]},
        {"measurements": [VALID["measurements"][0] | {"value": True}]},
        {"measurements": [VALID["measurements"][0] | {"value": math.nan}]},
        {"measurements": [VALID["measurements"][0] | {"extra": 1}]},
        {"measurements": [VALID["measurements"][0] | {"name": None}]},
        {"measurements": [VALID["measurements"][0] | {"low": 5, "high": 4}]},
        {"why": [1]},
        {"why": None},
    ],
)
def test_another_shape_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(InputError, match="not a verdict"):
        Judgement.from_json(VALID | change)


@pytest.mark.parametrize("measured", [[BAD], [MISSING], []])
def test_a_file_cannot_claim_better_than_its_measurements(measured: list[Measurement]) -> None:
    with pytest.raises(InputError, match="PASS"):
        Judgement.from_json(judge(measured).to_json() | {"verdict": "PASS"})


def test_what_theory_says_becomes_the_bounds() -> None:
    theory = Expectation(0.75, 0.6, 0.9, "s", "RFC 5880")
    assert Measurement.against("gap", 0.7, theory) == GOOD


def test_a_check_that_crashes_is_unknown_with_the_reason() -> None:
    def broken(name: str) -> Judgement:
        raise KeyError(name)

    found = check_safe(broken, "samples")
    assert found.verdict is UNKNOWN
    assert any("broken" in reason and "KeyError" in reason and "samples" in reason for reason in found.why)


def test_a_check_that_answers_something_else_is_unknown() -> None:
    def careless() -> Any:
        return True

    assert check_safe(careless).verdict is UNKNOWN


def test_a_sound_check_is_left_alone_and_an_interrupt_gets_through() -> None:
    assert check_safe(judge, [GOOD]) == judge([GOOD])

    def interrupted() -> Judgement:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check_safe(interrupted)


def test_what_is_wrong_without_a_number_fails_and_is_told_in_its_own_words() -> None:
    found = judge([Measurement("gap", 1.0, "s", 1.0, 0.0, 2.0), Measurement.wrong("the group lacks a rule", "a book")])
    assert (found.verdict, found.why) == (Verdict.FAIL, ("the group lacks a rule",))
    assert Judgement.from_json(found.to_json()) == found
