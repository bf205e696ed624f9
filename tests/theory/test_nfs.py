"""Claims about NFS's timeouts, checked against nfs(5) and the kernel's constants."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testbed.theory import nfs
from testbed.units import Duration

S = 10**9
RTT = Duration(10**7)


@pytest.mark.parametrize(
    ("timeo", "retrans", "expected"), [(60, 2, 180), (5, 2, 15), (20, 4, 100), (600, 2, 600), (60, 0, 60)]
)
def test_a_request_fails_after_retrans_more_timeouts_but_600_s_at_most(timeo: int, retrans: int, expected: int) -> None:
    assert nfs.major_timeout(Duration(timeo * S), retrans) == expected * S


@pytest.mark.parametrize(("lease", "expected"), [(90, 90), (91, 91), (10, 18)])
def test_a_connection_is_given_up_after_a_lease_but_not_below_18_s(lease: int, expected: int) -> None:
    assert nfs.connection_timeout(Duration(lease * S)).seconds == pytest.approx(expected, abs=0.01)


def test_the_usual_soft_mount_fails_at_180_s() -> None:
    found = nfs.first_error(Duration(60 * S), 2, RTT)
    assert (found.low, found.expected) == (180, 180) and found.high is not None and found.high < 185


def test_a_short_timeout_waits_for_the_connection() -> None:
    found = nfs.first_error(Duration(5 * S), 2, RTT)
    gone = nfs.given_up(RTT).high
    assert found.low == 90 and found.expected is None and found.high is not None and gone is not None
    assert found.high == pytest.approx(gone + 15 + 4)


@pytest.mark.parametrize(("rtt_ms", "at_most"), [(10, 0.26 * 511), (200, 0.45 * 255)])
def test_tcp_gives_up_when_it_next_sends_again(rtt_ms: int, at_most: float) -> None:
    found = nfs.given_up(Duration(rtt_ms * 10**6))
    assert found.low == 90 and found.high == pytest.approx(at_most)


@pytest.mark.parametrize(
    ("lost", "outage", "low", "high"),
    [("hard", 200, 0, 0), ("soft", 60, 0, 0), ("soft", 200, 1, None), ("softerr", 200, 1, None)],
)
def test_calls_fail_on_soft_mounts_in_long_outages_alone(
    lost: str, outage: int, low: float, high: float | None
) -> None:
    found = nfs.errors(lost, Duration(outage * S), nfs.first_error(Duration(60 * S), 2, RTT))
    assert found is not None and (found.low, found.high) == (low, high)


def test_while_calls_begin_to_fail_no_theory_counts_them() -> None:
    assert nfs.errors("soft", Duration(182 * S), nfs.first_error(Duration(60 * S), 2, RTT)) is None


@pytest.mark.parametrize(
    ("outage", "low", "high"),
    [
        (10, 3.2, 7.95),  # retransmissions at 0.21 x 63 s, so 13.2 s, at the earliest
        (60, 0, 34.9),  # at 0.21 x 255 = 53.6 s or just after 60 s; or the connection is given up at 90 s
        (95, 0, 33.1),  # SYNs at 35 s and 67 s of an attempt
        (300, 0, 33.1),
    ],
)
def test_work_goes_on_when_the_client_next_sends(outage: int, low: float, high: float) -> None:
    found = nfs.back_after(Duration(outage * S), RTT)
    assert found.low == pytest.approx(low, abs=0.05) and found.high == pytest.approx(high, abs=0.1)


@given(st.integers(1, 3000), st.integers(1, 200))
def test_tcp_never_waits_longer_than_the_outage_lasted_and_a_connect_no_longer_than_a_lease(
    outage: int, rtt_ms: int
) -> None:
    found = nfs.back_after(Duration(outage * S), Duration(rtt_ms * 10**6))
    slack = 12 * rtt_ms / 1000 + 2
    assert found.low is not None and found.high is not None and found.low <= found.high
    assert found.low <= min(outage, 90) and found.high <= 2.2 * min(outage, 90) + slack


def test_syns_are_sent_each_second_and_then_after_waits_that_double() -> None:
    # 0, 1, 2, 3, 4, 5, 7, 11, 19, 35, 67 s: 32 s at most within 90 s, 8 s within 18 s.
    assert nfs.longest_syn_wait() == 32 * S
    assert nfs.longest_syn_wait(Duration(10 * S)) == 10 * S  # from 11 s until the end at 18 s, and 3 s
