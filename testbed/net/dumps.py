"""What the kernel says about a namespace, read by hand: the few attributes that are compared, and nothing else.

pyroute2 decodes every attribute of every message, which for thousands of namespaces takes minutes; here a link takes
some 20 us. Only disciplines and filters, of which there are few, are left to it.

Source: ``include/uapi/linux/if_link.h``, ``if_addr.h``, ``rtnetlink.h`` and ``pkt_sched.h``.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from pyroute2.netlink import NLM_F_DUMP, NLM_F_REQUEST
from pyroute2.netlink.rtnl import RTM_GETADDR, RTM_GETLINK, RTM_GETQDISC, RTM_GETROUTE, RTM_NEWQDISC
from pyroute2.netlink.rtnl.tcmsg import tcmsg

from testbed.net.netlink import NLMSG_DONE, NLMSG_ERROR, Netlink, NetlinkError, decode, split

IFF_UP, IFF_LOWER_UP = 0x1, 0x1_0000
IFLA_ADDRESS, IFLA_IFNAME, IFLA_MTU, IFLA_MASTER, IFLA_EXT_MASK = 1, 3, 4, 10, 29
IFA_ADDRESS, IFA_LOCAL = 1, 2
RTA_DST, RTA_OIF, RTA_GATEWAY, RTA_TABLE = 1, 4, 5, 15
RTPROT_STATIC, RT_TABLE_MAIN, RTN_UNICAST = 4, 254, 1
RT_SCOPE_LINK = 253
TCA_KIND = 1
_SKIP_STATS = 8
"""``RTEXT_FILTER_SKIP_STATS``: counters are most of an answer about a link."""
_NETLINK = struct.Struct("=IHHII")
_LINK = struct.Struct("=BxHiII")
_ADDRESS = struct.Struct("=BBBBI")
_ROUTE = struct.Struct("=BBBBBBBBI")
_TRAFFIC = struct.Struct("=BxxxiIII")
_ATTRIBUTE = struct.Struct("=HH")
_U32 = struct.Struct("=I")
_TYPE = 0x3FFF
"""Without the flags for nesting and byte order."""
_BUFFER = 1 << 17


@dataclass(frozen=True)
class Link:
    """One interface. ``master``: index of its bridge, or 0."""

    index: int
    name: str
    mac: str
    mtu: int
    up: bool
    carrier: bool
    master: int


@dataclass(frozen=True)
class Qdisc:
    """One discipline; ``body`` is the whole message."""

    index: int
    kind: str
    parent: int
    body: bytes

    def decoded(self) -> tcmsg:
        """For the decoders of :mod:`.netem` and :mod:`.shaping`."""
        return decode(tcmsg, RTM_NEWQDISC, self.body)


@dataclass(frozen=True)
class Found:
    """One namespace as the kernel has it. Addresses and routes are static ones, without those the kernel adds itself.

    Attributes:
        addresses: (interface index, address with prefix length).
        routes: (prefix, via, interface index); ``via`` empty: on the interface itself.
    """

    links: dict[int, Link]
    addresses: frozenset[tuple[int, str]]
    routes: frozenset[tuple[str, str, int]]
    qdiscs: tuple[Qdisc, ...]


def read(channel: Netlink) -> Found:
    """Look at the namespace of a socket. Raises :class:`NetlinkError`."""
    mask = _ATTRIBUTE.pack(8, IFLA_EXT_MASK) + _U32.pack(_SKIP_STATS)
    links = [link(body) for body in _dump(channel, RTM_GETLINK, _LINK.pack(0, 0, 0, 0, 0) + mask)]
    found = [address(body) for body in _dump(channel, RTM_GETADDR, _ADDRESS.pack(0, 0, 0, 0, 0))]
    routes = [route(body) for body in _dump(channel, RTM_GETROUTE, _ROUTE.pack(*[0] * 9))]
    qdiscs = [qdisc(body) for body in _dump(channel, RTM_GETQDISC, _TRAFFIC.pack(0, 0, 0, 0, 0))]
    return Found(
        {each.index: each for each in links}, frozenset(a for a in found if a), frozenset(r for r in routes if r),
        tuple(qdiscs),
    )  # fmt: skip


def _dump(channel: Netlink, kind: int, body: bytes) -> Iterator[bytes]:
    """The body of each answer."""
    os.write(channel.fileno(), _NETLINK.pack(_NETLINK.size + len(body), kind, NLM_F_REQUEST | NLM_F_DUMP, 1, 0) + body)
    while True:
        for answer, _, _, part in split(os.read(channel.fileno(), _BUFFER)):
            if answer == NLMSG_DONE:
                return
            if answer == NLMSG_ERROR:
                number = -struct.unpack_from("=i", part)[0]
                raise NetlinkError(number, f"dump {kind}: {os.strerror(number)}")
            yield part


def attributes(body: bytes, offset: int) -> Iterator[tuple[int, bytes]]:
    """(type, value) of each attribute from an offset on."""
    end = len(body)
    while offset + 4 <= end:
        length, kind = _ATTRIBUTE.unpack_from(body, offset)
        if length < 4:
            return
        yield kind & _TYPE, body[offset + 4 : offset + length]
        offset += (length + 3) & ~3


def link(body: bytes) -> Link:
    """An answer about an interface."""
    _, _, index, flags, _ = _LINK.unpack_from(body)
    name = mac = ""
    mtu = master = 0
    for kind, value in attributes(body, _LINK.size):
        if kind == IFLA_ADDRESS:
            mac = value.hex(":")
        elif kind == IFLA_IFNAME:
            name = value.rstrip(b"\0").decode()
        elif kind == IFLA_MTU:
            mtu = _U32.unpack(value)[0]
        elif kind == IFLA_MASTER:
            master = _U32.unpack(value)[0]
    return Link(index, name, mac, mtu, bool(flags & IFF_UP), bool(flags & IFF_LOWER_UP), master)


def address(body: bytes) -> tuple[int, str] | None:
    """An answer about an address: (interface index, address with prefix length). ``None`` for one of link scope."""
    family, length, _, scope, index = _ADDRESS.unpack_from(body)
    if scope == RT_SCOPE_LINK or family not in (socket.AF_INET, socket.AF_INET6):
        return None
    found = dict(attributes(body, _ADDRESS.size))
    return index, f"{socket.inet_ntop(family, found.get(IFA_LOCAL) or found[IFA_ADDRESS])}/{length}"


def route(body: bytes) -> tuple[str, str, int] | None:
    """An answer about a route: (prefix, via, interface index). ``None`` for one that is not static."""
    family, length, _, _, table, protocol, _, kind, _ = _ROUTE.unpack_from(body)
    if protocol != RTPROT_STATIC or kind != RTN_UNICAST or family not in (socket.AF_INET, socket.AF_INET6):
        return None
    found = dict(attributes(body, _ROUTE.size))
    if (_U32.unpack(found[RTA_TABLE])[0] if RTA_TABLE in found else table) != RT_TABLE_MAIN:
        return None
    nowhere = bytes(4 if family == socket.AF_INET else 16)
    via = socket.inet_ntop(family, found[RTA_GATEWAY]) if RTA_GATEWAY in found else ""
    index = _U32.unpack(found[RTA_OIF])[0] if RTA_OIF in found else 0
    return f"{socket.inet_ntop(family, found.get(RTA_DST, nowhere))}/{length}", via, index


def qdisc(body: bytes) -> Qdisc:
    """An answer about a discipline."""
    _, index, _, parent, _ = _TRAFFIC.unpack_from(body)
    kind = next((value for kind, value in attributes(body, _TRAFFIC.size) if kind == TCA_KIND), b"")
    return Qdisc(index, kind.rstrip(b"\0").decode(), parent, body)
