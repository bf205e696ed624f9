"""What an expectation promises."""

from __future__ import annotations

import math

import pytest

from testbed.theory.interval import Expectation, exactly, smallest
from testbed.units import Duration


def test_bounds_are_inclusive_and_a_missing_bound_bounds_nothing() -> None:
    both = Expectation(2, 1, 3, "s", "x")
    assert [both.contains(value) for value in (0.9, 1, 2, 3, 3.1)] == [False, True, True, True, False]
    assert Expectation(None, None, None, "s", "x").contains(math.inf)


def test_not_a_number_is_never_as_expected() -> None:
    assert not Expectation(None, None, None, "s", "x").contains(math.nan)


@pytest.mark.parametrize("numbers", [(5, 1, 3), (0, 1, 3), (2, 3, 1), (math.nan, None, None), (None, -math.inf, None)])
def test_numbers_that_contradict_each_other_are_refused(numbers: tuple[float | None, float | None, float]) -> None:
    with pytest.raises(ValueError, match="expect"):
        Expectation(*numbers, "s", "x")


def test_a_share_allowed_around_the_expected_value_is_named_in_the_source() -> None:
    allowed = Expectation(200, None, None, "bit/s", "formula").within(0.1)
    assert (allowed.low, allowed.high) == (180, 220)
    assert "10.0%" in allowed.source
    with pytest.raises(ValueError, match="share"):
        Expectation(None, None, None, "s", "x").within(0.1)


def test_the_limit_that_binds_is_the_smallest() -> None:
    assert smallest(exactly(3, "B", "a"), exactly(2, "B", "b")).source == "b"
    with pytest.raises(ValueError, match="unit"):
        smallest(exactly(3, "B", "a"), exactly(2, "s", "b"))


def test_probes_see_a_gap_to_within_one_spacing() -> None:
    seen = Expectation(1.0, 0.5, 2.0, "s", "x").seen_by_probes(Duration.parse("100 ms"))
    assert (seen.expected, seen.low, seen.high) == (1.0, 0.4, 2.1)


def test_another_unit_changes_all_three_numbers_and_nothing_else() -> None:
    there = Expectation(3.0, 2.0, 4.0, "KiB", "size").scaled(1 / 1024, "MiB")
    assert there == Expectation(3 / 1024, 2 / 1024, 4 / 1024, "MiB", "size")
    assert Expectation(None, None, 2.0, "B", "").scaled(8, "bit") == Expectation(None, None, 16.0, "bit", "")
    with pytest.raises(ValueError):
        there.scaled(0, "bit/s")
