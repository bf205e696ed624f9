"""ICMP echo: each request with the instants at which it was sent and answered, and who answered if not the target.

The far side needs no process, since its kernel answers. A raw socket is used: a ping socket would need the sysctl
``net.ipv4.ping_group_range`` of its namespace changed. The near end reads late: arrivals are the kernel's own instants.
"""

from __future__ import annotations

import contextlib
import itertools
import socket
import struct
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from testbed.check.flows import Packet
from testbed.net.mmsg import SO_TIMESTAMPNS, Inbox, room
from testbed.net.namespace import Namespaces
from testbed.probe.child import Child, fork
from testbed.probe.pace import paced, read_numbers, write_numbers
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
_IPV6_RECVHOPLIMIT = 51
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
    sender: Child
    near: socket.socket
    ident: int
    files: dict[str, Path]
    epoch_ns: int

    def finish(self, drain: float = 0.0) -> list[Row]:
        """Stop sending, wait ``drain`` seconds for answers, and give a row a request (:data:`COLUMNS`).

        Raises:
            RunError: its process had failed.
        """
        self.sender.stop()
        if drain:
            time.sleep(drain)
        rest = Inbox(self.near, _KEPT, extra=_HOP_LIMIT.size)
        rest.read()
        family = self.near.family
        self.near.close()
        answers = read_numbers(self.files["answers"])
        records = itertools.chain(zip(*[iter(answers)] * 4, strict=True), _records(rest, family, self.ident))
        found = rows(read_numbers(self.files["sent"]), records, self.epoch_ns)
        self.take(Packet(sent, None, back) for _, sent, back, _, _ in found)
        return found


def start(
    namespaces: Namespaces, scratch: Path, name: str, source: Place, target: Place,
    interval: Duration, ident: int, epoch_ns: int, *, size: int = 56, ttl: int = 64,
) -> Ping:  # fmt: skip
    """Start a ping.

    Args:
        namespaces: of the lab.
        scratch: for files of the probe's process.
        name: of the probe.
        source: (node, address) that asks.
        target: (node, address) that answers.
        interval: from one request to the next.
        ident: tells this probe's answers from those of others of the same node; below 65536.
        epoch_ns: instant that the rows' instants count from, in ns of CLOCK_REALTIME.
        size: bytes after the ICMP header, at least 8; 56 as in ping(8).
        ttl: of the requests.
    """
    files = {what: scratch / f"{name}.{what}" for what in ("sent", "answers")}
    near = _socket(namespaces, source, ttl)
    sender = fork(
        namespaces, source[0], f"{name}-send", scratch,
        lambda: _send(near, target.known_as, interval, ident, max(size, _NUMBER.size), files),
    )  # fmt: skip
    return Ping(name, source[0], target[0], interval, sender, near, ident, files, epoch_ns)


def _socket(namespaces: Namespaces, place: Place, ttl: int) -> socket.socket:
    family = place.family
    with namespaces.inside(place.node):
        made = socket.socket(family, socket.SOCK_RAW, _protocol(family))
    made.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    room(made, _ROOM)
    wanted = (_ECHO[family][1], *_ERRORS[family])
    if family == socket.AF_INET:
        made.setsockopt(_SOL_RAW, _ICMP_FILTER, struct.pack("=I", 0xFFFF_FFFF & ~sum(1 << one for one in wanted)))
        made.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, ttl)
    else:
        bits = (1 << 256) - 1 & ~sum(1 << one for one in wanted)
        words = struct.pack("=8I", *(bits >> 32 * word & 0xFFFF_FFFF for word in range(8)))
        made.setsockopt(socket.IPPROTO_ICMPV6, _ICMPV6_FILTER, words)
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, ttl)
        made.setsockopt(socket.IPPROTO_IPV6, _IPV6_RECVHOPLIMIT, 1)
    made.bind((place.address, 0))
    return made


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
    """What an arriving packet says about one of our requests; ``None`` if it is about something else. Pure."""
    of = socket.AddressFamily(family)
    ttl, offset = (packet[8], 4 * (packet[0] & 15)) if family == socket.AF_INET else (hop_limit, 0)
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


def _records(inbox: Inbox, family: int, ident: int) -> Iterator[tuple[int, ...]]:
    for packet, instant, extra in inbox.taken():
        found = answer(family, ident, packet, _HOP_LIMIT.unpack(extra)[3] if family == socket.AF_INET6 else None)
        if found is not None:
            yield found.number, instant, found.ttl or 0, _NOTHING if found.icmp is None else found.icmp


def _send(near: socket.socket, there: str, interval: Duration, ident: int, size: int, files: dict[str, Path]) -> None:
    sent: list[int] = []
    inbox = Inbox(near, _KEPT, extra=_HOP_LIMIT.size)

    def step(number: int, due: int) -> int:
        data = request(near.family, ident, number, size)
        now = time.time_ns()
        sent.append(now)
        with contextlib.suppress(OSError):  # no route: the request is lost, and counts as lost
            near.sendto(data, (there, 0))
        if number % READ_EACH == READ_EACH - 1:
            inbox.read()
        return now

    paced(interval, step)
    inbox.read()
    write_numbers(files["sent"], sent)
    write_numbers(files["answers"], itertools.chain.from_iterable(_records(inbox, near.family, ident)))
