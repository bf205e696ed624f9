"""What a capture holds, packet by packet, without scapy. Pure but for reading the file."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

_FILE, _RECORD = struct.Struct("=IHHiIII"), struct.Struct("=IIII")
"""pcap (draft-ietf-opsawg-pcap, sections 4 and 5)."""
_ETHERNET, _IPV4 = 14, b"\x08\x00"
TCP, UDP, ESP = 6, 17, 50
"""Protocol numbers of IANA."""


def packets(path: Path) -> Iterator[bytes]:
    """The frames of a capture, in order."""
    data, at = path.read_bytes(), _FILE.size
    while at < len(data):
        _, _, length, _ = _RECORD.unpack_from(data, at)
        at += _RECORD.size
        yield data[at : at + length]
        at += length


def carrying(path: Path, words: bytes) -> int:
    """How many frames have these bytes in them."""
    return sum(words in packet for packet in packets(path))


def of(path: Path, protocol: int, port: int = 0) -> int:
    """How many frames are IPv4 packets of a protocol, and from or to a port where one is given."""
    return sum(_is(packet, protocol, port) for packet in packets(path))


def _is(packet: bytes, protocol: int, port: int) -> bool:
    if packet[12:14] != _IPV4 or packet[_ETHERNET + 9] != protocol:
        return False
    start = _ETHERNET + 4 * (packet[_ETHERNET] & 15)
    return not port or port in struct.unpack_from("!HH", packet, start)
