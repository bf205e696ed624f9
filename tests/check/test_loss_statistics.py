"""Loss: intervals that cover as claimed, and burst models against simulations of the kernel's own steps."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.signal import lfilter

from testbed.check.loss_statistics import (
    LossProcess,
    correlated_loss,
    four_state,
    gilbert_elliott,
    loss_agrees,
    loss_interval,
    markov_loss,
    probes_for_loss,
    probes_to_see_loss,
)

Losses = npt.NDArray[np.bool_]
shares = st.floats(0.01, 0.99)


def chain_losses(rows: Sequence[Sequence[float]], lost: Sequence[float], runs: int, length: int) -> Losses:
    """Many independent runs of a Markov chain from its first state; a packet is lost as its state says."""
    rng = np.random.default_rng(7)
    edges, state = np.cumsum(np.array(rows), axis=1), np.zeros(runs, dtype=int)
    out = np.empty((runs, length), dtype=bool)
    for step in range(length):
        state = (rng.random(runs)[:, np.newaxis] > edges[state]).sum(axis=1).clip(max=len(lost) - 1)
        out[:, step] = rng.random(runs) < np.array(lost)[state]
    return out


# Clopper-Pearson 95 % intervals of R's binom.test(x, n).
R_TABLE = [
    (0, 10, 0.0, 0.3084971),
    (1, 10, 0.002528579, 0.4450161),
    (5, 10, 0.187086, 0.812914),
    (10, 10, 0.6915029, 1.0),
]


@pytest.mark.parametrize(("lost", "sent", "low", "high"), R_TABLE)
def test_the_interval_is_that_of_r(lost: int, sent: int, low: float, high: float) -> None:
    assert loss_interval(lost, sent, level=0.95) == pytest.approx((low, high), abs=2e-6)


@pytest.mark.parametrize("ratio", [0.0005, 0.005, 0.3])
@pytest.mark.parametrize("level", [0.9, 0.999])
def test_independent_loss_is_covered_at_least_as_often_as_claimed(ratio: float, level: float) -> None:
    counts = np.random.default_rng(8).binomial(2000, ratio, size=3000)
    inside = {lost: loss_agrees(int(lost), 2000, LossProcess(ratio), level=level) for lost in set(counts)}
    covered = np.mean([inside[lost] for lost in counts])
    assert covered >= level - 4 * math.sqrt(level * (1 - level) / counts.size)


@pytest.mark.parametrize(
    ("p", "r", "bad", "good"), [(0.01, 0.3, 1.0, 0.0), (0.05, 0.5, 0.8, 0.01), (0.7, 0.6, 1.0, 0.0)]
)
def test_gilbert_elliott_loses_as_a_simulation_does(p: float, r: float, bad: float, good: float) -> None:
    model = gilbert_elliott(p, r, bad, good)
    found = chain_losses([[1 - p, p], [r, 1 - r]], [good, bad], runs=2000, length=3000).mean(axis=1)
    assert found.mean() == pytest.approx(model.ratio, rel=0.02)
    inflation = found.var() * 3000 / (model.ratio * (1 - model.ratio))
    assert inflation == pytest.approx(model.inflation, rel=0.15)  # the variance of 2,000 runs is known to 3 %
    for level in (0.9, 0.999):
        covered = np.mean([loss_agrees(round(each * 3000), 3000, model, level=level) for each in found])
        assert covered >= level - 4 * math.sqrt(level * (1 - level) / found.size)


def test_ignoring_bursts_would_reject_a_link_that_is_right() -> None:
    model = gilbert_elliott(0.01, 0.3)
    found = chain_losses([[0.99, 0.01], [0.3, 0.7]], [0, 1], runs=500, length=3000).mean(axis=1)
    naive = LossProcess(model.ratio)
    assert np.mean([loss_agrees(round(each * 3000), 3000, naive, level=0.999) for each in found]) < 0.9


@given(p=shares, r=shares, bad=shares, good=shares)
def test_gilbert_elliott_is_its_closed_form(p: float, r: float, bad: float, good: float) -> None:
    assume(abs(1 - p - r) < 0.95)
    model, ratio = gilbert_elliott(p, r, bad, good), (r * good + p * bad) / (p + r)
    remembered = 1 - p - r
    covariance = (bad - good) ** 2 * p * r / (p + r) ** 2
    assert model.ratio == pytest.approx(ratio)
    inflation = 1 + 2 * covariance * remembered / (1 - remembered) / (ratio * (1 - ratio))
    assert model.inflation == pytest.approx(inflation, abs=1e-9)


@pytest.mark.parametrize(
    ("p", "r", "bad", "good", "ratio"),
    [(0, 0.3, 1, 0, 0), (0, 0, 1, 0.02, 0.02), (0.01, 0, 1, 0, 1), (1, 1, 1, 0, 0.5), (0.01, 0.3, 0, 0, 0)],
)
def test_gilbert_elliott_may_stay_in_a_state_for_ever(
    p: float, r: float, bad: float, good: float, ratio: float
) -> None:
    assert gilbert_elliott(p, r, bad, good).ratio == pytest.approx(ratio)


def test_the_four_state_model_loses_as_a_simulation_does() -> None:
    p13, p31, p32, p23, p14 = 0.02, 0.3, 0.2, 0.5, 0.01
    model = four_state(p13, p31, p32, p23, p14)
    rows: list[list[float]] = [
        [1 - p13 - p14, 0, p13, p14], [0, 1 - p23, p23, 0], [p31, p32, 1 - p31 - p32, 0], [1, 0, 0, 0]
    ]  # fmt: skip
    found = chain_losses(rows, [0, 0, 1, 1], runs=2000, length=3000).mean(axis=1)
    assert found.mean() == pytest.approx(model.ratio, rel=0.02)
    assert found.var() * 3000 / (model.ratio * (1 - model.ratio)) == pytest.approx(model.inflation, rel=0.15)


def test_a_four_state_model_with_two_states_is_gilberts() -> None:
    two, four = gilbert_elliott(0.02, 0.4), four_state(0.02, 0.4, 0, 1, 0)
    assert (four.ratio, four.inflation) == pytest.approx((two.ratio, two.inflation))


@pytest.mark.parametrize(("ratio", "correlation"), [(0.01, 0.25), (0.05, 0.5), (0.2, 0.9)])
def test_correlated_loss_scatters_as_a_simulation_of_netems_numbers(ratio: float, correlation: float) -> None:
    rng = np.random.default_rng(9)
    drawn, _ = lfilter(
        [1 - correlation], [1, -correlation], rng.random((1000, 3000)), axis=1, zi=np.full((1000, 1), correlation / 2)
    )
    drawn = drawn[:, 200:]  # what it began with is forgotten
    found = (drawn <= np.quantile(drawn, ratio)).mean(axis=1)
    model = correlated_loss(ratio, correlation)
    assert found.var() * 2800 / (ratio * (1 - ratio)) == pytest.approx(model.inflation, rel=0.2)


def test_uncorrelated_loss_is_not_inflated() -> None:
    assert correlated_loss(0.01, 0.0) == LossProcess(0.01)


@pytest.mark.parametrize("ratio", [0.001, 0.02])
def test_the_probes_advised_see_a_loss(ratio: float) -> None:
    probes = probes_to_see_loss(ratio, level=0.99)
    assert (1 - ratio) ** probes <= 0.01 < (1 - ratio) ** (probes - 1)


def test_the_probes_advised_give_the_loss_within_a_share_of_itself() -> None:
    probes = probes_for_loss(0.01, 0.2, level=0.95)
    found = np.random.default_rng(10).binomial(probes, 0.01, size=4000) / probes
    assert np.mean(abs(found - 0.01) <= 0.002) >= 0.94
    assert probes_for_loss(0.01, 0.2, level=0.95, inflation=5) == pytest.approx(5 * probes, abs=5)


def test_what_cannot_be_is_refused() -> None:
    for attempt in (
        lambda: loss_interval(1, 0),
        lambda: loss_interval(3, 2),
        lambda: markov_loss([[0.5, 0.6], [0.5, 0.5]], [0, 1]),
        lambda: markov_loss(np.array([[0, 0.5, 0.5], [0, 1, 0], [0, 0, 1]]), [0, 0, 1]),
        lambda: correlated_loss(0.0, 0.25),
        lambda: correlated_loss(0.1, 0.99),
        lambda: probes_to_see_loss(0),
        lambda: probes_for_loss(0.1, 0),
    ):
        with pytest.raises(ValueError, match=r"."):
            attempt()
