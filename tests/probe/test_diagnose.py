"""Claims about the reason that is given for a failed attempt: it follows from sightings and counters alone."""

from __future__ import annotations

import errno
import socket
import struct

from testbed.plan.expect import OK, Outcome
from testbed.probe.diagnose import black_hole, diagnose
from testbed.probe.place import Place
from testbed.probe.tap import Sighting, read

A, B = Place("a", "10.0.0.1"), Place("b", "10.0.1.1")
NOTHING = errno.ETIMEDOUT


def seen(node: str, *, out: bool, answer: bool = False, size: int = 60, no_route: bool = False) -> Sighting:
    source, target = (B, A) if answer else (A, B)
    return Sighting(node, "eth0", out, source.address, target.address, size, no_route)


ASKED = [seen("a", out=True), seen("gw", out=False)]
ARRIVED = [*ASKED, seen("gw", out=True), seen("b", out=False)]


def test_what_works_needs_no_reason() -> None:
    assert diagnose([], A, B, 0, {}) == OK


def test_a_filter_counts_where_the_packet_was_seen_and_nowhere_else() -> None:
    drops = {("other", "x"): 3, ("gw", "y"): 0, ("b", "group: no rule allows"): 1}
    assert diagnose(ARRIVED, A, B, NOTHING, drops) == Outcome("filtered", "b", "group: no rule allows")
    assert diagnose(ARRIVED, A, B, NOTHING, {("other", "x"): 3}) == Outcome("timeout")


def test_the_sender_s_own_filter_counts_though_nothing_was_seen() -> None:
    assert diagnose([], A, B, errno.EPERM, {("a", "out"): 1}) == Outcome("filtered", "a", "out")


def test_a_router_that_says_so_has_no_route() -> None:
    says = [*ASKED, seen("gw", out=True, answer=True, no_route=True), seen("a", out=False, answer=True, no_route=True)]
    assert diagnose(says, A, B, errno.EHOSTUNREACH, {}) == Outcome("no route", "gw")
    assert diagnose([], A, B, errno.ENETUNREACH, {}) == Outcome("no route", "a")


def test_a_reset_is_the_target_s_and_silence_is_told_where_it_began() -> None:
    assert diagnose(ARRIVED, A, B, errno.ECONNREFUSED, {}) == Outcome("reset", "b")
    assert diagnose(ASKED, A, B, NOTHING, {}) == Outcome("timeout", "gw")


def test_a_black_hole_is_where_large_packets_go_in_and_small_ones_alone_come_out() -> None:
    large = [seen("a", out=True, size=9001), seen("gw", out=False, size=9001)]
    assert black_hole([*ARRIVED, *large], A, B, 1446) == Outcome("black hole", "gw", "MTU 1446")


def test_packets_are_read_in_both_families_and_what_is_none_is_left_out() -> None:
    four = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 56, 0, 0, 64, 1, 0, bytes([10, 0, 0, 1]), bytes([10, 0, 1, 1]))
    assert read("gw", "dx", True, four + b"\x03\x00" + bytes(6)) == Sighting(
        "gw", "dx", True, "10.0.0.1", "10.0.1.1", 56, True
    )
    a, b = (socket.inet_pton(socket.AF_INET6, text) for text in ("fd00::1", "fd00::2"))
    six = struct.pack("!IHBB", 6 << 28, 20, 6, 64) + a + b + bytes(20)
    assert read("gw", "dx", False, six) == Sighting("gw", "dx", False, "fd00::1", "fd00::2", 60)
    assert read("gw", "dx", False, b"\x08\x06") is None
