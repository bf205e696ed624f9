"""Claims about numbered frames: what arrives is counted as what it is, whatever chance did to it."""

from __future__ import annotations

import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testbed.net import frames
from testbed.net.frames import FRAME, Tally
from testbed.net.mmsg import SO_TIMESTAMPNS, STAMP, Batch, Inbox

STREAM = frames.prefix(7)
Pair = tuple[socket.socket, socket.socket]


def frame(number: int, stream: int = 7) -> bytes:
    """A frame as it is sent."""
    turned = number ^ 0xFFFF_FFFF
    return frames.prefix(stream) + number.to_bytes(4, "little") + turned.to_bytes(4, "little") + b"U" * 34


def counted(*received: bytes) -> Tally:
    """The tally of frames that arrived in this order, a nanosecond apart."""
    tally = Tally()
    tally.take(STREAM, b"".join(received), list(range(100, 100 + len(received))))
    return tally


def test_frames_that_arrive_as_sent_are_known_by_number_and_instant() -> None:
    tally = counted(frame(0), frame(1), frame(3))
    assert tally.instants == {0: 100, 1: 101, 3: 102}
    assert (tally.twice, tally.changed, tally.late) == (0, 0, 0)


def test_a_copy_keeps_the_first_instant_and_a_late_one_is_late() -> None:
    tally = counted(frame(0), frame(2), frame(0), frame(1))
    assert tally.instants == {0: 100, 2: 101, 1: 103}
    assert (tally.twice, tally.changed, tally.late) == (1, 0, 1)


@given(bit=st.integers(0, FRAME * 8 - 1), number=st.integers(0, 2**31))
def test_a_single_turned_bit_is_seen_wherever_it_is(bit: int, number: int) -> None:
    damaged = bytearray(frame(number))
    damaged[bit // 8] ^= 1 << bit % 8
    tally = counted(bytes(damaged))
    assert tally.changed == 1
    assert tally.instants == {}


def test_frames_of_another_stream_are_not_taken_for_ours() -> None:
    assert counted(frame(0, stream=8)).instants == {}


def test_a_frame_is_as_long_as_it_says() -> None:
    assert len(frame(0)) == FRAME


@pytest.fixture
def pair() -> Pair:
    """Two joined sockets of the loopback interface."""
    inward = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    inward.bind(("127.0.0.1", 0))
    inward.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    out.connect(inward.getsockname())
    return out, inward


def test_a_batch_is_sent_whole_and_taken_in_with_lengths_and_instants(pair: Pair) -> None:
    out, inward = pair
    sending = Batch(5, 4)
    sending.data[:] = bytes(range(20))
    assert sending.send(out, 5) == []
    taken = Batch(8, 3, STAMP.size)
    assert taken.receive(inward, socket.MSG_TRUNC) == 5
    assert taken.lengths(5) == [4] * 5
    assert bytes(taken.data[:6]) == bytes([0, 1, 2, 4, 5, 6])
    stamps = taken.stamps(5)
    assert stamps == sorted(stamps)
    assert stamps[0] > 1_700_000_000 * 10**9
    assert taken.receive(inward) == 0
    for each in pair:
        each.close()


def test_an_inbox_gives_everything_in_order_however_often_it_was_read(pair: Pair) -> None:
    out, inward = pair
    inbox = Inbox(inward, 2, slots=4)
    for number in range(10):
        out.send(bytes([number, 255]))
        if number % 3 == 2:
            inbox.read()
    inbox.read()
    assert [packet[0] for packet, _, _ in inbox.taken()] == list(range(10))
    for each in pair:
        each.close()


def test_a_packet_that_cannot_be_sent_is_an_error(pair: Pair) -> None:
    out, _ = pair
    with pytest.raises(OSError, match="sendmmsg"):
        Batch(1, 70_000).send(out, 1)
    for each in pair:
        each.close()
