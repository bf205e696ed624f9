"""Claims about what theory says of NAT gateways."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testbed.theory import nat
from testbed.units import Duration

MS = 10**6


@given(
    ticks=st.integers(1, 10**6), phase=st.floats(0, 0.999), acknowledged=st.integers(0, 200), rtt=st.integers(0, 500)
)  # fmt: skip
def test_a_connection_is_forgotten_within_the_bounds_wherever_in_a_tick_it_fell_silent(
    ticks: int, phase: float, acknowledged: int, rtt: int
) -> None:
    """Played through: a clock of ticks, a last packet within one, the last data before that."""
    tick = nat.TICK.seconds
    last_packet = phase * tick
    gone = (int(last_packet / tick) + ticks) * tick
    last_data = last_packet - acknowledged / 1000 - rtt / 1000
    idle = Duration(ticks * nat.TICK)
    assert nat.forgotten(idle, Duration(rtt * MS)).contains(gone - last_data + 1e-9)


def test_the_published_timeout_is_between_349_and_351_seconds() -> None:
    expected = nat.forgotten(Duration(350 * 10**9), Duration(10 * MS))
    assert expected.low is not None
    assert expected.high is not None
    assert 349 < expected.low < 350 < expected.high < 351


def test_a_reset_is_back_before_the_far_end_could_answer() -> None:
    expected = nat.reset(Duration(0), Duration(10 * MS))
    assert (expected.low, expected.high, expected.unit) == (0, 10, "ms")


@pytest.mark.parametrize(("held", "tried", "through"), [(55_000, 55_100, 55_000), (55_000, 10, 10)])
def test_a_gateway_lets_through_what_it_holds(held: int, tried: int, through: int) -> None:
    assert nat.admitted(held, tried).expected == through
