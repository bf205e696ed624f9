"""Claims about what is read off a probe of packets, from packets made by hand."""

from __future__ import annotations

import pytest

from testbed.check.flows import Packet
from testbed.check.measured import Measured
from testbed.errors import InputError, RunError
from testbed.probe.readings import Readings

MS = 10**6
RTT = 10 * MS


def probe(answered: str) -> Readings:
    """A packet a millisecond; ``x``: it was lost."""
    made = Readings()
    made.name = "flow"
    made.take(Packet(i * MS, None, None if mark == "x" else i * MS + RTT) for i, mark in enumerate(answered))
    return made


def test_the_longest_gap_is_from_the_first_lost_packet_to_the_next_that_was_answered() -> None:
    assert probe(".xx..xxxx..").longest_gap == "4 ms"
    assert probe(".....").longest_gap == "0"


def test_a_gap_to_the_end_of_the_probe_has_no_known_length() -> None:
    flow = probe("..xxxx")
    assert flow.longest_gap >= "3 ms" and not flow.longest_gap < "2 ms"
    with pytest.raises(RunError, match="not known"):
        bool(flow.longest_gap < "1 s")


def test_a_longer_gap_before_an_open_one_is_at_least_the_longest() -> None:
    assert probe(".xxxxx..xx").longest_gap == "5 ms", "the open one is shorter so far"


def test_nothing_is_known_where_nothing_was_answered() -> None:
    with pytest.raises(RunError, match="not known"):
        _ = probe("xxx").longest_gap
    with pytest.raises(RunError, match="not known"):
        probe("xxx").rtt()
    with pytest.raises(RunError, match="not known"):
        _ = probe("").lost


def test_loss_and_round_trips() -> None:
    flow = probe(".x..")
    assert flow.lost == "25 %"
    assert flow.rtt() == "10 ms" and flow.rtt("99 %") == "10 ms"


def test_a_probe_that_still_runs_cannot_be_read() -> None:
    running = Readings()
    running.name = "flow"
    with pytest.raises(InputError, match="after its block"):
        _ = running.longest_gap


def test_each_reading_is_told_once() -> None:
    heard: list[Measured] = []
    flow = probe(".x.")
    flow.tell(heard.append)
    for _ in range(2):
        assert flow.longest_gap == "1 ms"
    assert [each.name for each in heard] == ["flow.longest_gap"]
