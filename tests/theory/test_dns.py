"""Claims about what names cost, and who gives up when."""

from __future__ import annotations

import pytest

from testbed.theory import dns, rtt
from testbed.units import Duration

S = 10**9


def leg(ms: float) -> tuple[Duration, Duration, Duration]:
    return Duration(round(ms * 10**6 / 2)), Duration(round(ms * 10**6 / 2)), Duration(0)


def test_a_name_costs_the_round_trip_to_each_server_in_turn() -> None:
    near, far = rtt.median([leg(0.5)]), rtt.median([leg(0.25), leg(10), leg(0.25)])
    known, asked = dns.lookup([near]), dns.lookup([near, far])
    assert known.expected == pytest.approx(0.5) and asked.expected == pytest.approx(11)
    assert asked.low is not None and known.high is not None and known.high < asked.low


def test_an_answer_is_kept_for_its_ttl_less_the_part_of_a_second() -> None:
    kept = dns.kept(Duration(60 * S), Duration(S))
    assert kept.contains(58) and kept.contains(60) and not kept.contains(57.9) and not kept.contains(60.1)
    assert dns.kept(Duration(S), Duration(S)).low == 0


def test_two_further_syns_take_seven_seconds() -> None:
    """1 + 2 + 4 s: Linux's default of six takes 127 s (tcp(7), tcp_syn_retries)."""
    longest = dns.hangs_up()
    assert longest.contains(7) and longest.high is not None and 7 < longest.high < 7.25


def test_a_dead_link_is_the_programs_own_patience() -> None:
    assert dns.patience(Duration(5 * S)).contains(5) and not dns.patience(Duration(5 * S)).contains(4.99)


def test_the_c_library_asks_two_servers_twice_for_five_seconds_each() -> None:
    both = dns.library_gives_up(2)
    assert both.expected == 20 and both.contains(20.01) and not both.contains(20.03)
    assert dns.library_gives_up(1).expected == 10


def test_the_first_answer_comes_with_the_next_question_that_is_sent_on() -> None:
    back = dns.back(dns.lookup([rtt.median([leg(10)])]), Duration(S))
    assert back.contains(0.0) and back.contains(3.0) and not back.contains(3.1)
