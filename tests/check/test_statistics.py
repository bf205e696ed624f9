"""Intervals cover what they claim to, seen in simulations with fixed seeds; formulas match published values."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from testbed.check.statistics import (
    Floats,
    mean_bounds,
    median_bounds,
    probes_for_sd,
    quantile,
    sd_bounds,
    sd_interval,
    shape,
    sidak,
)

TRIALS = 4000


def iproute2_table(name: str) -> Floats:
    """The tables of iproute2's netem/normal.c, pareto.c and paretonormal.c; uniform as the kernel makes it."""
    if name == "uniform":
        return np.linspace(-1, 1, 4097)
    index = np.arange(0, 16384, 4)

    def entries(values: Floats) -> Floats:
        return np.clip(np.rint(values * 8192), -32768, 32767) / 8192

    normal = entries(stats.norm.ppf((index + 0.5) / 16384))
    pareto = entries((((65536 - 4 * index) / 65536) ** (-1 / 3) - 1.5) * 4 / 3)
    return {"normal": normal, "pareto": pareto, "paretonormal": (normal + 3 * pareto) / 4}[name]


SHAPES = {name: iproute2_table(name) for name in ("uniform", "normal", "pareto", "paretonormal")}
# Mean, standard deviation, kurtosis and median of the tables in Debian's iproute2 6.1.0 (normal.dist and so on).
MEASURED = [
    ("normal", -0.00078, 1.00005, 3.0021, -0.0003),
    ("pareto", -0.03349, 0.81968, 11.3663, -0.32025),
    ("paretonormal", -0.02530, 0.83394, 7.8452, -0.24023),
]


def assert_covers(inside: np.ndarray[tuple[int], np.dtype[np.bool_]], level: float) -> None:
    """At least ``level`` of the trials, less four standard errors of the simulation."""
    allowed = 1 - level + 4 * math.sqrt(level * (1 - level) / inside.size)
    assert 1 - inside.mean() <= allowed


@pytest.mark.parametrize(("name", "mean", "sd", "kurtosis", "median"), MEASURED)
def test_moments_are_those_of_the_tables_that_tc_ships(
    name: str, mean: float, sd: float, kurtosis: float, median: float
) -> None:
    found = shape(SHAPES[name])
    assert found.mean == pytest.approx(mean, abs=5e-5)
    assert found.sd == pytest.approx(sd, abs=5e-5)
    assert found.kurtosis == pytest.approx(kurtosis, abs=1e-3)
    assert np.median(SHAPES[name]) == pytest.approx(median, abs=2e-4)


@pytest.mark.parametrize("level", [0.9, 0.99, 0.999])
@pytest.mark.parametrize("samples", [50, 1000])
@pytest.mark.parametrize("name", SHAPES)
def test_the_bounds_of_a_measured_jitter_hold_as_often_as_claimed(name: str, samples: int, level: float) -> None:
    found = np.random.default_rng(1).choice(SHAPES[name], size=(TRIALS, samples)).std(axis=1, ddof=1)
    low, high = sd_bounds(shape(SHAPES[name]), samples, level=level)
    assert_covers((low <= found) & (found <= high), level)
    # And they are no wider than needed: at 90 %, between 3 and 7 % lie on each side (the smallest samples apart).
    if level == 0.9 and samples == 1000:
        assert 0.03 < (found < low).mean() < 0.07
        assert 0.03 < (found > high).mean() < 0.07


@pytest.mark.parametrize("level", [0.9, 0.99, 0.999])
@pytest.mark.parametrize("name", SHAPES)
def test_an_interval_with_unknown_shape_holds_as_often_as_claimed(name: str, level: float) -> None:
    rng, spread = np.random.default_rng(2), SHAPES[name].std()
    found = [sd_interval(rng.choice(SHAPES[name], size=2000), level=level) for _ in range(TRIALS // 5)]
    assert_covers(np.array([low <= spread <= high for low, high in found]), level)


@given(sd=st.floats(0.01, 100), seed=st.integers(0, 100))
def test_an_interval_with_known_shape_is_the_bounds_turned_around(sd: float, seed: int) -> None:
    of = shape(SHAPES["pareto"])
    delays = np.random.default_rng(seed).choice(SHAPES["pareto"], size=200) * sd + 20
    measured = float(delays.std(ddof=1))
    low, high = sd_interval(delays, of=of)
    bounds = sd_bounds(of, 200)
    assert low * bounds.high == pytest.approx(measured * of.sd)
    assert high * bounds.low == pytest.approx(measured * of.sd)


def test_for_a_normal_shape_the_bounds_are_those_of_chi_square() -> None:
    normal = shape(stats.norm.ppf((np.arange(2_000_000) + 0.5) / 2_000_000))
    for samples in (50, 1000):
        exact = np.sqrt(stats.chi2.ppf([0.0005, 0.9995], samples - 1) / (samples - 1))
        assert sd_bounds(normal, samples) == pytest.approx(tuple(exact), rel=2e-3)


@pytest.mark.parametrize("name", SHAPES)
def test_mean_and_median_lie_within_their_bounds_as_often_as_claimed(name: str) -> None:
    draws = np.random.default_rng(3).choice(SHAPES[name], size=(TRIALS, 301))
    for level in (0.9, 0.999):
        low, high = mean_bounds(shape(SHAPES[name]), 301, level=level)
        means = draws.mean(axis=1)
        assert_covers((low <= means) & (means <= high), level)
        low, high = median_bounds(SHAPES[name], 301, level=level)
        medians = np.median(draws, axis=1)
        assert_covers((low <= medians) & (medians <= high), level)


def test_an_even_number_of_draws_has_a_median_between_two() -> None:
    draws = np.median(np.random.default_rng(4).choice(SHAPES["uniform"], size=(TRIALS, 100)), axis=1)
    low, high = median_bounds(SHAPES["uniform"], 100, level=0.9)
    assert_covers((low <= draws) & (draws <= high), 0.9)


@pytest.mark.parametrize("name", SHAPES)
def test_the_probes_advised_give_the_jitter_within_5_percent(name: str) -> None:
    of = shape(SHAPES[name])
    samples = probes_for_sd(0.05, of, level=0.99)
    found = np.random.default_rng(5).choice(SHAPES[name], size=(1000, samples)).std(axis=1, ddof=1) / of.sd
    assert_covers((found >= 0.95) & (found <= 1.05), 0.99)
    low, high = sd_bounds(of, samples - 1, level=0.99)
    assert low < 0.95 * of.sd or high > 1.05 * of.sd  # one fewer would not do


def test_normal_jitter_within_5_percent_takes_some_2200_probes() -> None:
    # z^2 / (2 x 0.05^2) with z = 3.2905
    assert probes_for_sd(0.05, shape(SHAPES["normal"])) == pytest.approx(2166, rel=0.03)


@pytest.mark.parametrize("share", [0.5, 0.9, 0.99])
def test_the_interval_of_a_quantile_holds_for_any_distribution(share: float) -> None:
    rng, true = np.random.default_rng(6), -math.log(1 - share)
    found = [quantile(rng.exponential(size=800), share, "ms", level=0.95) for _ in range(TRIALS // 2)]
    inside = [each.low is not None and each.high is not None and each.low <= true <= each.high for each in found]
    assert_covers(np.array(inside), 0.95)


def test_a_quantile_carries_its_unit_and_a_side_that_is_unknown_is_none() -> None:
    found = quantile(range(100), 0.99, "ms")
    assert (found.unit, found.samples, found.high) == ("ms", 100, None)
    assert found.value == pytest.approx(98.01)
    median = quantile(range(1001), 0.5, "ms")
    assert median.low is not None and median.high is not None
    assert median.low < median.value < median.high


@given(level=st.floats(0.5, 0.9999), checks=st.integers(1, 1000))
def test_sidaks_levels_multiply_to_the_familys(level: float, checks: int) -> None:
    assert sidak(level, checks) ** checks == pytest.approx(level)
    assert sidak(level, checks) >= level


def test_useless_samples_are_refused() -> None:
    of = shape(SHAPES["normal"])
    for attempt in (
        lambda: sd_bounds(of, 49),
        lambda: sd_interval([1.0] * 49),
        lambda: sd_interval([1.0, math.nan] * 50),
        lambda: shape([1.0, 1.0]),
        lambda: quantile([], 0.5, "ms"),
        lambda: quantile([1.0], 1.0, "ms"),
        lambda: sidak(1.0, 3),
        lambda: sidak(0.9, 0),
        lambda: probes_for_sd(0.0, of),
        lambda: mean_bounds(of, 0),
        lambda: median_bounds(SHAPES["normal"], 0),
    ):
        with pytest.raises(ValueError, match=r"."):
            attempt()


def test_samples_without_spread_have_a_deviation_of_exactly_nothing() -> None:
    assert sd_interval([3.0] * 100) == (0.0, 0.0)
