"""Claims about the tables that shape netem's jitter, judged by the kernel's own arithmetic."""

from __future__ import annotations

import math
from statistics import fmean, pstdev
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testbed.errors import InputError
from testbed.model import Distribution
from testbed.plan import distribution
from testbed.plan.distribution import SCALE, Table, table
from testbed.units import Duration

MS = 10**6
SHAPES = [shape for shape in get_args(Distribution) if shape not in ("constant", "table")]
LEAST_ROOM = {"uniform": math.sqrt(3), "normal": math.sqrt(3), "pareto": 0.821, "paretonormal": 1.09}


def truncated(numerator: int, denominator: int) -> int:
    """Integer division as C does it, towards 0."""
    return -(-numerator // denominator) if numerator < 0 else numerator // denominator


def kernel_delays(made: Table, delay_ns: int, jitter_ns: int) -> list[int]:
    """``tabledist`` of ``net/sched/sch_netem.c`` for each entry once, and a delay below 0 as what it comes to: 0."""
    sigma = jitter_ns * made.spread
    found = []
    for t in made.entries:
        x = sigma % SCALE * t
        x += SCALE // 2 if x >= 0 else -(SCALE // 2)
        found.append(max(0, truncated(x, SCALE) + sigma // SCALE * t + delay_ns))
    return found


def close(values: list[int], delay_ns: int, jitter_ns: int) -> bool:
    """Mean and deviation within 0.5 % of the jitter, or the nanosecond that the kernel rounds to."""
    bound = max(0.005 * jitter_ns, 0.7)
    return abs(fmean(values) - delay_ns) <= bound and abs(pstdev(values) - jitter_ns) <= bound


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("room", [1000, 10, 4, 3, 2, 1.74])
def test_the_deviation_delivered_is_the_one_asked_for_every_shape_and_room(shape: Distribution, room: float) -> None:
    jitter = 3 * MS
    made = table(shape, delay_ns=int(room * jitter), jitter_ns=jitter)
    assert made is not None
    assert close(kernel_delays(made, int(room * jitter), jitter), int(room * jitter), jitter)


@given(shape=st.sampled_from(SHAPES), jitter=st.integers(10, 2**31 - 1), room=st.floats(0.1, 50))
def test_a_shape_is_delivered_or_refused_and_never_cut_off_at_a_delay_of_zero(
    shape: Distribution, jitter: int, room: float
) -> None:
    delay = int(room * jitter)
    try:
        made = table(shape, delay_ns=delay, jitter_ns=jitter)
    except InputError as error:
        assert delay < (LEAST_ROOM[shape] + 0.001) * jitter
        assert "must be at least" in error.problems[0].hint
        return
    assert made is not None
    assert delay + made.entries[0] * jitter * made.spread / SCALE >= -0.5
    assert close(kernel_delays(made, delay, jitter), delay, jitter)


@given(samples=st.lists(st.integers(0, 10**9), min_size=2, max_size=400).filter(lambda s: len(set(s)) > 1))
def test_measured_delays_keep_their_shape_outliers_and_all(samples: list[int]) -> None:
    jitter = 2 * MS
    made = table("table", delay_ns=100 * jitter, jitter_ns=jitter, samples=samples)
    assert made is not None
    delays = kernel_delays(made, 100 * jitter, jitter)
    assert close(delays, 100 * jitter, jitter)
    mean, deviation = fmean(samples), pstdev(samples)
    expected = [100 * jitter + (value - mean) / deviation * jitter for value in sorted(samples)]
    # One entry is spread / 8192 of the deviation.
    assert max(abs(a - b) for a, b in zip(delays, expected, strict=True)) <= 0.51 * made.spread / SCALE * jitter + 1


def test_many_measured_delays_are_thinned_to_what_the_kernel_takes() -> None:
    made = table("table", delay_ns=MS, jitter_ns=MS // 10, samples=range(100_000))
    assert made is not None
    assert len(made.entries) == distribution.ENTRIES_MAX
    assert close(kernel_delays(made, MS, MS // 10), MS, MS // 10)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_table_is_sorted_fits_its_field_and_comes_out_the_same_twice(shape: Distribution) -> None:
    made = table(shape, delay_ns=10 * MS, jitter_ns=MS)
    assert made is not None
    assert made.spread == 1
    assert list(made.entries) == sorted(made.entries)
    assert -(2**15) <= made.entries[0] <= made.entries[-1] < 2**15
    distribution._cut_to.cache_clear()
    assert table(shape, delay_ns=10 * MS, jitter_ns=MS) == made


def test_links_with_enough_room_share_one_table() -> None:
    made = [table("normal", delay_ns=delay * MS, jitter_ns=MS) for delay in (5, 50, 500)]
    assert made[0] == made[1] == made[2]


def test_no_jitter_needs_no_table_whatever_the_shape() -> None:
    assert all(table(shape, delay_ns=MS, jitter_ns=0) is None for shape in get_args(Distribution))


@pytest.mark.parametrize(
    ("shape", "delay", "jitter", "samples", "words"),
    [
        ("constant", 10 * MS, MS, (), "a constant delay has no jitter"),
        ("normal", 10 * MS, 6 * MS, (), "1.73 standard deviations below the mean"),
        ("uniform", 10 * MS, 6 * MS, (), "1.73 standard deviations below the mean"),
        ("pareto", 10 * MS, 13 * MS, (), "0.82 standard deviations below the mean"),
        ("paretonormal", 10 * MS, 10 * MS, (), "1.09 standard deviations below the mean"),
        ("normal", 0, 1, (), "below a delay of 0"),
        ("table", 10 * MS, MS, (), "at least two delays that differ"),
        ("table", 10 * MS, MS, (5, 5, 5), "at least two delays that differ"),
        ("table", 10 * MS, 9 * MS, (1, 2, 2, 2), "1.73 standard deviations below the mean"),
        ("normal", 10**11, 2**31, (), "the kernel takes at most 2.147 s of jitter"),
        ("normal", -1, 0, (), "cannot be negative"),
        ("normal", 1, -1, (), "cannot be negative"),
    ],
)
def test_what_cannot_be_delivered_is_refused_in_words(
    shape: Distribution, delay: int, jitter: int, samples: tuple[int, ...], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        table(shape, delay_ns=delay, jitter_ns=jitter, samples=samples)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_least_delay_in_the_hint_is_accepted(shape: Distribution) -> None:
    with pytest.raises(InputError) as caught:
        table(shape, delay_ns=MS // 2, jitter_ns=MS)
    least = int(Duration.parse(caught.value.problems[0].hint.rpartition(": ")[2]))
    made = table(shape, delay_ns=least, jitter_ns=MS)
    assert made is not None
    assert close(kernel_delays(made, least, MS), least, MS)


def test_an_entry_that_rounding_put_below_a_delay_of_zero_is_raised_to_it() -> None:
    roomy = table("uniform", delay_ns=10 * MS, jitter_ns=MS)
    assert roomy is not None
    # A jitter of 8,192 us makes one entry 1 us; the delay is one entry too small.
    tight = table("uniform", delay_ns=(-roomy.entries[0] - 1) * 1000, jitter_ns=8192 * 1000)
    assert tight is not None
    assert tight.entries[0] == roomy.entries[0] + 1
    assert tight.entries[2:] == roomy.entries[2:]
