"""Claims about what an outage does to metrics and logs, and about when TCP sends into a silence."""

from __future__ import annotations

import pytest

from testbed.theory import monitoring as theory
from testbed.theory.stall import RTO_MAX, resent
from testbed.units import Duration

RTT, TENTH = Duration.parse("10 ms"), Duration.parse("100 ms")


def seconds(number: float) -> Duration:
    return Duration(round(number * 10**9))


def test_waits_double_until_they_are_two_minutes() -> None:
    windows = resent(RTT, TENTH, seconds(1000))
    lows = [low / 10**9 for low, _ in windows]
    assert lows[:4] == pytest.approx([0, 0.21, 0.63, 1.47])
    assert lows[-1] - lows[-2] == RTO_MAX.seconds
    assert all(low < high for low, high in windows)


@pytest.mark.parametrize(
    ("outage", "low", "high"),
    [
        pytest.param(20, 26.5, 35.5, id="one retransmission is sure to be the first"),
        pytest.param(60, 53.5 - 0.1 + 6.5, 135, id="either of two"),
        pytest.param(500, 500, 500 + 121 + 13, id="waits no longer than two minutes"),
    ],
)
def test_a_line_waits_for_the_first_retransmission_after_an_outage(outage: int, low: float, high: float) -> None:
    found = theory.lines_late(seconds(outage), RTT, TENTH, "tcp")
    assert found.low is not None
    assert found.high is not None
    assert found.low >= low - 0.2
    assert found.high <= high


def test_relp_opens_another_connection_when_its_window_was_full_for_90_s() -> None:
    found = theory.lines_late(seconds(95), RTT, TENTH, "relp")
    assert found.low == pytest.approx(12.8 + 90 - 0.1)
    assert (
        theory.lines_late(seconds(20), RTT, TENTH, "relp").low == theory.lines_late(seconds(20), RTT, TENTH, "tcp").low
    )


@pytest.mark.parametrize(("outage", "high"), [(60, 17.03), (28, 7.03 + 1.03), (2, 4.6)])
def test_a_request_goes_out_again_by_tcp_by_its_timeout_or_by_the_next_syn(outage: float, high: float) -> None:
    found = theory.written_again(seconds(outage), RTT)
    assert found.high is not None
    assert found.high <= high + 5


def test_more_waits_longer_to_be_caught_up() -> None:
    few, many = (theory.caught_up(seconds(60), RTT, rate, TENTH).high for rate in (100, 10_000))
    assert few is not None
    assert many is not None
    assert few < many


def test_what_is_written_is_whole_until_the_receiver_holds_it_for_too_old() -> None:
    assert theory.written_lost(seconds(3599)).high == 0
    assert theory.written_lost(seconds(3600)).low == 1


def test_a_fetch_that_failed_is_not_made_up_for() -> None:
    found = theory.fetches_lost(seconds(60), seconds(5), 3)
    assert (found.low, found.expected, found.high) == (30, 36, 42)
    assert theory.fetches_lost(seconds(0), seconds(5), 3).low == 0


def test_lines_are_whole_while_their_connection_lives() -> None:
    assert theory.lines_lost(seconds(900)).high == 0
    assert theory.lines_lost(seconds(1000)).high is None
    assert theory.lines_replayed("tcp").high == 0
    assert theory.lines_replayed("relp").high == 128


def test_relp_that_gave_up_in_the_outage_tries_each_30_s_afterwards() -> None:
    found = theory.lines_late(seconds(300), RTT, TENTH, "relp")
    assert found.low == pytest.approx(299.9)
    by_tcp = theory.lines_late(seconds(300), RTT, TENTH, "tcp").high
    assert by_tcp is not None
    assert found.high == pytest.approx(max(300 + 30 + 10 + 1.02, by_tcp))


def test_relp_is_no_later_than_the_connection_that_it_has() -> None:
    """Both ways were seen on a cluster after 60 s: another connection after 103.9 s, and TCP's own after 111.6 s."""
    found = {each: theory.lines_late(seconds(60), RTT, TENTH, each) for each in ("tcp", "relp")}
    assert found["relp"].high == found["tcp"].high
    assert all(found["relp"].contains(seen) for seen in (103.9, 111.6))


def test_a_restart_loses_what_plain_tcp_has_sent_and_nothing_of_relp() -> None:
    lost = {each: theory.lines_lost_restarted(seconds(60), RTT, TENTH, each) for each in ("tcp", "relp")}
    assert lost["relp"].high == 0
    assert lost["tcp"].low == 1
    assert theory.lines_lost_restarted(seconds(0), RTT, TENTH, "tcp").low == 0


def test_lines_are_in_order_until_their_queue_goes_to_disk() -> None:
    late = theory.lines_late(seconds(60), RTT, TENTH, "relp")
    assert theory.lines_disordered(late, TENTH).high == pytest.approx(1342, abs=1)
    assert theory.lines_disordered(late, seconds(1)).high == 0


def test_a_restart_makes_late_what_was_not() -> None:
    usual = theory.line_late(RTT)
    later = theory.restarted(usual, seconds(40))
    assert usual.high is not None
    assert later.high == usual.high + 40
    assert later.source.startswith(usual.source)
