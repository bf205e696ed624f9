"""Claims about stalls of a TCP stream, from looks made by hand."""

from __future__ import annotations

from testbed.probe.tcp_stream import Stall, stalls
from testbed.units import Duration

MS = 10**6
LIMIT = Duration(50 * MS)


def looks(*acked: int, written: int = 100) -> list[tuple[int, ...]]:
    """A look each 10 ms; more and more is written."""
    return [(at * 10 * MS, written + at, got, 0, 0, 10, 0) for at, got in enumerate(acked)]


def test_a_stream_that_gets_on_has_no_stall() -> None:
    assert list(stalls(looks(*range(0, 100, 5)), LIMIT)) == []


def test_a_stall_lasts_from_the_last_progress_to_the_next() -> None:
    assert list(stalls(looks(10, 20, 30, 30, 30, 30, 30, 30, 30, 40, 50), LIMIT)) == [Stall(20 * MS, 90 * MS)]


def test_a_pause_in_which_nothing_waits_is_no_stall() -> None:
    idle = [(at * 10 * MS, 100, 100, 0, 0, 10, 0) for at in range(20)]
    assert list(stalls(idle, LIMIT)) == []


def test_a_short_one_does_not_count_and_one_without_end_is_cut_at_the_last_look() -> None:
    assert list(stalls(looks(10, 20, 20, 20, 30, 40), LIMIT)) == []
    assert list(stalls(looks(10, 20, 20, 20, 20, 20, 20, 20, 20), LIMIT)) == [Stall(10 * MS, 80 * MS)]
    assert Stall(10 * MS, 80 * MS).length_s == 0.07


def test_no_looks_no_stalls() -> None:
    assert list(stalls([], LIMIT)) == []
