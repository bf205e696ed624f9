"""Dead peer detection: strongSwan's published waits, and what follows from them for both ends of a tunnel."""

from __future__ import annotations

import pytest

from testbed.theory.dpd import Retransmission, dpd_delay, ike_dpd, renewed_s, retransmission
from testbed.theory.failover import Cut
from testbed.units import Duration

S = 10**9
AT_ONCE = Duration(0)


def test_strongswan_gives_up_after_165_s() -> None:
    # strongSwan documentation, "Retransmission timeouts": 4, 7, 13, 23, 42, 76 s, giving up after 165 s.
    usual = Retransmission()
    assert usual.gives_up_s == pytest.approx(165.06, abs=0.01)
    assert [round(usual.sent_s(n + 1) - usual.sent_s(n)) for n in range(6)] == [4, 7, 13, 23, 42, 76]
    assert renewed_s(usual) == pytest.approx(75.58, abs=0.01)


@pytest.mark.parametrize("dpd", [30, 45, 120])
def test_a_peer_is_dead_a_dpd_timeout_after_the_first_question(dpd: int) -> None:
    assert retransmission(Duration(dpd * S)).gives_up_s == pytest.approx(dpd, abs=0.021)  # half a millisecond, times 41


def test_a_silent_tunnel_is_asked_after_the_delay_and_then_given_up() -> None:
    gap = ike_dpd(Duration(30 * S), Cut(handling=AT_ONCE))
    assert gap.expected == pytest.approx(195.06, abs=0.01)
    assert gap.low == pytest.approx(194.06, abs=0.01) and gap.high == pytest.approx(196.06, abs=0.01)


def test_awss_30_s_take_40_s_since_the_first_question_comes_after_10_s() -> None:
    dpd = Duration(30 * S)
    gap = ike_dpd(dpd_delay(dpd), Cut(delay=Duration(15_000_000), handling=AT_ONCE), retransmission(dpd))
    assert gap.expected == pytest.approx(40, abs=0.01)
    assert gap.high == pytest.approx(41.015, abs=0.01)


def test_an_end_that_hears_the_others_questions_may_ask_only_after_the_last_of_them() -> None:
    dpd = Duration(30 * S)
    cut = Cut(silent="a_to_b", handling=AT_ONCE)
    gap = ike_dpd(dpd_delay(dpd), cut, retransmission(dpd))
    # 10 s until the deaf end asks, 16.26 s until it asks for the last time, 10 s until this one asks, 30 s; rounded.
    assert gap.expected is None
    assert gap.low == pytest.approx(39, abs=0.01) and gap.high == pytest.approx(68.26, abs=0.021)
