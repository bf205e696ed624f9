"""The test of distributions: true laws pass as often as they must, wrong ones are found, shifts are allowed for."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from testbed.check.consistency import Table, p_value, tabulate
from testbed.theory.failover import BfdEnd, Cut, bfd
from testbed.theory.interval import Expectation, Law
from testbed.units import Duration

UNIFORM = Expectation(0.5, 0.0, 1.0, "s", "", Law(lambda t: min(max(t, 0.0), 1.0)))


def table(theory: Expectation) -> Table:
    found = tabulate(theory)
    assert found is not None
    return found


EVEN = table(UNIFORM)


def test_values_of_the_law_itself_are_called_wrong_as_often_as_said() -> None:
    rng = np.random.default_rng(1)
    found = [p_value(rng.uniform(size=30).tolist(), EVEN) for _ in range(2000)]
    # Binomial: 100 +- 44 at 4.5 standard errors.
    assert 56 <= sum(p < 0.05 for p in found) <= 144


@pytest.mark.parametrize("wrong", [lambda u: 0.5 + u / 2, lambda u: u**2, lambda u: 0.4 + u / 5])
def test_another_law_is_found_with_thirty_values(wrong: Callable[[float], float]) -> None:
    rng = np.random.default_rng(2)
    assert p_value([wrong(u) for u in rng.uniform(size=30)], EVEN) < 0.05


def test_a_shift_within_what_theory_bounds_is_no_difference_and_one_beyond_is() -> None:
    rng = np.random.default_rng(3)
    values = rng.uniform(size=200) + 0.2
    shifted = Table(EVEN.places, EVEN.shares, EVEN.most, 0.0, 0.2, "")
    assert p_value(values.tolist(), EVEN) < 1e-4 < 0.05 < p_value(values.tolist(), shifted)
    assert p_value((values - 0.4).tolist(), shifted) < 1e-4


def test_between_two_laws_either_is_no_difference_and_what_is_outside_is() -> None:
    rng = np.random.default_rng(4)
    # The later of two that are drawn evenly: independent of each other, or the same.
    later = Expectation(None, 0.0, 1.0, "s", "", Law(lambda t: min(max(t, 0.0), 1.0) ** 2, most=lambda t: t))
    one, two = rng.uniform(size=(2, 200))
    assert p_value(one.tolist(), table(later)) > 0.01
    assert p_value(np.maximum(one, two).tolist(), table(later)) > 0.01
    assert p_value(np.minimum(one, two).tolist(), table(later)) < 1e-4
    assert p_value((np.maximum(one, two) ** 0.5).tolist(), table(later)) < 1e-4


def test_a_law_is_read_back_as_it_was_written() -> None:
    interval = Duration.parse("300 ms")
    end = BfdEnd(transmit=interval, receive=interval, multiplier=3)
    found = table(bfd(end, end, Cut()))
    assert Table.from_json(found.to_json()) == found
    assert found.shares[0] == pytest.approx(0, abs=0.01) and found.shares[-1] == 1


def test_what_has_no_law_has_no_table() -> None:
    assert tabulate(Expectation(None, 0, 1, "s", "")) is None
