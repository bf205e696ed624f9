"""Two joined interfaces to try disciplines on, in the kernel that this runs in."""

from __future__ import annotations

import contextlib
import ctypes
import socket
import statistics
import struct
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from pyroute2.netlink import NLM_F_CREATE, NLM_F_EXCL
from pyroute2.netlink.rtnl import RTM_NEWLINK
from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg
from pyroute2.netlink.rtnl.tcmsg import tcmsg

from testbed.model import Impairment
from testbed.net import netem, shaping, tc
from testbed.net.netlink import Netlink, Request

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x4000_0000
SO_TIMESTAMPNS, SO_RCVBUFFORCE = 35, 33
ETHERTYPE = 0x88B5  # IEEE 802 local experimental
MTU = 9000
MS = 10**6
CHECKS: list[Callable[[], None]] = []


def check(function: Callable[[], None]) -> Callable[[], None]:
    """Add a claim to what is run."""
    CHECKS.append(function)
    return function


@dataclass(frozen=True)
class Seen:
    """A packet that arrived: its number, when it was sent and when it arrived (ns), and its bytes."""

    number: int
    sent_ns: int
    arrived_ns: int
    data: bytes


class Pair:
    """Two joined interfaces: what is sent at ``index`` goes through its discipline and arrives at the other one."""

    _made = 0

    def __init__(self) -> None:
        Pair._made += 1
        self.netlink = Netlink()
        self.index, self.peer = 1000 + 2 * Pair._made, 1001 + 2 * Pair._made
        names = (f"a{Pair._made}", f"b{Pair._made}")
        peer = {"index": self.peer, "attrs": [("IFLA_IFNAME", names[1]), ("IFLA_MTU", MTU)]}
        info = {"attrs": [("IFLA_INFO_KIND", "veth"), ("IFLA_INFO_DATA", {"attrs": [("VETH_INFO_PEER", peer)]})]}
        create = {"attrs": [("IFLA_IFNAME", names[0]), ("IFLA_MTU", MTU), ("IFLA_LINKINFO", info)]}
        self._link(create, self.index, NLM_F_CREATE | NLM_F_EXCL)
        for index in (self.index, self.peer):
            self._link({"flags": 1, "change": 1}, index, 0)  # IFF_UP
        # The end that came up first has no discipline, and drops everything, until the kernel's link watch comes round.
        time.sleep(1.5)
        self.out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self.out.bind((names[0], 0))
        self.inward = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETHERTYPE))
        self.inward.bind((names[1], ETHERTYPE))
        for sock in (self.out, self.inward):
            sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 29)
            sock.setsockopt(socket.SOL_SOCKET, 32, 1 << 29)  # SO_SNDBUFFORCE
        self.inward.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.inward.setblocking(False)

    def _link(self, values: Mapping[str, object], index: int, flags: int) -> None:
        message = ifinfmsg()
        message.update(values, index=index)
        message["header"]["type"], message["header"]["flags"] = RTM_NEWLINK, flags
        self.netlink.send([Request(message, f"interface {index}")])

    def impair(self, impairment: Impairment, *, change: bool = False, seed: int = 1, **more: int) -> netem.Settings:
        """Ask for an impairment, and fail unless the kernel then holds it."""
        limit = 1_000_000
        asked = netem.encode(impairment, limit_packets=limit, seed=seed)
        request = netem.message(
            self.index, impairment, limit_packets=limit, seed=seed, change=change, what="test", **more
        )
        self.netlink.send([request])
        held = netem.decode(self.qdisc("netem"))
        assert not netem.differences(asked, held), netem.differences(asked, held)
        return held

    def qdisc(self, kind: str) -> tcmsg:
        """The kernel's answer about a discipline of this interface."""
        answers = list(self.netlink.dump(tc.get_qdiscs(self.index)))
        return next(one for one in answers if one["index"] == self.index and one.get_attr("TCA_KIND") == kind)

    def wire(self, index: int, hook: int) -> shaping.Wire:
        """The kernel's answer about the filter at a hook."""
        answers = list(self.netlink.dump(tc.get_filters(index, hook)))
        return next(shaping.decode_wire(one) for one in answers if one.get_attr("TCA_OPTIONS") is not None)

    def send(self, number: int, size: int = 200, body: bytes = b"", *, timed: bool = True) -> None:
        """Send a frame of ``size`` bytes, Ethernet header included. Without its time it costs one system call less."""
        header = b"\x02\0\0\0\0\x02\x02\0\0\0\0\x01" + ETHERTYPE.to_bytes(2, "big")
        frame = header + struct.pack("=QQ", number, time.clock_gettime_ns(time.CLOCK_REALTIME) if timed else 0) + body
        with contextlib.suppress(OSError):  # ENOBUFS: a packet socket is told of a drop at once
            self.out.send(frame.ljust(size, b"\0"))

    def spaced(self, count: int, gap_ns: int, size: int = 200) -> list[Seen]:
        """Send ``count`` frames a gap apart, and wait until nothing more can come."""
        for number in range(count):
            self.send(number, size)
            if gap_ns:
                time.sleep(gap_ns / 1e9)
        return self.drain()

    def drain(self, wait_s: float = 3.0) -> list[Seen]:
        """What has arrived by the end of the wait."""
        time.sleep(wait_s)
        return list(self._arrived())

    def _arrived(self) -> Iterator[Seen]:
        while True:
            try:
                data, ancillary, _, _ = self.inward.recvmsg(MTU + 100, 100)
            except BlockingIOError:
                return
            seconds, nanoseconds = struct.unpack("=qq", ancillary[0][2])
            number, sent = struct.unpack_from("=QQ", data, 14)
            yield Seen(number, sent, seconds * 10**9 + nanoseconds, data)


def baseline() -> int:
    """What the delay of a packet reads as when there is none: the cost of the system calls between the two clocks."""
    pair = Pair()
    pair.impair(Impairment())
    delays = {seen.arrived_ns - seen.sent_ns for seen in pair.spaced(20, MS)}
    return statistics.median_low(sorted(delays))


def delays(seen: Sequence[Seen], base: int) -> list[int]:
    """One-way delays in ns."""
    return [one.arrived_ns - one.sent_ns - base for one in seen]


def near(what: str, got: float, asked: float, tolerance: float) -> None:
    """Print both, and fail if they are further apart than a share of what was asked."""
    off = (got - asked) / asked if asked else got
    print(f"    {what}: asked {asked:g}, got {got:g}, off {off:+.2%}", flush=True)
    assert abs(off) <= tolerance, f"{what}: asked {asked}, got {got}"


def in_order(seen: Sequence[Seen]) -> bool:
    """Whether packets arrived as they were sent."""
    return all(a.number < b.number for a, b in pairwise(seen))
