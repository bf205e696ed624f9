"""Numbers read the same everywhere."""

from __future__ import annotations

import pytest

from testbed.numbers import counted, interval, listed, number, quantity, seconds, size, titled
from testbed.report.content import number_rows, settings_of
from testbed.verdict import Measurement


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"), (0.872345, "0.8723"), (10.0, "10"), (10.001344, "10"), (1446, "1,446"),
        (935_237_123.5, "935,237,124"),
        (0.00012, "0.00012"), (0.0000012, "0.0000012"), (1.25e-12, "1.25e-12"),
        (-3.5, "-3.5"), (12345.6, "12,346"), (1e20, "1e+20"),
    ],
)  # fmt: skip
def test_numbers_are_short_and_whole_ones_complete(value: float, text: str) -> None:
    assert number(value) == text


def test_bounds_in_words() -> None:
    assert interval(0.6, 0.9) == "0.6 to 0.9"
    assert interval(None, 3) == "at most 3"
    assert interval(3, None) == "at least 3"
    assert interval(1446, 1446) == "exactly 1,446"
    assert interval(None, None) == "no bound"


def test_a_name_has_its_unit_unless_it_says_it_already() -> None:
    assert [titled("longest gap", "s"), titled("Flows hit", "flows")] == ["longest gap, s", "Flows hit"]
    assert titled("Jain's index", "") == "Jain's index"


def test_words_around_numbers() -> None:
    assert quantity(None, "ms", none="not measured") == "not measured"
    assert quantity(3, "") == "3"
    assert [seconds(value) for value in (0.0042, 0.872, 61.26, 3600.0)] == ["4.2 ms", "0.87 s", "61.3 s", "3,600 s"]
    assert [size(value) for value in (999, 1500, 2_340_000)] == ["999 B", "1.5 kB", "2.3 MB"]
    assert [counted(1, "host"), counted(1200, "host")] == ["1 host", "1,200 hosts"]
    assert [listed([]), listed(["a"]), listed(["a", "b", "c"])] == ["", "a", "a, b and c"]


def test_a_bar_shows_on_which_side_of_its_bounds_a_value_lies() -> None:
    for low, high, value, inside in (
        (0.6, 0.9, 0.7, True), (0.6, 0.9, 1.5, False), (0.6, 0.9, 0.1, False), (None, 3.0, 1.0, True),
        (None, 3.0, 9.0, False), (5.0, None, 9.0, True), (5.0, None, 1.0, False), (7.0, 7.0, 7.0, True),
        (7.0, 7.0, 8.0, False), (None, 0.0, 0.0, True), (0.0, 0.0, 2.0, False),
    ):  # fmt: skip
        (row,) = number_rows([Measurement("x", value, "s", None, low, high)])
        assert row.bar is not None
        assert row.bar.value is not None
        assert (row.bar.begin <= row.bar.value <= row.bar.end) is inside, (low, high, value)
        assert 0 <= row.bar.begin <= row.bar.end <= 100


def test_settings_are_found_in_a_command_line() -> None:
    assert settings_of("testbed run x.py --set a.b='5 ms' --set=c=1 --seed 3") == {"a.b", "c"}
    assert settings_of("a command 'that does not parse") == frozenset()
