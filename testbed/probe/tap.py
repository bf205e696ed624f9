"""Taps on every node: which packets of an attempt were seen where, going in or out, before a filter drops them."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from dataclasses import dataclass

from testbed.net.namespace import Namespaces

_ALL = socket.htons(3)
"""``ETH_P_ALL``."""
_OUTGOING = 4
"""``PACKET_OUTGOING`` (packet(7))."""
_LOOPBACK = "lo"
_ICMP, _ICMP6 = 1, 58
_NO_ROUTE = {_ICMP: {(3, 0), (3, 1)}, _ICMP6: {(1, 0), (1, 3)}}
"""(type, code): network or host unreachable (RFC 792); no route, address unreachable (RFC 4443 section 3.1)."""


@dataclass(frozen=True)
class Sighting:
    """A packet at a node. ``no_route``: it is an ICMP message that says so."""

    node: str
    interface: str
    outgoing: bool
    source: str
    target: str
    size: int
    no_route: bool = False


@dataclass(frozen=True)
class Tapped:
    """A packet's first bytes, from its IP header on, at a node."""

    node: str
    interface: str
    outgoing: bool
    data: bytes


class Taps:
    """A packet socket in each namespace, of all its interfaces."""

    def __init__(self, namespaces: Namespaces, nodes: list[str]) -> None:
        self._sockets: dict[str, socket.socket] = {}
        for node in nodes:
            with namespaces.inside(node):
                # Of kind DGRAM, so that packets begin with their IP header.
                made = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, _ALL)
            made.setblocking(False)
            self._sockets[node] = made

    def take(self) -> list[Sighting]:
        """All that was seen, node after node. Closes the taps."""
        found = (read(one.node, one.interface, one.outgoing, one.data) for one in self.packets())
        return [one for one in found if one is not None]

    def packets(self) -> list[Tapped]:
        """The same as bytes: both headers and all options are among them."""
        found = [one for node, tap in self._sockets.items() for one in _drain(node, tap)]
        for tap in self._sockets.values():
            tap.close()
        return found


def _drain(node: str, tap: socket.socket) -> Iterator[Tapped]:
    with contextlib.suppress(BlockingIOError):
        while True:
            data, address = tap.recvfrom(128, socket.MSG_TRUNC)
            if address[0] != _LOOPBACK:
                yield Tapped(node, address[0], address[2] == _OUTGOING, data)


def read(node: str, interface: str, outgoing: bool, data: bytes) -> Sighting | None:
    """An IP packet's first bytes as a sighting; ``None``: it is no IP packet. Pure."""
    version = data[0] >> 4 if len(data) >= 40 else 4 if len(data) >= 20 and data[0] >> 4 == 4 else 0
    if version == 4:
        source, target = (socket.inet_ntop(socket.AF_INET, data[at : at + 4]) for at in (12, 16))
        kind, at, size = data[9], (data[0] & 15) * 4, int.from_bytes(data[2:4])
    elif version == 6:
        source, target = (socket.inet_ntop(socket.AF_INET6, data[at : at + 16]) for at in (8, 24))
        kind, at, size = data[6], 40, 40 + int.from_bytes(data[4:6])
    else:
        return None
    no_route = len(data) > at + 1 and (data[at], data[at + 1]) in _NO_ROUTE.get(kind, ())
    return Sighting(node, interface, outgoing, source, target, size, no_route)
