"""One question to a DNS server, over UDP or TCP, and what came of it. The messages are dnspython's."""

from __future__ import annotations

import asyncio
import selectors
import socket
import struct
import time
from dataclasses import dataclass, replace
from typing import Literal

import dns.exception
import dns.message
import dns.rcode
import dns.rdatatype

from testbed.plan.names import DNS_PORT
from testbed.resolvers import Result

Protocol = Literal["udp", "tcp"]
_BY_RCODE: dict[int, Result] = {
    dns.rcode.NXDOMAIN: "nxdomain", dns.rcode.SERVFAIL: "servfail", dns.rcode.REFUSED: "refused",
}  # fmt: skip
_TYPES = {4: dns.rdatatype.A, 6: dns.rdatatype.AAAA}
_LENGTH = struct.Struct("!H")
"""Before each message over TCP (RFC 1035 section 4.2.2)."""
_MOST = 65535


@dataclass(frozen=True)
class Question:
    """Asks for the address of ``name`` in a family: its A, or its AAAA record."""

    name: str
    family: Literal[4, 6]


@dataclass(frozen=True)
class Reply:
    """What came of a question. Instants are ns of CLOCK_REALTIME; ``ttl`` is that of the answer, in s."""

    result: Result
    addresses: tuple[str, ...] = ()
    ttl: int | None = None
    asked_ns: int = 0
    ended_ns: int = 0


def wire(question: Question, number: int) -> bytes:
    """The question as a message that asks for recursion. Pure."""
    return dns.message.make_query(question.name, _TYPES[question.family], id=number & 0xFFFF).to_wire()


def read(question: Question, number: int, data: bytes) -> Reply:
    """What a message answers. Pure."""
    try:
        message = dns.message.from_wire(data)
    except dns.exception.DNSException:
        return Reply("other")
    if message.id != number & 0xFFFF:
        return Reply("other")
    if message.rcode() != dns.rcode.NOERROR:
        return Reply(_BY_RCODE.get(message.rcode(), "other"))
    sets = [each for each in message.answer if each.rdtype == _TYPES[question.family]]
    addresses = tuple(sorted(record.to_text() for each in sets for record in each))
    return Reply("answer", addresses, min(each.ttl for each in sets)) if addresses else Reply("no data")


def ask(
    question: Question, server: str, *, source: str = "", number: int = 1, protocol: Protocol = "udp", wait_s: float
) -> Reply:
    """Ask from the namespace that this thread is in, and wait for the answer."""
    with runner() as running:
        return running.run(asked(question, server, source=source, number=number, protocol=protocol, wait_s=wait_s))


def runner() -> asyncio.Runner:
    """What runs questions. Its timers are as fine as select(2); those of epoll(7) are rounded up to a millisecond."""
    return asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selectors.SelectSelector()))


async def asked(
    question: Question, server: str, *, source: str = "", number: int = 1, protocol: Protocol = "udp", wait_s: float
) -> Reply:
    """Ask once: nothing is sent again but by TCP itself. ``wait_s`` counts from the first packet."""
    talk = _over_udp if protocol == "udp" else _over_tcp
    data, failed, begun = b"", Reply("timeout"), time.time_ns()
    kind = socket.SOCK_DGRAM if protocol == "udp" else socket.SOCK_STREAM
    with socket.socket(socket.AF_INET6 if ":" in server else socket.AF_INET, kind) as made:
        made.setblocking(False)
        try:
            if source:
                made.bind((source, 0))
            data = await asyncio.wait_for(talk(made, server, wire(question, number)), wait_s)
        except TimeoutError:
            pass
        except (ConnectionError, EOFError):
            failed = Reply("closed")
        except OSError:
            failed = Reply("unreachable")
        ended = time.time_ns()
    reply = read(question, number, data) if data else failed
    return replace(reply, asked_ns=begun, ended_ns=ended)


async def _over_udp(made: socket.socket, server: str, message: bytes) -> bytes:
    """Connected, so that the kernel tells of ICMP errors and takes answers of this server alone."""
    loop = asyncio.get_running_loop()
    await loop.sock_connect(made, (server, DNS_PORT))
    await loop.sock_sendall(made, message)
    return await loop.sock_recv(made, _MOST)


async def _over_tcp(made: socket.socket, server: str, message: bytes) -> bytes:
    loop = asyncio.get_running_loop()
    await loop.sock_connect(made, (server, DNS_PORT))
    await loop.sock_sendall(made, _LENGTH.pack(len(message)) + message)
    length = _LENGTH.unpack(await _exactly(made, _LENGTH.size))[0]
    return await _exactly(made, length)


async def _exactly(made: socket.socket, size: int) -> bytes:
    loop, data = asyncio.get_running_loop(), b""
    while len(data) < size:
        more = await loop.sock_recv(made, size - len(data))
        if not more:
            raise EOFError
        data += more
    return data
