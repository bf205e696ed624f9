"""Queue sizes: nothing may be lost that was not asked to be lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testbed.theory.queue import NETEM_LIMIT_MIN, SMALLEST_FRAME, bdp, netem_limit, token_bucket
from testbed.units import Duration, Rate, Size

rates = st.integers(10**4, 10**11).map(Rate)
times = st.integers(0, 10**9).map(Duration)


@pytest.mark.parametrize(
    ("rate", "rtt", "size"),
    [
        ("1 Gbit/s", "40 ms", 5_000_000),
        ("100 Mbit/s", "20 ms", 250_000),
        ("10 Gbit/s", "0 ms", 0),
        ("1 bit/s", "1 ns", 1),
    ],
)
def test_the_bandwidth_delay_product_is_rounded_up(rate: str, rtt: str, size: int) -> None:
    assert bdp(Rate.parse(rate), Duration.parse(rtt)) == size


def test_tcs_default_would_lose_a_gigabit_at_40_ms() -> None:
    needed = netem_limit(Rate.parse("1 Gbit/s"), Duration.parse("40 ms"))
    full = netem_limit(Rate.parse("1 Gbit/s"), Duration.parse("40 ms"), frame=1500)
    assert needed == 119_048
    assert full == 3_334  # 3,333 and a bit


@given(rate=rates, delay=times, jitter=st.integers(0, 10**8).map(Duration), burst=st.integers(0, 10**6).map(Size))
def test_smallest_frames_at_full_rate_all_fit_while_they_wait(
    rate: Rate, delay: Duration, jitter: Duration, burst: Size
) -> None:
    limit = netem_limit(rate, delay, jitter, burst=burst)
    longest = int(delay) + 4 * int(jitter)
    assert limit * SMALLEST_FRAME * 8 * 10**9 >= int(rate) * longest
    assert limit * SMALLEST_FRAME >= burst
    assert limit >= NETEM_LIMIT_MIN


def test_doubled_packets_take_two_places_and_slots_hold_longer() -> None:
    rate, delay = Rate.parse("1 Gbit/s"), Duration.parse("40 ms")
    assert netem_limit(rate, delay, duplicates=True) == 2 * netem_limit(rate, delay)
    assert netem_limit(rate, delay, slot=delay) == netem_limit(rate, Duration(2 * delay))


def test_an_unshaped_link_is_held_to_what_a_machine_forwards() -> None:
    assert netem_limit(None, Duration.parse("100 ms")) == 200_000
    assert netem_limit(None, Duration(0)) == NETEM_LIMIT_MIN


def test_a_limit_that_netem_cannot_count_is_refused() -> None:
    with pytest.raises(ValueError, match="more than netem counts"):
        netem_limit(Rate.parse("100 Gbit/s"), Duration.parse("60 s"))
    with pytest.raises(ValueError, match="negative"):
        netem_limit(None, Duration(-1))


@given(rate=rates, mtu=st.integers(68, 9001), queue=times)
def test_bucket_and_queue_each_take_two_full_frames_and_the_time_asked(rate: Rate, mtu: int, queue: Duration) -> None:
    bucket = token_bucket(rate, mtu, queue)
    assert min(bucket.burst, bucket.limit) >= 2 * (mtu + 14)
    # At least the time asked, and no whole byte more, unless two frames are more.
    waits_ns = bucket.limit * 8 * 10**9 / rate
    assert waits_ns >= queue * (1 - 1e-9)
    assert bucket.limit == 2 * (mtu + 14) or (bucket.limit - 1) * 8 * 10**9 < int(rate) * int(queue)


@pytest.mark.parametrize(
    ("rate", "burst", "limit"),
    [("10 Mbit/s", 3_028, 62_500), ("1 Gbit/s", 31_250, 6_250_000), ("10 Gbit/s", 312_500, 62_500_000)],
)
def test_a_bucket_lasts_250_us_and_a_queue_of_50_ms_is_that_long(rate: str, burst: int, limit: int) -> None:
    bucket = token_bucket(Rate.parse(rate), 1500, Duration.parse("50 ms"))
    assert (bucket.burst, bucket.limit) == (burst, limit)
