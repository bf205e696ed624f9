"""Packets as they pass an interface, kept as a pcap file with the kernel's instants in nanoseconds.

Any interface will do: a node's, a tunnel, or a port of the fabric, which sees what is on a link. What leaves the node
that is looked at may carry checksums that are not filled in yet, since virtual interfaces leave that to whoever cares.
"""

from __future__ import annotations

import contextlib
import importlib
import socket
import struct
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from testbed.errors import InputError, Problem
from testbed.net.mmsg import SO_TIMESTAMPNS, STAMP, Batch, room
from testbed.net.namespace import Namespaces
from testbed.plan.plan import FABRIC, Direction, Plan
from testbed.probe.child import Child, Stop, fork
from testbed.probe.pace import Asked, quiet

if TYPE_CHECKING:
    from scapy.plist import PacketList

SNAPLEN = 65_535
"""Bytes kept of each packet: all that an IP packet can have."""
GATHER_S = 0.05
"""How long packets may wait to be written together, after a first one has come; arbitrary."""
_ROOM = 64 << 20
"""Bytes of packets that wait: 50 ms at some 5 Gbit/s; arbitrary."""
_SLOTS = 64
_MAGIC_NS = 0xA1B2_3C4D
"""pcap with nanoseconds (draft-ietf-opsawg-pcap, section 4)."""
_FILE = struct.Struct("=IHHiIII")
_RECORD = struct.Struct("=IIII")
_LINKTYPE_ETHERNET, _LINKTYPE_RAW = 1, 101
_ARPHRD_ETHER, _ARPHRD_LOOPBACK = 1, 772
_ETH_P_ALL, _SOL_PACKET, _PACKET_STATISTICS = 3, 263, 6
_COUNTS = struct.Struct("=II")
"""Packets, and of these those that found no room."""
_PROTOCOLS = {"icmp": 1, "tcp": 6, "udp": 17, "esp": 50, "icmp6": 58, "ospf": 89}
_ETHERTYPES = {"arp": 0x0806, "ip": 0x0800, "ip6": 0x86DD}
_WITH_PORTS = (6, 17)


@dataclass(frozen=True)
class Match:
    """Which packets to keep: all, those of a protocol (``udp``, ``icmp``, ``arp``, ...), those from or to a port.

    Fragments have no ports but in the first one; a header behind IPv6's extensions is not found.
    """

    protocol: str = ""
    port: int = 0

    def __post_init__(self) -> None:
        if self.protocol and self.protocol not in (*_PROTOCOLS, *_ETHERTYPES):
            known = ", ".join((*_ETHERTYPES, *_PROTOCOLS))
            raise InputError(Problem(f"capture of {self.protocol}", "no such protocol", f"known: {known}"))

    def keeps(self, packet: bytes | memoryview, *, ethernet: bool) -> bool:
        """Whether a packet is wanted. Pure."""
        if not self.protocol and not self.port:
            return True
        at = 14 if ethernet else 0
        if len(packet) <= at:
            return False
        kind = int.from_bytes(packet[12:14], "big") if ethernet else {4: 0x0800, 6: 0x86DD}.get(packet[0] >> 4, 0)
        if self.protocol in _ETHERTYPES:
            return kind == _ETHERTYPES[self.protocol] and (not self.port or self._has_port(packet, at, kind))
        if kind not in (0x0800, 0x86DD) or len(packet) < at + 20:
            return False
        protocol = packet[at + (9 if kind == 0x0800 else 6)]
        if self.protocol and protocol != _PROTOCOLS[self.protocol]:
            return False
        return not self.port or self._has_port(packet, at, kind)

    def _has_port(self, packet: bytes | memoryview, at: int, kind: int) -> bool:
        if kind == 0x0800:
            protocol, start = packet[at + 9], at + 4 * (packet[at] & 15)
            if int.from_bytes(packet[at + 6 : at + 8], "big") & 0x1FFF:
                return False
        else:
            protocol, start = packet[at + 6], at + 40
        if protocol not in _WITH_PORTS or len(packet) < start + 4:
            return False
        return self.port in (
            int.from_bytes(packet[start : start + 2], "big"), int.from_bytes(packet[start + 2 : start + 4], "big")
        )  # fmt: skip


EVERYTHING = Match()


@dataclass
class Capture:
    """A running capture. ``missed`` is known after ``finish``: packets that came faster than they could be kept."""

    name: str
    node: str
    interface: str
    child: Child
    path: Path
    missed: int = 0

    def finish(self) -> Path:
        """Write what is left, and give the file.

        Raises:
            RunError: the capture's process had failed.
        """
        self.child.stop()
        note = self.path.with_suffix(".missed")
        self.missed = int(note.read_text(encoding="ascii"))
        note.unlink()
        return self.path


def start(
    namespaces: Namespaces, scratch: Path, name: str, node: str, interface: str, path: Path, *,
    match: Match = EVERYTHING, snaplen: int = SNAPLEN,
) -> Capture:  # fmt: skip
    """Begin to capture. Packets are kept from the moment that this returns.

    Args:
        namespaces: of the lab.
        scratch: for files of the probe's process.
        name: of the capture.
        node: whose interface it is; :data:`testbed.plan.plan.FABRIC` for a port (:func:`port`).
        interface: its name.
        path: of the file, by custom ``captures/NAME.pcap`` of the record.
        match: what to keep.
        snaplen: how many bytes of each.

    Raises:
        InputError: there is no such interface.
    """
    with namespaces.inside(node):
        inward = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    inward.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    room(inward, _ROOM)
    try:
        inward.bind((interface, _ETH_P_ALL))
    except OSError as error:
        inward.close()
        raise InputError(Problem(f"interface {interface} of {node}", str(error.strerror))) from error
    path.parent.mkdir(parents=True, exist_ok=True)
    child = fork(namespaces, node, f"{name}-capture", scratch, lambda: _write(inward, path, match, snaplen))
    inward.close()
    return Capture(name, node, interface, child, path)


def port(plan: Plan, link: str, direction: Direction) -> tuple[str, str]:
    """(node, interface) where one direction of a link enters, shaped, and not delayed or lost yet. Pure.

    The same port is where the other direction leaves, with all that was done to it.

    Raises:
        KeyError: no such link.
    """
    sender, receiver = plan.link(link).ends(direction)
    return FABRIC, sender.port or receiver.port


def read(path: Path) -> PacketList:
    """The packets of a capture, as scapy's; ``packet.time`` has nanoseconds. Not for the guest: scapy loads slowly."""
    from scapy.utils import rdpcap

    for layer in ("inet", "inet6", "l2"):
        importlib.import_module(f"scapy.layers.{layer}")  # importing them is what makes them known

    return rdpcap(str(path))


def header(snaplen: int, *, ethernet: bool) -> bytes:
    """How a file begins."""
    return _FILE.pack(_MAGIC_NS, 2, 4, 0, 0, snaplen, _LINKTYPE_ETHERNET if ethernet else _LINKTYPE_RAW)


def _write(inward: socket.socket, path: Path, match: Match, snaplen: int) -> None:
    quiet()
    asked = Asked()
    # Of a tunnel's packets the socket gives the IP packet alone.
    ethernet = inward.getsockname()[3] in (_ARPHRD_ETHER, _ARPHRD_LOOPBACK)
    batch = Batch(_SLOTS, snaplen, STAMP.size)
    with path.open("wb") as out:
        out.write(header(snaplen, ethernet=ethernet))
        with contextlib.suppress(Stop):
            while not asked.to_stop:
                asked.asleep = True
                inward.recv(1, socket.MSG_PEEK)
                time.sleep(GATHER_S)
                asked.asleep = False
                _drain(inward, batch, out, match, ethernet=ethernet)
        _drain(inward, batch, out, match, ethernet=ethernet)
    _, missed = _COUNTS.unpack(inward.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, _COUNTS.size))
    path.with_suffix(".missed").write_text(str(missed), encoding="ascii")


def _drain(inward: socket.socket, batch: Batch, out: BinaryIO, match: Match, *, ethernet: bool) -> None:
    while count := batch.receive(inward, socket.MSG_TRUNC):
        for number, (length, instant) in enumerate(zip(batch.lengths(count), batch.stamps(count), strict=True)):
            start = number * batch.size
            packet = batch.data[start : start + min(length, batch.size)]
            if match.keeps(packet, ethernet=ethernet):
                seconds, ns = divmod(instant, 10**9)
                out.write(_RECORD.pack(seconds, ns, len(packet), length))
                out.write(packet)
