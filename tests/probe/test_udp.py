"""Claims about a UDP stream's rows and counts, from arrivals made by hand."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from testbed.probe import udp


def test_rows_put_the_three_instants_of_a_packet_together_and_leave_lost_ones_empty() -> None:
    rows = udp._rows([1000, 1010, 1020], {0: 1005, 2: 1025}, {0: 1009}, 900)
    assert rows == [(0, 100, 105, 109), (1, 110, None, None), (2, 120, 125, None)]


def test_the_first_arrival_counts_copies_and_late_packets_are_counted() -> None:
    known, twice, late = udp._first(iter([(0, 5), (2, 7), (1, 8), (2, 9), (3, 10)]))
    assert known == {0: 5, 2: 7, 1: 8, 3: 10}
    assert (twice, late) == (1, 1)


@given(st.permutations(range(12)))
def test_late_packets_are_those_of_rfc_4737(order: list[int]) -> None:
    _, twice, late = udp._first((number, at) for at, number in enumerate(order))
    assert twice == 0
    assert late == sum(any(before > number for before in order[:at]) for at, number in enumerate(order))
