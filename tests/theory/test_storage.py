"""Claims about storage's theory, checked against published numbers."""

from __future__ import annotations

import random

import pytest

from testbed.theory import storage
from testbed.theory.interval import Expectation
from testbed.units import Duration, Rate, Size

MS = 10**6


@pytest.mark.parametrize(("rtt_ms", "kilobytes_s"), [(10, 819), (20, 410), (30, 273), (50, 164), (90, 91)])
def test_eight_kib_at_a_time_give_the_known_rates(rtt_ms: int, kilobytes_s: int) -> None:
    operations = storage.operations(Duration(rtt_ms * MS), Duration(0)).expected
    assert operations is not None
    assert round(operations * 8192 / 1000) == kilobytes_s


def test_a_synchronous_write_a_round_trip_of_20_ms_is_50_a_second() -> None:
    assert storage.operations(Duration(20 * MS), Duration(0)).expected == 50


def test_64_under_way_at_3000_a_second_take_21_ms() -> None:
    assert storage.latency(64, 3000, 0.1, 10).expected == pytest.approx(0.0213, abs=5e-5)


def test_what_is_under_way_at_the_ends_bounds_a_mean() -> None:
    found = storage.latency(10, 1000, 0.02, 1)
    assert [found.low, found.high] == pytest.approx([0.0098, 0.0102])


def test_125_mib_a_second_are_1000_operations_of_128_kib() -> None:
    assert storage.carried(125 * 2**20, Size(128 * 2**10)).expected == 1000


def test_one_under_way_has_no_interval_and_more_have_one() -> None:
    rtt, service = Duration(10 * MS), Duration(MS)
    one, four = storage.operations(rtt, service), storage.operations(rtt, service, depth=4)
    assert one.low == one.expected == one.high == pytest.approx(1000 / 11)
    assert [four.low, four.high] == pytest.approx([4000 / 14, 4000 / 11])


def test_more_round_trips_cost_as_much_more() -> None:
    assert storage.operations(Duration(10 * MS), Duration(0), trips=2).expected == 50


def test_counting_is_a_round_trip_off_at_most() -> None:
    counted = storage.counted(storage.operations(Duration(10 * MS), Duration(0), depth=4), 100)
    assert [counted.low, counted.high] == pytest.approx([400 / 1.01, 404])


@pytest.mark.parametrize(("size", "expected_us"), [(4396, 0), (31_250, 0), (131_372, 800.976)])
def test_a_shaper_holds_what_exceeds_its_burst(size: int, expected_us: float) -> None:
    assert storage.wire(Size(size), Rate(10**9), Size(31_250)) == pytest.approx(expected_us * 1000)


def limit(rate: float) -> Expectation:
    return Expectation(rate, None, rate, "1/s", "a limit")


def test_far_from_full_the_round_trip_decides_and_near_it_nothing_is_expected() -> None:
    asked = storage.operations(Duration(10 * MS), Duration(0))
    assert storage.shared(asked, limit(1000), limit(200)) == asked
    for full, high in ((150, 100), (60, 60)):
        found = storage.shared(asked, limit(1000), limit(full))
        assert (found.expected, found.low, found.high) == (None, None, high)
        assert "no theory" in found.source


@pytest.mark.parametrize(("depth", "rtt", "service"), [(0, 1, 1), (1, 0, 0), (1, -1, 2)])
def test_what_gives_no_rate_is_refused(depth: int, rtt: int, service: int) -> None:
    with pytest.raises(ValueError, match="give no rate"):
        storage.operations(Duration(rtt), Duration(service), depth=depth)


def test_without_loss_an_operation_takes_its_round_trip() -> None:
    found = storage.lossy(Duration(10 * MS), Duration(0), 0.0, 1000)
    assert found.low == found.expected == found.high == 100


def waits(loss: float, timeout_s: float, count: int) -> float:
    """Mean wait of operations that are tried until both of their packets arrive, one draw for each packet."""
    chance, waited = random.Random(1), 0.0
    for _ in range(count):
        again = timeout_s
        while chance.random() < loss or chance.random() < loss:
            waited += again
            again *= 2
    return waited / count


@pytest.mark.parametrize("loss", [0.001, 0.01, 0.05])
def test_a_lost_packet_costs_a_timeout_and_each_further_one_twice_as_much(loss: float) -> None:
    rtt, over = Duration(10 * MS), 100_000
    found = storage.lossy(rtt, Duration(0), loss, over)
    assert found.contains(1 / (rtt.seconds + waits(loss, 0.21, over)))
    assert found.low is not None and found.expected is not None
    assert found.low > 0.7 * found.expected  # so much for 100,000 of them


def test_of_several_packets_one_way_only_bounds_are_known() -> None:
    one, four = (storage.lossy(Duration(10 * MS), Duration(0), 0.01, 10**6, packets) for packets in ((1, 1), (1, 3)))
    assert one.low and one.high and four.low and four.high
    assert four.expected is None and four.low < one.low and four.high > one.high
    assert four.high == pytest.approx(1 / (0.010 + 0.21 * 0.01 / 0.98), rel=0.02)  # the single packet alone


@pytest.mark.parametrize(("loss", "over"), [(0.2, 100), (0.01, 0)])
def test_waits_without_a_variance_have_no_bounds(loss: float, over: int) -> None:
    with pytest.raises(ValueError, match="no mean time"):
        storage.lossy(Duration(10 * MS), Duration(0), loss, over)
