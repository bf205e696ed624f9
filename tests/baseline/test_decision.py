"""Claims about the decision in real time: simulated histories hold its false alarms and misses to what is stated.

Bounds are quantiles of the binomial distribution at the stated rate, which a right decision exceeds once in 10,000.
"""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from testbed.baseline.decision import (
    FALSE_ALARM,
    MISSED,
    UNDECIDED,
    compared,
    enough,
    holm,
    least_effect,
    power,
    runs_needed,
    verdicts,
)  # fmt: skip
from testbed.baseline.ranks import greater
from testbed.baseline.rates import Draw, Setting, resampled, simulate
from testbed.verdict import Verdict

HISTORIES, SURE = 2000, 1e-4
DRAWS: dict[str, Draw] = {
    "normal": lambda chance, count: chance.normal(0, 1, count),
    "skewed": lambda chance, count: chance.exponential(1, count),
    "two modes": lambda chance, count: chance.normal(0, 0.3, count) + 4 * chance.integers(0, 2, count),
    "uniform": lambda chance, count: chance.uniform(0, 3, count),
    "whole numbers": lambda chance, count: chance.poisson(3, count).astype(float),
    "yes or no": lambda chance, count: chance.integers(0, 2, count).astype(float),
}


def most(rate: float, histories: int = HISTORIES) -> int:
    """So many of the histories at most, where each has that chance."""
    return int(stats.binom.isf(SURE, histories, rate))


@pytest.mark.parametrize("shape", DRAWS)
def test_an_unchanged_network_fails_no_more_often_than_is_stated(shape: str) -> None:
    found = simulate(Setting(draw=DRAWS[shape], effect=1.0, family=5), HISTORIES)
    assert found[Verdict.FAIL] <= most(FALSE_ALARM)


@pytest.mark.parametrize("shape", DRAWS)
def test_a_change_of_no_more_than_what_matters_fails_no_more_often_than_is_stated(shape: str) -> None:
    """The worst case: one of five measurements moved by as much as is allowed."""
    found = simulate(Setting(draw=DRAWS[shape], effect=1.0, family=5, shift=1.0), HISTORIES)
    assert found[Verdict.FAIL] <= most(FALSE_ALARM)


@pytest.mark.parametrize("shape", DRAWS)
@pytest.mark.parametrize("sign", [1, -1])
def test_a_change_of_what_matters_passes_no_more_often_than_is_stated(shape: str, sign: int) -> None:
    found = simulate(Setting(draw=DRAWS[shape], effect=3.0, shift=3.0 * sign), HISTORIES)
    assert found[Verdict.PASS] <= most(MISSED)


@pytest.mark.parametrize("shape", ["normal", "skewed", "uniform"])
@pytest.mark.parametrize(("shift", "wanted"), [(0.0, Verdict.PASS), (2.0, Verdict.FAIL)])
def test_with_as_many_runs_as_are_asked_for_it_is_decided_as_often_as_is_stated(
    shape: str, shift: float, wanted: Verdict
) -> None:
    """A/A and A/B, with the effect and the number of runs that are computed for the shape beforehand."""
    known = DRAWS[shape](np.random.default_rng(0), 500).tolist()
    effect = least_effect(known[:20], 10)
    needed = next(count for count in range(2, 500) if _enough(known, effect, 20, count))
    setting = Setting(draw=DRAWS[shape], effect=effect, recorded=20, runs=needed, shift=shift * effect)
    found = simulate(setting, HISTORIES)
    assert HISTORIES - found[wanted] <= most(UNDECIDED)


def _enough(known: list[float], effect: float, recorded: int, runs: int) -> bool:
    same = 2 * (1 - power(known, effect, recorded, runs))
    return max(same, 1 - power(known, effect, recorded, runs, FALSE_ALARM / 2)) <= UNDECIDED


def test_the_number_of_runs_that_is_told_from_ten_recorded_ones_decides_as_often_as_is_stated() -> None:
    """What is known of the noise are those ten runs themselves."""
    chance, undecided, counted = np.random.default_rng(1), 0, 0
    for _ in range(200):
        before = chance.normal(0, 1, 10).tolist()
        needed = runs_needed(before, 3.0)
        assert needed is not None
        counted += 1
        now = chance.normal(0, 1, needed).tolist()
        undecided += verdicts([compared(before, now, 3.0)]) != [Verdict.PASS]
    assert undecided <= most(UNDECIDED, counted)


def test_more_runs_are_never_worse_and_a_smaller_effect_never_takes_fewer() -> None:
    before = np.random.default_rng(2).normal(0, 1, 12).tolist()
    counts = [runs_needed(before, effect) for effect in (2.5, 3.0, 4.0, 6.0)]
    assert None not in counts and counts == sorted(counts, key=lambda each: -(each or 0))
    enoughs = [enough(before, 3.0, runs) for runs in range(1, 60)]
    assert enoughs == sorted(enoughs), "once enough, always enough"


def test_the_least_effect_is_one_that_so_many_runs_show() -> None:
    before = np.random.default_rng(3).normal(5, 1, 10).tolist()
    effect = least_effect(before, 10)
    needed = runs_needed(before, effect)
    assert needed is not None and needed <= 10


def test_too_few_recorded_runs_are_said_to_be() -> None:
    assert runs_needed([1.0], 10.0) is None


def test_equal_values_are_the_same_and_another_one_is_not() -> None:
    same, other = compared([1446.0] * 8, [1446.0] * 8, 0.0), compared([1446.0] * 8, [1500.0] * 8, 0.0)
    assert verdicts([same]) == [Verdict.PASS]
    assert verdicts([other]) == [Verdict.FAIL]
    assert other.shift == 54
    assert verdicts([compared([1446.0] * 8, [1446.0] * 7 + [1500.0], 0.0)]) == [Verdict.UNKNOWN]


def _seldom(chance: np.random.Generator, count: int) -> NDArray[np.float64]:
    return (chance.random(count) < 0.1).astype(float)


@pytest.mark.parametrize("runs", [1, 2, 3])
@pytest.mark.parametrize("shift", [-1.0, 0.0, 1.0])
def test_few_runs_of_what_is_nearly_always_the_same_are_wrong_no_more_often_than_is_stated(
    runs: int, shift: float
) -> None:
    """Ten runs without a lost packet, and one with: one in eleven looks like that, and it is no failure."""
    found = simulate(Setting(draw=_seldom, effect=1.0, runs=runs, shift=shift), HISTORIES)
    assert found[Verdict.FAIL] <= most(FALSE_ALARM)
    assert not shift or found[Verdict.PASS] <= most(MISSED)


def test_one_run_shows_nothing_where_a_change_matters() -> None:
    assert verdicts([compared([5.0] * 6, [5.0], 1.0)]) == [Verdict.UNKNOWN]
    assert verdicts([compared([0.0] * 10, [1.0], 0.5)]) == [Verdict.UNKNOWN]


def test_under_ties_the_chance_is_that_of_all_ways_to_choose() -> None:
    """Counted by hand: of the six ways to choose two of 1, 2, 2, 3, two have a sum of ranks of 6.5."""
    found = greater(np.array([2.0, 3.0]), np.array([1.0, 2.0]))
    assert found == pytest.approx(2 / 6)


def test_holm_rejects_as_in_the_worked_example() -> None:
    """Wright, Biometrics 48 (1992), table 1: of .01, .04, .03 and .005 at .05 the first and the last are rejected."""
    assert holm([0.01, 0.04, 0.03, 0.005], 0.05) == [True, False, False, True]
    assert holm([], 0.05) == []


def test_a_history_is_the_same_with_the_same_seed() -> None:
    setting = Setting(draw=resampled([1.0, 2.0, 4.0]), effect=1.0)
    assert simulate(setting, 20) == simulate(setting, 20)
