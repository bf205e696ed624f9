"""A stream of numbered UDP packets from one host to another, which sends each back.

Each packet has three instants: sent, reached the far host, returned. So loss, gap and one-way delay are known for each
direction; in a lab all hosts share one clock, so one-way delay needs no synchronisation. Arrivals are the kernel's own
instants, so the near end may read them late, many at once: a stream costs five system calls a packet.
"""

from __future__ import annotations

import array
import contextlib
import itertools
import socket
import struct
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from testbed.check.flows import Packet
from testbed.net.mmsg import SO_TIMESTAMPNS, Inbox, room
from testbed.probe.child import Spaces, Stop, fork
from testbed.probe.ends import End, Ends, Process, kept
from testbed.probe.pace import paced, quiet, write_numbers
from testbed.probe.place import Place
from testbed.probe.readings import Readings
from testbed.units import Duration

PORT = 40000
"""First port of probes; arbitrary, outside the ephemeral range (32768-60999 is ours alone inside a lab)."""
COLUMNS = ("seq", "sent_ns", "reached_ns", "returned_ns")
READ_EACH = 64
"""Packets sent between two readings of what has returned; arbitrary."""
_ROOM = 4 << 20
"""Bytes of unread answers, some 5,000: many more than can return between two readings; arbitrary."""
_TIMESPEC = struct.Struct("=qq")
_PACKET = struct.Struct("!Q")
_CONTROL_BYTES = socket.CMSG_SPACE(_TIMESPEC.size)

Row = tuple[int, int, int | None, int | None]


@dataclass(frozen=True)
class Counts:
    """What rows do not show. ``there`` is counted where packets reached the far host, ``back`` where they returned.

    Attributes:
        twice_there, twice_back: packets that had arrived before.
        late_there, late_back: packets that arrived after one that was sent later (RFC 4737 section 3.3).
    """

    twice_there: int = 0
    twice_back: int = 0
    late_there: int = 0
    late_back: int = 0


@dataclass(repr=False)
class UdpStream(Readings):
    """A running stream. ``finish`` ends it and gives the rows; ``counts`` are known then."""

    name: str
    source: str
    target: str
    interval: Duration
    near: End
    far: End
    epoch_ns: int
    one_clock: bool = True
    counts: Counts = field(default_factory=Counts)

    def finish(self, drain: float = 0.0) -> list[Row]:
        """Stop sending, then receiving, and put the three ends together: (seq, sent, reached, returned) a row.

        Args:
            drain: how many seconds answers are waited for after the last packet.

        Raises:
            RunError: a process of the stream had failed.
        """
        self.near.stop()
        if drain:
            time.sleep(drain)
        self.far.stop()
        near, far = self.near.numbers(), self.far.numbers()
        reached, twice_there, late_there = _first(_pairs(far["reached"]))
        returned, twice_back, late_back = _first(_pairs(near["returned"]))
        self.counts = Counts(twice_there, twice_back, late_there, late_back)
        rows = _rows(near["sent"], reached if self.one_clock else {}, returned, self.epoch_ns)
        self.take(Packet(sent, there, back) for _, sent, there, back in rows)
        return rows


@dataclass(frozen=True)
class Sending:
    """The near end sends a packet each interval, and notes what returns."""

    address: str
    there: str
    port: int
    interval_ns: int

    def begin(self, spaces: Spaces, node: str, name: str, scratch: Path) -> End:
        """Begin."""
        near = _stamped(spaces, Place(node, self.address), self.port)
        files = {what: scratch / f"{name}.{what}" for what in ("sent", "returned")}
        there, interval = (self.there, self.port), Duration(self.interval_ns)
        return _Sender(
            fork(spaces, node, f"{name}-send", scratch, lambda: _send(near, there, interval, files)), files, near
        )


@dataclass(frozen=True)
class Echoing:
    """The far end sends each packet back, and notes when it had come."""

    address: str
    port: int

    def begin(self, spaces: Spaces, node: str, name: str, scratch: Path) -> End:
        """Begin."""
        far, file = _stamped(spaces, Place(node, self.address), self.port), scratch / f"{name}.reached"
        with far:
            return Process(fork(spaces, node, f"{name}-echo", scratch, lambda: _echo(far, file)), {"reached": file})


@dataclass(frozen=True)
class _Sender(Process):
    near: socket.socket

    def numbers(self) -> Mapping[str, Sequence[int]]:
        """What the sender noted, and what returned since it ended: that waits in the socket that it shared with us."""
        rest = Inbox(self.near, _PACKET.size)
        rest.read()
        self.near.close()
        found = super().numbers()
        return {**found, "returned": [*found["returned"], *itertools.chain.from_iterable(_numbers(rest))]}


def start(
    ends: Ends, name: str, source: Place, target: Place, interval: Duration, port: int, epoch_ns: int
) -> UdpStream:  # fmt: skip
    """Start a stream.

    Args:
        ends: where they are.
        name: of the stream.
        source: (node, address) that sends.
        target: (node, address) that sends back.
        interval: from one packet to the next.
        port: of both ends.
        epoch_ns: instant that the rows' instants count from, in ns of CLOCK_REALTIME of the near end.
    """
    with kept(ends.begin(target.node, name, Echoing(target.address, port))) as far:
        near = ends.begin(source.node, name, Sending(source.address, target.known_as, port, int(interval)))
    return UdpStream(name, source.node, target.node, interval, near, far, epoch_ns, ends.one_clock)


def _stamped(spaces: Spaces, place: Place, port: int) -> socket.socket:
    made = bound(spaces, place, port, _ROOM)
    made.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    return made


def bound(namespaces: Spaces, place: Place, port: int, unread: int) -> socket.socket:
    """A socket at a place with room for so many bytes that were not read yet.

    Not connected: a connected one reports an ICMP error in the place of the next packet, which then is not sent.
    """
    with namespaces.inside(place.node):
        made = socket.socket(place.family, socket.SOCK_DGRAM)
    room(made, unread)
    made.bind((place.address, port))
    return made


def _numbers(inbox: Inbox) -> Iterator[tuple[int, int]]:
    """(seq, instant) of all that arrived."""
    for data, instant, _ in inbox.taken():
        yield _PACKET.unpack(data)[0], instant


def _send(near: socket.socket, there: tuple[str, int], interval: Duration, files: Mapping[str, Path]) -> None:
    """Send a packet each interval. The clock is looked at once a packet: what is noted is when it was sent."""
    sent, inbox = array.array("q"), Inbox(near, _PACKET.size)
    send, pack, clock, note, read = near.sendto, _PACKET.pack, time.time_ns, sent.append, inbox.read

    def step(number: int, due: int) -> int:
        now = clock()
        note(now)
        with contextlib.suppress(OSError):  # no route: the packet is lost, and counts as lost
            send(pack(number), there)
        if number % READ_EACH == READ_EACH - 1:
            read()
        return now

    paced(interval, step)
    read()
    write_numbers(files["sent"], sent)
    write_numbers(files["returned"], itertools.chain.from_iterable(_numbers(inbox)))


def _echo(far: socket.socket, file: Path) -> None:
    quiet()
    reached = array.array("q")
    receive, send_to = far.recvmsg, far.sendto
    try:
        while True:
            data, control, _, peer = receive(64, _CONTROL_BYTES)
            reached.append(_PACKET.unpack(data)[0])
            seconds, nanoseconds = _TIMESPEC.unpack(control[0][2])
            reached.append(seconds * 10**9 + nanoseconds)
            with contextlib.suppress(OSError):  # no route back: the answer is lost, and counts as lost
                send_to(data, peer)
    except Stop:
        write_numbers(file, reached[: len(reached) // 2 * 2])


def _pairs(values: Sequence[int]) -> Iterator[tuple[int, int]]:
    return zip(values[::2], values[1::2], strict=True)


def _first(arrivals: Iterator[tuple[int, int]]) -> tuple[dict[int, int], int, int]:
    """The first instant of each number, how many came again, and how many came after a later number."""
    known: dict[int, int] = {}
    twice = late = 0
    highest = -1
    for number, instant in arrivals:
        if number in known:
            twice += 1
            continue
        known[number] = instant
        if number < highest:
            late += 1
        else:
            highest = number
    return known, twice, late


def _rows(sent: Sequence[int], reached: dict[int, int], returned: dict[int, int], epoch_ns: int) -> list[Row]:
    def since(instant: int | None) -> int | None:
        return None if instant is None else instant - epoch_ns

    return [(seq, at - epoch_ns, since(reached.get(seq)), since(returned.get(seq))) for seq, at in enumerate(sent)]
