"""ICMP echo: each request with the instants at which it was sent and answered, and who answered if not the target.

The far side needs no process, since its kernel answers. A raw socket is used: a ping socket would need the sysctl
``net.ipv4.ping_group_range`` of its namespace changed. Who may not have one, as in a pod that is nobody's root, uses a
ping socket: its kernel numbers and sums up requests itself, and tells no errors of routers. The near end reads late:
arrivals are the kernel's own instants.
"""

from __future__ import annotations

import contextlib
import itertools
import socket
import struct
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from testbed.check.flows import Packet
from testbed.net.mmsg import SO_TIMESTAMPNS, Inbox, room
from testbed.probe.child import Spaces, fork
from testbed.probe.ends import End, Ends, Process
from testbed.probe.pace import paced, write_numbers
from testbed.probe.place import Place
from testbed.probe.readings import Readings
from testbed.units import Duration

COLUMNS = ("seq", "sent_ns", "returned_ns", "ttl", "icmp")
"""``ttl``: of the answer. ``icmp``: type * 256 + code of an error that came instead (RFC 792, RFC 4443)."""
READ_EACH = 64
"""Requests sent between two readings of what has returned; arbitrary."""
_ROOM = 1 << 20
_ECHO = {socket.AF_INET: (8, 0), socket.AF_INET6: (128, 129)}
"""Types of request and reply."""
_ERRORS = {socket.AF_INET: (3, 11), socket.AF_INET6: (1, 2, 3)}
"""Types of: unreachable, time exceeded; and in IPv6, too big in between."""
_INNER_IP = {socket.AF_INET: 20, socket.AF_INET6: 40}
_HEADER = struct.Struct("!BBHHH")
_NUMBER = struct.Struct("!Q")
_KEPT = 64
"""Of each answer: an IPv4 header (IPv6's is not delivered), an ICMP header, and of an error what it quotes up to our
number: 20 + 8 + 20 + 8 + 8, or 8 + 40 + 8 + 8."""
_SOL_RAW, _ICMP_FILTER, _ICMPV6_FILTER = 255, 1, 1
_IPV6_RECVHOPLIMIT, _IP_RECVTTL = 51, 12
_HOP_LIMIT = struct.Struct("=QiiI4x")
_NOTHING = -1

Row = tuple[int, int, int | None, int | None, int | None]


@dataclass(frozen=True)
class Answer:
    """One answer. ``icmp`` is ``None`` for a reply, else the error's type * 256 + code."""

    number: int
    ttl: int | None
    icmp: int | None


@dataclass(repr=False)
class Ping(Readings):
    """A running ping. ``finish`` ends it and gives the rows."""

    name: str
    source: str
    target: str
    interval: Duration
    near: End
    epoch_ns: int

    def finish(self, drain: float = 0.0) -> list[Row]:
        """Stop sending, wait ``drain`` seconds for answers, and give a row a request (:data:`COLUMNS`).

        Raises:
            RunError: its process had failed.
        """
        self.near.stop()
        if drain:
            time.sleep(drain)
        near = self.near.numbers()
        found = rows(near["sent"], zip(*[iter(near["answers"])] * 4, strict=True), self.epoch_ns)
        self.take(Packet(sent, None, back) for _, sent, back, _, _ in found)
        return found


@dataclass(frozen=True)
class Asking:
    """The near end, the only one: asks each interval, and notes what comes back."""

    address: str
    there: str
    interval_ns: int
    ident: int
    size: int
    ttl: int

    def begin(self, spaces: Spaces, node: str, name: str, scratch: Path) -> End:
        """Begin."""
        files = {what: scratch / f"{name}.{what}" for what in ("sent", "answers")}
        near = _socket(spaces, Place(node, self.address), self.ident, self.ttl)
        child = fork(spaces, node, f"{name}-send", scratch, lambda: _send(near, self, files))
        return _Asker(child, files, near, self.ident)


@dataclass(frozen=True)
class _Asker(Process):
    near: socket.socket
    ident: int

    def numbers(self) -> Mapping[str, Sequence[int]]:
        """What the child noted, and what came since it ended: that waits in the socket that it shared with us."""
        rest = Inbox(self.near, _KEPT, extra=_HOP_LIMIT.size)
        rest.read()
        late = list(itertools.chain.from_iterable(_records(rest, self.near, self.ident)))
        self.near.close()
        found = super().numbers()
        return {**found, "answers": [*found["answers"], *late]}


def start(
    ends: Ends, name: str, source: Place, target: Place, interval: Duration, ident: int, epoch_ns: int, *,
    size: int = 56, ttl: int = 64,
) -> Ping:  # fmt: skip
    """Start a ping.

    Args:
        ends: where the near one is.
        name: of the probe.
        source: (node, address) that asks.
        target: (node, address) that answers.
        interval: from one request to the next.
        ident: tells this probe's answers from those of others of the same node; below 65536.
        epoch_ns: instant that the rows' instants count from, in ns of CLOCK_REALTIME of the near end.
        size: bytes after the ICMP header, at least 8; 56 as in ping(8).
        ttl: of the requests.
    """
    task = Asking(source.address, target.known_as, int(interval), ident, max(size, _NUMBER.size), ttl)
    return Ping(name, source.node, target.node, interval, ends.begin(source.node, name, task), epoch_ns)


def _socket(spaces: Spaces, place: Place, ident: int, ttl: int) -> socket.socket:
    family = place.family
    with spaces.inside(place.node):
        made = _may_have(family)
    made.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    room(made, _ROOM)
    if made.type == socket.SOCK_RAW:
        _filter(made)
    elif family == socket.AF_INET:
        made.setsockopt(socket.IPPROTO_IP, _IP_RECVTTL, 1)
    if family == socket.AF_INET:
        made.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, ttl)
    else:
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, ttl)
        made.setsockopt(socket.IPPROTO_IPV6, _IPV6_RECVHOPLIMIT, 1)
    # What is a port elsewhere, is the identifier of a ping socket's requests; a raw socket makes nothing of it.
    made.bind((place.address, ident if made.type == socket.SOCK_DGRAM else 0))
    return made


def _may_have(family: int) -> socket.socket:
    """A raw socket, or a ping socket for who may not have one."""
    try:
        return socket.socket(family, socket.SOCK_RAW, _protocol(family))
    except PermissionError:
        return socket.socket(family, socket.SOCK_DGRAM, _protocol(family))


def _filter(raw: socket.socket) -> None:
    """Let in what answers, and errors."""
    family = socket.AddressFamily(raw.family)
    wanted = (_ECHO[family][1], *_ERRORS[family])
    if family == socket.AF_INET:
        raw.setsockopt(_SOL_RAW, _ICMP_FILTER, struct.pack("=I", 0xFFFF_FFFF & ~sum(1 << one for one in wanted)))
        return
    bits = (1 << 256) - 1 & ~sum(1 << one for one in wanted)
    words = struct.pack("=8I", *(bits >> 32 * word & 0xFFFF_FFFF for word in range(8)))
    raw.setsockopt(socket.IPPROTO_ICMPV6, _ICMPV6_FILTER, words)


def _protocol(family: int) -> int:
    return socket.IPPROTO_ICMP if family == socket.AF_INET else socket.IPPROTO_ICMPV6


def request(family: int, ident: int, number: int, size: int) -> bytes:
    """An echo request. The kernel writes the checksum of ICMPv6 only. Pure."""
    kind, body = _ECHO[socket.AddressFamily(family)][0], _NUMBER.pack(number).ljust(size, b"\0")
    blank = _HEADER.pack(kind, 0, 0, ident, number & 0xFFFF) + body
    total = checksum(blank) if family == socket.AF_INET else 0
    return _HEADER.pack(kind, 0, total, ident, number & 0xFFFF) + body


def checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071)."""
    padded = data + bytes(len(data) % 2)
    total: int = sum(struct.unpack(f"!{len(padded) // 2}H", padded))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def answer(family: int, ident: int, packet: bytes, hop_limit: int | None = None) -> Answer | None:
    """What an arriving packet says about one of our requests; ``None`` if it is about something else. Pure.

    ``hop_limit``: of a packet that came without its IP header.
    """
    of = socket.AddressFamily(family)
    ttl, offset = (packet[8], 4 * (packet[0] & 15)) if hop_limit is None else (hop_limit, 0)
    kind, code, _, found, _ = _HEADER.unpack_from(packet, offset)
    icmp = None
    if kind in _ERRORS[of]:
        icmp = kind * 256 + code
        offset += _HEADER.size + _INNER_IP[of]
        kind, _, _, found, _ = _HEADER.unpack_from(packet, offset)
    if found != ident or kind != _ECHO[of][icmp is None]:
        return None
    return Answer(_NUMBER.unpack_from(packet, offset + _HEADER.size)[0], ttl, icmp)


def rows(sent: Sequence[int], records: Iterator[tuple[int, ...]], epoch_ns: int) -> list[Row]:
    """Put both ends together. A record is (number, instant, ttl, icmp), -1 for none; a number's first reply counts."""
    best: dict[int, tuple[int, ...]] = {}
    for record in records:
        known = best.get(record[0])
        if known is None or (known[3] != _NOTHING and record[3] == _NOTHING):
            best[record[0]] = record
    made: list[Row] = []
    for number, at in enumerate(sent):
        _, instant, ttl, icmp = best.get(number, (number, None, None, _NOTHING))
        replied = instant is not None and icmp == _NOTHING
        made.append(
            (
                number, at - epoch_ns, instant - epoch_ns if instant is not None and replied else None,
                ttl if replied else None, None if icmp == _NOTHING else icmp,
            )
        )  # fmt: skip
    return made


def _records(inbox: Inbox, near: socket.socket, ident: int) -> Iterator[tuple[int, ...]]:
    headed = near.type == socket.SOCK_RAW and near.family == socket.AF_INET
    for packet, instant, extra in inbox.taken():
        found = answer(near.family, ident, packet, None if headed else _HOP_LIMIT.unpack(extra)[3])
        if found is not None:
            yield found.number, instant, found.ttl or 0, _NOTHING if found.icmp is None else found.icmp


def _send(near: socket.socket, task: Asking, files: Mapping[str, Path]) -> None:
    sent: list[int] = []
    inbox = Inbox(near, _KEPT, extra=_HOP_LIMIT.size)

    def step(number: int, due: int) -> int:
        data = request(near.family, task.ident, number, task.size)
        now = time.time_ns()
        sent.append(now)
        with contextlib.suppress(OSError):  # no route: the request is lost, and counts as lost
            near.sendto(data, (task.there, 0))
        if number % READ_EACH == READ_EACH - 1:
            inbox.read()
        return now

    paced(Duration(task.interval_ns), step)
    inbox.read()
    write_numbers(files["sent"], sent)
    write_numbers(files["answers"], itertools.chain.from_iterable(_records(inbox, near, task.ident)))
