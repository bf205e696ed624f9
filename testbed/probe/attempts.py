"""Does one host reach another? One attempt at a time, both ends in this process: each in its own namespace.

Nothing else happens meanwhile, so what filters count and taps see belongs to the attempt.
"""

from __future__ import annotations

import contextlib
import errno
import select
import socket
import struct
import time
from collections.abc import Iterator
from typing import Literal

from testbed.net.namespace import Namespaces
from testbed.plan.expect import Attempt
from testbed.probe.place import Place

WAIT_S = 3.5
"""A SYN is sent again after one second and after three (RFC 6298 section 2); arbitrary beyond that."""
DATA_BYTES = 200_000
"""Many segments of any MTU that a plan may have; arbitrary."""
PAYLOAD = b"testbed."
_ICMP = {socket.AF_INET: (socket.IPPROTO_ICMP, 8), socket.AF_INET6: (socket.IPPROTO_ICMPV6, 128)}
_ECHO = struct.Struct("!BBHHH")
_DONT, _PROBE, _IP_MTU_DISCOVER, _IPV6_MTU_DISCOVER = 0, 3, 10, 23
"""``IP_PMTUDISC_DONT``, ``IP_PMTUDISC_PROBE`` (ip(7)): DF is not set; it is, and the path's known MTU is left alone."""
_ANSWER_MAX = 1 << 16


def attempt(spaces: Namespaces, kind: Attempt, source: Place, target: Place, port: int, mss: int = 0) -> int:
    """Try once. Returns 0, or the error number; ``ETIMEDOUT`` when nothing came back.

    Args:
        spaces: of the lab.
        kind: what to try.
        source: who tries.
        target: whom.
        port: of the target, for TCP and UDP.
        mss: of TCP, where it is not the kernel's choice.
    """
    try:
        if kind == "icmp":
            return _echo(spaces, source, target)
        if kind == "udp":
            return _udp(spaces, source, target, port)
        return _tcp(spaces, source, target, port, DATA_BYTES if kind == "data" else 0, mss)
    except OSError as error:
        return error.errno or errno.EIO


def open_tcp(spaces: Namespaces, source: Place, target: Place, port: int) -> str:
    """Open a TCP connection, and say which address the target saw. Raises :class:`OSError`: it does not come about."""
    with _socket(spaces, target, socket.SOCK_STREAM) as server, _socket(spaces, source, socket.SOCK_STREAM) as client:
        number = _connect(server, client, source, target, port, 0)
        if number:
            raise OSError(number, f"no connection from {source.node} to {target.node}")
        if not _readable(server, WAIT_S):
            raise OSError(errno.ETIMEDOUT, f"{target.node} never had the connection")
        peer, (seen, *_) = server.accept()
        peer.close()
        return str(seen)


def large(spaces: Namespaces, kind: Literal["icmp", "udp"], source: Place, target: Place, port: int, size: int) -> int:
    """Ask and be answered with so many bytes, in fragments where they do not fit. Returns as :func:`attempt`."""
    data = bytes(size)
    try:
        return _echo(spaces, source, target, data) if kind == "icmp" else _udp(spaces, source, target, port, data)
    except OSError as error:
        return error.errno or errno.EIO


def fits(spaces: Namespaces, source: Place, target: Place, port: int, size: int) -> bool:
    """Whether one UDP packet of ``size`` bytes, its IP header among them, arrives unfragmented."""
    headers = 28 if source.family == socket.AF_INET else 48
    with _socket(spaces, target, socket.SOCK_DGRAM) as server, _socket(spaces, source, socket.SOCK_DGRAM) as client:
        server.bind((target.address, port))
        client.bind((source.address, 0))
        client.setsockopt(*_discover(source.family), _PROBE)
        with contextlib.suppress(OSError):
            client.sendto(bytes(size - headers), (target.known_as, port))
            return _readable(server, WAIT_S)
    return False


def largest(spaces: Namespaces, source: Place, target: Place, port: int, most: int) -> int:
    """The path's MTU by bisection, up to ``most``; 0 where not even the smallest that IP must carry arrives."""
    low, high = (576 if source.family == socket.AF_INET else 1280), most
    if not fits(spaces, source, target, port, low):
        return 0
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(spaces, source, target, port, middle) else (low, middle - 1)
    return low


def _discover(family: int) -> tuple[int, int]:
    if family == socket.AF_INET:
        return socket.IPPROTO_IP, _IP_MTU_DISCOVER
    return socket.IPPROTO_IPV6, _IPV6_MTU_DISCOVER


@contextlib.contextmanager
def _socket(spaces: Namespaces, place: Place, kind: int, protocol: int = 0) -> Iterator[socket.socket]:
    with spaces.inside(place.node):
        made = socket.socket(place.family, kind, protocol)
    with made:
        made.setblocking(False)
        yield made


def _readable(one: socket.socket, wait_s: float) -> bool:
    return bool(select.select([one], [], [], wait_s)[0])


def _echo(spaces: Namespaces, source: Place, target: Place, data: bytes = PAYLOAD) -> int:
    protocol, request = _ICMP[source.family]
    number = time.time_ns() & 0xFFFF
    body = _ECHO.pack(request, 0, 0, number, 1) + data
    if source.family == socket.AF_INET:  # ICMPv6's checksum is the kernel's work
        body = _ECHO.pack(request, 0, _checksum(body), number, 1) + data
    with _socket(spaces, source, socket.SOCK_RAW, protocol) as client:
        client.bind((source.address, 0))
        _may_be_cut(client, data)
        client.sendto(body, (target.known_as, 0))
        deadline = time.monotonic() + WAIT_S
        while (left := deadline - time.monotonic()) > 0 and _readable(client, left):
            answer, whom = client.recvfrom(_ANSWER_MAX)
            echo = answer[(answer[0] & 15) * 4 :] if source.family == socket.AF_INET else answer
            if whom[0] == target.known_as and echo[0] in (0, 129) and _ECHO.unpack_from(echo)[3] == number:
                return 0
    return errno.ETIMEDOUT


def _checksum(data: bytes) -> int:
    """RFC 1071."""
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


def _udp(spaces: Namespaces, source: Place, target: Place, port: int, data: bytes = PAYLOAD) -> int:
    with _socket(spaces, target, socket.SOCK_DGRAM) as server, _socket(spaces, source, socket.SOCK_DGRAM) as client:
        server.bind((target.address, port))
        client.bind((source.address, 0))
        client.connect((target.known_as, port))
        _may_be_cut(client, data)
        client.send(data)
        if not _readable(server, WAIT_S):
            return errno.ETIMEDOUT
        asked, whom = server.recvfrom(_ANSWER_MAX)
        server.sendto(asked, whom)
        if not _readable(client, WAIT_S):
            return errno.ETIMEDOUT
        return 0 if client.recv(_ANSWER_MAX) == data else errno.EPROTO


def _may_be_cut(client: socket.socket, data: bytes) -> None:
    """Without DF a router cuts what does not fit; with it, as is usual, it says so and the kernel cuts."""
    if len(data) > len(PAYLOAD):
        client.setsockopt(*_discover(client.family), _DONT)


def _tcp(spaces: Namespaces, source: Place, target: Place, port: int, size: int, mss: int) -> int:
    with _socket(spaces, target, socket.SOCK_STREAM) as server, _socket(spaces, source, socket.SOCK_STREAM) as client:
        refused = _connect(server, client, source, target, port, mss)
        return refused if refused or not size else _stream(client, server, size)


def _connect(server: socket.socket, client: socket.socket, source: Place, target: Place, port: int, mss: int) -> int:
    """Listen, and connect to that. Returns 0, or the error number."""
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind((target.address, port))
    server.listen(1)
    client.bind((source.address, 0))
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("=ii", 1, 0))
    if mss:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, mss)
    number: int = client.connect_ex((target.known_as, port))
    if number not in (0, errno.EINPROGRESS):
        return number
    if not select.select([], [client], [], WAIT_S)[1]:
        return errno.ETIMEDOUT
    refused: int = client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    return refused


def _stream(client: socket.socket, server: socket.socket, size: int) -> int:
    """Send so many bytes, and take them in at the other end."""
    if not _readable(server, WAIT_S):
        return errno.ETIMEDOUT
    with server.accept()[0] as peer:
        peer.setblocking(False)
        left, missing = size, size
        while missing:
            readable, writable, _ = select.select([peer], [client] if left else [], [], WAIT_S)
            if not readable and not writable:
                return errno.ETIMEDOUT
            if writable:
                left -= client.send(bytes(min(left, 1 << 16)))
            if readable:
                missing -= len(peer.recv(1 << 16))
    return 0
