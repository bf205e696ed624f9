"""Throughput, against the tables of the RFCs."""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testbed.theory import throughput
from testbed.theory.interval import Expectation, smallest
from testbed.theory.throughput import (
    MATHIS_DELAYED_ACK,
    cubic,
    cubic_window,
    mathis,
    pftk,
    reno_window,
    tcp_efficiency,
    tcp_goodput,
    udp_goodput,
    window_limit,
)
from testbed.units import Duration, Rate

# RFC 9438, tables 1 (RTT 0.1 s) and 2 (0.01 s): loss, Reno, CUBIC with C = 0.04, 0.4 and 4.
RFC_9438_TABLES = [
    (0.1, 1e-2, 12, 12, 12, 12),
    (0.1, 1e-3, 38, 38, 38, 59),
    (0.1, 1e-4, 120, 120, 187, 333),
    (0.1, 1e-5, 379, 593, 1054, 1874),
    (0.1, 1e-6, 1200, 3332, 5926, 10538),
    (0.1, 1e-7, 3795, 18740, 33325, 59261),
    (0.1, 1e-8, 12000, 105383, 187400, 333250),
    (0.01, 1e-2, 12, 12, 12, 12),
    (0.01, 1e-3, 38, 38, 38, 38),
    (0.01, 1e-4, 120, 120, 120, 120),
    (0.01, 1e-5, 379, 379, 379, 379),
    (0.01, 1e-6, 1200, 1200, 1200, 1874),
    (0.01, 1e-7, 3795, 3795, 5926, 10538),
    (0.01, 1e-8, 12000, 18740, 33325, 59261),
]
# RFC 9438, table 3: Mbit/s, the loss that allows it to Reno and to CUBIC; 1,500-byte packets, RTT 0.1 s.
RFC_9438_TABLE_3 = [
    (1, 2.0e-2, 2.0e-2),
    (10, 2.0e-4, 2.9e-4),
    (100, 2.0e-6, 1.4e-5),
    (1000, 2.0e-8, 6.3e-7),
    (10000, 2.0e-10, 2.9e-8),
]
losses = st.floats(1e-6, 0.3)
rtts = st.integers(10**5, 10**9).map(Duration)


@pytest.mark.parametrize(("rtt", "loss", "reno", "low", "standard", "high"), RFC_9438_TABLES)
def test_every_row_of_the_cubic_tables_is_reproduced(
    rtt: float, loss: float, reno: int, low: int, standard: int, high: int
) -> None:
    way = Duration(round(rtt * 10**9))
    found = [reno_window(loss), *(cubic_window(loss, way, c=c) for c in (0.04, 0.4, 4))]
    assert found == pytest.approx([reno, low, standard, high], rel=2e-4, abs=0.5)


@pytest.mark.parametrize(("megabits", "reno_loss", "cubic_loss"), RFC_9438_TABLE_3)
def test_every_row_of_the_required_loss_table_gives_its_rate(
    megabits: int, reno_loss: float, cubic_loss: float
) -> None:
    rtt = Duration.parse("100 ms")
    # The table's losses have two digits, so a window of loss^-3/4 is known to 4 %.
    assert mathis(1500, rtt, reno_loss, constant=1.2).expected == pytest.approx(megabits * 1e6, rel=0.04)
    assert cubic(1500, rtt, cubic_loss).expected == pytest.approx(megabits * 1e6, rel=0.04)


@pytest.mark.parametrize(("rtt_ms", "kilobytes"), [(10, 819), (20, 410), (30, 273), (50, 164), (90, 91)])
def test_nfs_reading_8_kib_at_a_time_gets_8_kib_each_round_trip(rtt_ms: int, kilobytes: int) -> None:
    limit = window_limit(8192, Duration(rtt_ms * 10**6))
    assert limit.high == limit.expected == pytest.approx(kilobytes * 8000, rel=0.002)


@given(loss=losses, rtt=rtts)
def test_pftk_is_the_equation_of_rfc_5348(loss: float, rtt: Duration) -> None:
    # RFC 5348 section 3.1, with b = 1 and t_RTO = 4 R; it leaves out the min().
    r, p = rtt.seconds, loss
    tfrc = 1460 / (r * sqrt(2 * p / 3) + 4 * r * (3 * sqrt(3 * p / 8)) * p * (1 + 32 * p * p))
    found = pftk(1460, rtt, loss, rto=Duration(4 * rtt), acked=1).expected
    assert found is not None
    if 3 * sqrt(3 * p / 8) <= 1:
        assert found == pytest.approx(8 * tfrc)
    else:
        assert found > 8 * tfrc


@given(loss=st.floats(1e-9, 1e-6), rtt=rtts)
def test_rare_loss_makes_pftk_the_formula_of_mathis(loss: float, rtt: Duration) -> None:
    simple = mathis(1460, rtt, loss, constant=MATHIS_DELAYED_ACK).expected
    assert pftk(1460, rtt, loss, rto=rtt).expected == pytest.approx(simple, rel=0.01)


@given(loss=losses, rtt=rtts)
def test_more_loss_or_a_longer_way_is_never_faster(loss: float, rtt: Duration) -> None:
    for model in (mathis, pftk, cubic):
        base, lossier, longer = (
            model(1460, rtt, loss),
            model(1460, rtt, loss * 1.1),
            model(1460, Duration(2 * rtt), loss),
        )
        assert base.expected is not None and lossier.expected is not None and longer.expected is not None
        assert lossier.expected < base.expected
        assert longer.expected < base.expected


def test_the_receivers_window_caps_pftk() -> None:
    rtt = Duration.parse("100 ms")
    assert pftk(1460, rtt, 1e-9, window=65535).expected == window_limit(65535, rtt).expected


@pytest.mark.parametrize(
    ("mtu", "family", "timestamps", "outer", "payload", "counted"),
    [
        (1500, 4, True, None, 1448, 1514),
        (1500, 4, False, None, 1460, 1514),
        (1500, 6, True, None, 1428, 1514),
        (9001, 4, True, None, 8949, 9015),
        (1446, 4, True, 1500, 1394, 1514),
    ],
)
def test_tcp_fills_a_frame_but_for_its_headers(
    mtu: int, family: int, timestamps: bool, outer: int | None, payload: int, counted: int
) -> None:
    share = tcp_efficiency(mtu, family=6 if family == 6 else 4, timestamps=timestamps, outer=outer)
    assert share == pytest.approx(payload / counted)


def test_goodput_is_the_rate_less_headers_and_a_limit_at_once() -> None:
    tcp = tcp_goodput(Rate.parse("1 Gbit/s"), 1500)
    assert tcp.expected == tcp.high == pytest.approx(1e9 * 1448 / 1514)
    udp = udp_goodput(Rate.parse("1 Gbit/s"), 1472)
    assert udp.expected == pytest.approx(1e9 * 1472 / 1514)


def test_the_tightest_of_wire_window_and_loss_binds() -> None:
    rtt = Duration.parse("20 ms")
    limits = (tcp_goodput(Rate.parse("1 Gbit/s"), 1500), window_limit(2**20, rtt), cubic(1448, rtt, 1e-4))
    assert smallest(*limits) is limits[2]


def test_what_is_no_share_and_no_size_is_refused() -> None:
    rtt = Duration.parse("20 ms")
    for attempt in (
        lambda: mathis(1460, rtt, 0),
        lambda: pftk(0, rtt, 0.1),
        lambda: cubic(1460, Duration(0), 0.1),
        lambda: reno_window(1.1),
        lambda: window_limit(0, rtt),
        lambda: tcp_efficiency(45),
        lambda: udp_goodput(Rate(1), 0),
    ):
        with pytest.raises(ValueError, match=r"."):
            attempt()


CAPACITY = Expectation(100e6, None, 100e6, "bit/s", "a link")
MS = 10**6


def test_a_queue_of_less_than_half_the_path_is_enough_for_cubic_to_fill_it() -> None:
    rtt = Duration(20 * MS)
    enough = throughput.sawtooth(CAPACITY, rtt, Duration(9 * MS), throughput.CUBIC_BETA)
    short = throughput.sawtooth(CAPACITY, rtt, Duration(2 * MS), throughput.CUBIC_BETA)
    assert enough.expected == CAPACITY.expected
    assert short.expected is None
    assert short.low == pytest.approx(0.7 * 1.1 * 100e6, rel=0.002)


def test_reno_needs_a_queue_as_long_as_the_path() -> None:
    # The rule of thumb of router buffers: Villamizar and Song, 1994; Appenzeller et al., 2004, section 2.
    rtt = Duration(20 * MS)
    assert throughput.sawtooth(CAPACITY, rtt, rtt, throughput.RENO_BETA).expected == CAPACITY.expected
    assert throughput.sawtooth(CAPACITY, rtt, Duration(rtt - MS), throughput.RENO_BETA).expected is None


def test_bbr_keeps_its_rate_under_loss_and_pays_for_probing() -> None:
    rtt, over = Duration(20 * MS), Duration(20_000 * MS)
    clean, lossy = throughput.bbr(CAPACITY, 0.0, rtt, over), throughput.bbr(CAPACITY, 0.01, rtt, over)
    assert clean.expected == pytest.approx(100e6 * (1 - 2 * 0.24 / 20))
    assert clean.low == pytest.approx(100e6 * (1 - 3 * 0.24 / 20))
    assert lossy.expected == pytest.approx(100e6 * (1 - 2 * 0.24 / 20) * 0.99)
    assert throughput.bbr(CAPACITY, 0.3, rtt, over).expected is None


def test_fairness_is_even_shares_and_promises_nothing() -> None:
    found = throughput.fairness(4)
    assert (found.expected, found.low, found.high) == (1.0, None, None)


def test_random_losses_cost_reno_less_than_the_same_share_at_even_distances() -> None:
    # Mathis et al. 1997, table 1: 1.31 against 1.22.
    rtt = Duration(20 * MS)
    random, even = (mathis(1448, rtt, 1e-3, constant=c).expected or 0 for c in (1.31, throughput.MATHIS_EVERY_ACK))
    assert throughput.MATHIS_RANDOM_LOSS == 1.31
    assert random / even == pytest.approx(1.31 / 1.2247, rel=1e-4)


def test_awss_packets_a_second_of_small_datagrams_are_far_below_the_tunnels_rate() -> None:
    assert throughput.packet_limit(140_000, 64).high == 71_680_000


def test_a_tunnels_rate_counts_whole_inner_packets() -> None:
    # 1.25 Gbit/s of AWS's tunnel, 1,400 bytes of payload in 1,428 of UDP and IP.
    assert throughput.byte_limit(Rate.parse("1.25 Gbit/s"), 1400, 1428).high == pytest.approx(1.2255e9, rel=1e-4)


@pytest.mark.parametrize(
    "call",
    [
        lambda: throughput.fairness(0),
        lambda: throughput.byte_limit(Rate(1), 2, 1),
        lambda: throughput.packet_limit(0, 64),
        lambda: throughput.bbr(CAPACITY, 2.0, Duration(MS), Duration(MS)),
        lambda: throughput.sawtooth(Expectation(None, 1, 2, "bit/s", ""), Duration(MS), Duration(MS), 0.5),
    ],
)
def test_what_is_no_traffic_is_refused(call: Callable[[], Expectation]) -> None:
    with pytest.raises(ValueError):
        call()
