"""Numbered Ethernet frames, to measure one link and nothing else.

They carry the ethertype for local experiments (IEEE 802 part 9.2.3), so no protocol of either end answers them, need no
address resolution, and what chance has changed in them still arrives. Their destination is one that no bridge passes on
(IEEE 802.1Q table 8-1), so a host's access link is measured up to the switch and not beyond.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import time
from dataclasses import dataclass, field

from testbed.net.mmsg import SO_TIMESTAMPNS, STAMP, Batch, room

ETHERTYPE = 0x88B5
DESTINATION = bytes.fromhex("0180c200000e")
SOURCE = bytes.fromhex("020000000001")
FRAME = 60
"""Length of a frame: the smallest of Ethernet (IEEE 802.3 section 3.2.8) without its checksum."""
SLOTS = 256
"""Frames handled at once; arbitrary."""
_ETH_P_ALL = 0x0003
_SOL_PACKET = 263
_PACKET_IGNORE_OUTGOING = 23
_PACKET_STATISTICS = 6
_LAYOUT = struct.Struct("=18sII34s")
"""Both addresses, the ethertype and the stream; the number, and all its bits turned over; filling."""
_FILLING = b"U" * 34
_ALL_BITS = 0xFFFF_FFFF
_ROOM = 32 << 20
"""Bytes of unread frames; arbitrary, and more than is sent between two readings."""
_NUMBERS = struct.Struct("=II")


def prefix(stream: int) -> bytes:
    """How every frame of a stream begins."""
    return DESTINATION + SOURCE + ETHERTYPE.to_bytes(2, "big") + stream.to_bytes(4, "big")


@dataclass
class Tally:
    """What arrived of one stream of frames.

    Attributes:
        instants: number to the instant at which it first arrived, in ns of CLOCK_REALTIME.
        twice: frames that had arrived before.
        changed: frames in which something was not as it was sent.
        late: frames that arrived after one that was sent later.
    """

    instants: dict[int, int] = field(default_factory=dict)
    twice: int = 0
    changed: int = 0
    late: int = 0
    highest: int = -1

    def take(self, stream: bytes, data: bytes | memoryview, instants: list[int]) -> None:
        """Count frames of :data:`FRAME` bytes; ``stream`` is how those of this stream begin."""
        known = self.instants
        for (start, number, turned, filling), instant in zip(_LAYOUT.iter_unpack(data), instants, strict=True):
            if start != stream or turned != number ^ _ALL_BITS or filling != _FILLING:
                self.changed += 1
            elif number in known:
                self.twice += 1
            else:
                known[number] = instant
                if number < self.highest:
                    self.late += 1
                else:
                    self.highest = number


class Tap:
    """One end of a link: sends frames into an interface, and sees what arrives there."""

    def __init__(self, interface: str) -> None:
        """In the namespace that the thread is in."""
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.socket.setsockopt(_SOL_PACKET, _PACKET_IGNORE_OUTGOING, 1)
        room(self.socket, _ROOM)
        self.socket.bind((interface, _ETH_P_ALL))

    def close(self) -> None:
        """Let go of the interface."""
        self.socket.close()

    def missed(self) -> int:
        """Frames that found no room here since the last call: what was measured meanwhile counts for nothing."""
        counts = self.socket.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, _NUMBERS.size)
        return int(_NUMBERS.unpack(counts)[1])


class Sender:
    """Sends the frames of one stream, of one length, numbered from ``first`` on."""

    def __init__(self, tap: Tap, stream: int, *, length: int = FRAME, slots: int = SLOTS) -> None:
        self._socket = tap.socket
        self._batch = Batch(slots, length)
        self._length = length
        self._start, self._rest = prefix(stream), _FILLING.ljust(length - _NUMBERS.size - len(prefix(stream)), b"\0")
        self._batch.data[:] = (self._start + bytes(_NUMBERS.size) + self._rest) * slots

    def send(self, first: int, count: int = 1) -> list[int]:
        """Send ``count`` frames, at most as many as there are slots.

        Returns:
            The numbers that a full queue at this end refused.

        Raises:
            OSError: EMSGSIZE for frames that are longer than the interface takes.
        """
        data, at = self._batch.data, len(self._start)
        for number in range(first, first + count):
            _NUMBERS.pack_into(data, at, number, number ^ _ALL_BITS)
            at += self._length
        return [first + slot for slot in self._batch.send(self._socket, count)]

    def send_one(self, number: int) -> int:
        """Send one frame, in as few steps as can be, and return when: in ns of CLOCK_REALTIME."""
        frame = self._start + _NUMBERS.pack(number, number ^ _ALL_BITS) + self._rest
        now = time.time_ns()
        with contextlib.suppress(OSError):  # a full queue: the frame is lost, and counts as lost
            self._socket.send(frame)
        return now


class Receiver:
    """Takes in frames by the batch. One serves all taps."""

    def __init__(self) -> None:
        self._batch = Batch(SLOTS, FRAME, STAMP.size)

    def drain(self, tap: Tap, stream: int, tally: Tally, length: int = FRAME) -> None:
        """Count every frame of one length and stream that has arrived at a tap; others, such as ARP's, are passed over.

        A frame of that length which is not as it was sent counts as changed: the probes' length is nobody else's.
        """
        start = prefix(stream)
        while count := self._batch.receive(tap.socket, socket.MSG_TRUNC):
            lengths, stamps = self._batch.lengths(count), self._batch.stamps(count)
            frames = self._batch.data
            if all(one == length for one in lengths):
                tally.take(start, frames[: count * FRAME], stamps)
                continue
            kept = [number for number, one in enumerate(lengths) if one == length]
            ours = b"".join(bytes(frames[number * FRAME : (number + 1) * FRAME]) for number in kept)
            tally.take(start, ours, [stamps[number] for number in kept])
