"""Claims about what people are told of a check and of a baseline."""

from __future__ import annotations

import re

import numpy as np

from testbed.baseline.check import check
from testbed.baseline.decision import FALSE_ALARM, MISSED
from testbed.baseline.keep import keep
from testbed.baseline.words import baseline_lines, checked_json, checked_lines, runs_of_each
from tests.baseline.sample import EVENTS, by_seed, real, recorded, trace

NOISE = by_seed(*np.random.default_rng(5).normal(1.0, 0.05, 12).tolist())


def test_a_baseline_of_real_time_tells_test_rates_and_runs_beforehand() -> None:
    baseline = keep(recorded({"gap": NOISE}, real()), {"gap": "200 ms"})
    text = "\n".join(baseline_lines(baseline))
    assert "Mann-Whitney" in text and "Holm" in text
    assert f"to see gap shift by 0.2 s: {runs_of_each(baseline)['gap']} runs" in text


def test_the_rates_that_are_shown_are_those_that_are_promised() -> None:
    """Twice the promised rate leaves room for a thousand histories: three standard deviations and more."""
    baseline = keep(recorded({"gap": NOISE}, real()), {"gap": "200 ms"})
    (line,) = [line for line in baseline_lines(baseline) if "simulated checks" in line]
    _, passed, alarms, missed, seen = (float(each.replace(",", "")) for each in re.findall(r"[\d,]+\.?\d*", line))
    assert alarms <= 200 * FALSE_ALARM and missed <= 200 * MISSED
    assert passed >= 90 and seen >= 90


def test_a_baseline_of_virtual_time_says_that_bytes_decide() -> None:
    text = "\n".join(baseline_lines(keep(recorded({"gap": NOISE}), {}, "How long?")))
    assert "the bytes of the record" in text and text.startswith("How long?")


def test_a_check_that_passes_is_one_line_and_one_that_fails_has_numbers_and_events() -> None:
    baseline = keep(recorded({"gap": by_seed(0.8)}), {})
    assert [*checked_lines("b", check(baseline, recorded({"gap": by_seed(0.8)})))] == ["PASS    b: as it was"]
    now = recorded({"gap": by_seed(1.6)}, runs={1: trace(EVENTS[:-1])})
    told = "\n".join(checked_lines("b", check(baseline, now)))
    assert "for the worse" in told and "gone" in told and "fault.heal" in told


def test_programs_are_told_the_same() -> None:
    baseline = keep(recorded({"gap": by_seed(0.8)}), {})
    found = checked_json("b", check(baseline, recorded({"gap": by_seed(1.6)}, runs={1: trace(EVENTS[:-1])})), "runs/x")
    assert (found["verdict"], found["runs"], found["measurements"][0]["now"]) == ("FAIL", "runs/x", 1.6)
    assert any("gone" in line for line in found["different"]["1"]["events"])
