"""Claims about the pace of a volume, on a clock of our own."""

from __future__ import annotations

import pytest

from testbed.daemons.volume_model import Pace
from testbed.theory import volumes
from testbed.units import Size

KIB, MIB, GIB, TIB = 2**10, 2**20, 2**30, 2**40


def rate(kind: str, have: volumes.Limits, length: int, count: int, depth: int = 64) -> float:
    """Requests a second of a closed loop."""
    pace = Pace(kind, have, 1)
    under_way = sorted(pace.due(0, length) for _ in range(depth))
    for _ in range(count):
        now = under_way.pop(0)
        under_way = sorted([*under_way, pace.due(now, length)])
    return 1e9 * count / now


@pytest.mark.parametrize(
    ("kind", "length", "expected"),
    [
        ("gp3", 4 * KIB, 3000), ("gp3", 128 * KIB, 1000), ("gp3", 256 * KIB, 500), ("gp3", MIB, 125),
        ("io2", 16 * KIB, 16_000), ("io2", 256 * KIB, 16_000), ("io2", MIB, 4000),
    ],
)  # fmt: skip
def test_a_full_load_lands_on_the_documented_limit(kind: str, length: int, expected: float) -> None:
    have = volumes.limits(kind, Size(GIB))
    assert rate(kind, have, length, 3000) == pytest.approx(expected, rel=0.02)
    assert volumes.saturated(kind, have, Size(length)).expected == expected


def test_io_larger_than_a_counted_request_counts_as_several() -> None:
    have = volumes.limits("gp3", Size(GIB), iops=100)
    assert rate("gp3", have, MIB, 200) == pytest.approx(25, rel=0.02)


def test_st1_bursts_until_its_credits_are_gone_and_then_has_its_base() -> None:
    have = volumes.limits("st1", Size(TIB), credits=Size(GIB))
    assert (have.byte_s, have.base_s) == (250 * MIB, 40 * MIB)
    assert volumes.burst_lasts(have) == pytest.approx(1024 / 210)
    assert rate("st1", have, MIB, 1000) == pytest.approx(250, rel=0.02)
    burst = 1024 * 250 / 210  # requests until the credits, and what is earned meanwhile, are gone
    assert rate("st1", have, MIB, 5000) == pytest.approx(5000 / (burst / 250 + (5000 - burst) / 40), rel=0.02)


def test_a_larger_st1_is_faster_up_to_500_mib_a_second() -> None:
    assert [volumes.limits("st1", Size(n * TIB)).byte_s // MIB for n in (1, 2, 4)] == [250, 500, 500]
    assert [volumes.limits("st1", Size(n * TIB)).base_s // MIB for n in (1, 2, 4)] == [40, 80, 160]


def test_one_request_at_a_time_takes_the_band() -> None:
    pace, now, times = Pace("io2", volumes.limits("io2", Size(GIB)), 3), 0, []
    for _ in range(500):
        done = pace.due(now, 4 * KIB)
        times.append((done - now) / 1e9)
        now = done
    assert min(times) >= 200e-6 and max(times) <= 400e-6
    assert volumes.one_at_a_time("io2", volumes.limits("io2", Size(GIB)), 500).contains(sum(times) / 500)
