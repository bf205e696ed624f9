"""TCP's stall against its own timers, played through."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testbed.theory.interval import exactly
from testbed.theory.stall import GIVES_UP, RTO_MAX, RTO_MIN, retried_s, stall, survives
from testbed.units import Duration

MS = 10**6


@given(gap=st.floats(0.05, 900), rtt=st.integers(1, 300), first=st.floats(0, 0.3))
def test_timeouts_that_double_end_a_stall_within_the_bounds(gap: float, rtt: int, first: float) -> None:
    """``first``: when, after the last byte that got through, the first timeout begins to run."""
    timeout = rtt / 1000 + RTO_MIN.seconds
    instant, wait = min(first, 2 * rtt / 1000), timeout
    while instant < gap:
        instant, wait = instant + wait, min(2 * wait, RTO_MAX.seconds)
    expected = stall(exactly(gap, "s", ""), Duration(rtt * MS), Duration(rtt * MS), Duration(20 * MS))
    assert expected.contains(instant + rtt / 1000)


def test_linux_gives_up_after_15_timeouts_that_double_up_to_120_s() -> None:
    # Documentation/networking/ip-sysctl.rst, tcp_retries2: "the default value of 15 yields a hypothetical timeout of
    # 924.6 seconds", with a first timeout of 200 ms.
    waits = [min(0.2 * 2**step, 120) for step in range(16)]
    assert sum(waits) == pytest.approx(GIVES_UP.seconds)


def test_a_connection_lives_through_15_minutes_and_not_through_18() -> None:
    lives, either, dies = survives(900, 924), survives(900, 1000), survives(1045, 1100)
    assert lives is not None and lives.expected == 1
    assert either is None
    assert dies is not None and dies.expected == 0


def test_after_a_long_silence_it_tries_each_two_minutes() -> None:
    assert retried_s(10, Duration(10 * MS)) == pytest.approx(20.21)
    assert retried_s(600, Duration(10 * MS)) == pytest.approx(720)


def test_where_nothing_is_lost_an_answer_takes_a_round_trip() -> None:
    expected = stall(exactly(0.0, "s", ""), Duration(10 * MS), Duration(170 * MS), Duration(20 * MS))
    assert expected.high == pytest.approx(0.21)
