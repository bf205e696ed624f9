"""Claims about echo requests and what is understood of answers, byte for byte."""

from __future__ import annotations

import socket
import struct

import pytest

from testbed.probe import ping
from testbed.probe.ping import Answer

V4, V6 = socket.AF_INET, socket.AF_INET6


def ip4(ttl: int, body: bytes) -> bytes:
    """An IPv4 packet of ICMP."""
    return struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(body), 0, 0, ttl, 1, 0, bytes(4), bytes(4)) + body


def ip6(body: bytes) -> bytes:
    """An IPv6 packet of ICMPv6, as an error quotes it."""
    return struct.pack("!IHBB", 6 << 28, len(body), 58, 64) + bytes(32) + body


def reply(family: int, ident: int, number: int) -> bytes:
    """What the far kernel makes of a request."""
    kind = 0 if family == V4 else 129
    return bytes([kind]) + ping.request(family, ident, number, 56)[1:]


def test_a_request_is_64_bytes_with_its_number_and_a_right_checksum() -> None:
    made = ping.request(V4, 0x1234, 70_000, 56)
    assert len(made) == 64
    assert made[:2] == b"\x08\x00"
    assert struct.unpack("!HH", made[4:8]) == (0x1234, 70_000 & 0xFFFF)
    assert struct.unpack("!Q", made[8:16]) == (70_000,)
    assert ping.checksum(made) == 0  # a packet with its checksum in it sums up to nothing


def test_the_checksum_is_that_of_rfc_1071() -> None:
    assert ping.checksum(bytes([0x00, 0x01, 0xF2, 0x03, 0xF4, 0xF5, 0xF6, 0xF7])) == ~0xDDF2 & 0xFFFF
    assert ping.checksum(b"\x01") == ~0x0100 & 0xFFFF


@pytest.mark.parametrize("number", [0, 65_535, 65_536, 10**9])
def test_a_reply_is_known_by_its_number_beyond_what_the_sequence_field_holds(number: int) -> None:
    assert ping.answer(V4, 7, ip4(61, reply(V4, 7, number))) == Answer(number, 61, None)
    assert ping.answer(V6, 7, reply(V6, 7, number), 60) == Answer(number, 60, None)


def test_answers_to_others_are_passed_over() -> None:
    assert ping.answer(V4, 7, ip4(61, reply(V4, 8, 1))) is None
    assert ping.answer(V4, 7, ip4(61, ping.request(V4, 7, 1, 56))) is None


def test_an_error_is_known_by_what_it_quotes() -> None:
    request4, request6 = ping.request(V4, 7, 3, 56), ping.request(V6, 7, 3, 56)
    time_exceeded = ip4(63, struct.pack("!BBHI", 11, 0, 0, 0) + ip4(1, request4))
    assert ping.answer(V4, 7, time_exceeded) == Answer(3, 63, 11 * 256)
    unreachable = struct.pack("!BBHI", 1, 3, 0, 0) + ip6(request6)
    assert ping.answer(V6, 7, unreachable, 62) == Answer(3, 62, 256 + 3)


def test_rows_tell_replies_errors_and_silence_apart_and_a_reply_outweighs_an_error() -> None:
    records = iter([(0, 1010, 62, -1), (1, 1020, 63, 769), (3, 1030, 63, 769), (3, 1040, 62, -1), (3, 1050, 62, -1)])
    assert ping.rows([1000, 1001, 1002, 1003], records, 1000) == [
        (0, 0, 10, 62, None), (1, 1, None, None, 769), (2, 2, None, None, None), (3, 3, 40, 62, None),
    ]  # fmt: skip
