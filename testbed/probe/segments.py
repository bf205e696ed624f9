"""The MSS that a TCP connection is opened with, as it arrives: read from the SYN where the far end gets it."""

from __future__ import annotations

from testbed.net.namespace import Namespaces
from testbed.probe.attempts import attempt
from testbed.probe.place import Place
from testbed.probe.tap import Taps

_TCP = 6
_SYN, _ACK = 0x02, 0x10
_END, _NOTHING, _MSS = 0, 1, 2
"""Kinds of options, the first two a single byte (RFC 9293 section 3.2)."""


def announced(spaces: Namespaces, source: Place, target: Place, port: int) -> int | None:
    """Connect, and look at the SYN on the wire into the target. ``None``: none arrived, or without an MSS."""
    taps = Taps(spaces, [target.node])
    attempt(spaces, "tcp", source, target, port)
    found = (syn_mss(one.data, port) for one in taps.packets() if not one.outgoing)
    return next((size for size in found if size is not None), None)


def syn_mss(packet: bytes, port: int) -> int | None:
    """The MSS option of an IP packet's first bytes that begin a connection to a port; ``None``: they do not. Pure."""
    version = packet[0] >> 4 if packet else 0
    if version not in (4, 6) or len(packet) < 40:
        return None
    protocol, at = (packet[9], (packet[0] & 15) * 4) if version == 4 else (packet[6], 40)
    segment = packet[at:]
    if protocol != _TCP or len(segment) < 20 or int.from_bytes(segment[2:4]) != port:
        return None
    return _option(segment[20 : (segment[12] >> 4) * 4]) if segment[13] & (_SYN | _ACK) == _SYN else None


def _option(options: bytes) -> int | None:
    at = 0
    while at < len(options) and options[at] != _END:
        length = 1 if options[at] == _NOTHING else options[at + 1] if at + 1 < len(options) else 0
        if options[at] == _MSS and length == 4 and len(options) >= at + 4:
            return int.from_bytes(options[at + 2 : at + 4])
        if length < 1:
            return None
        at += length
    return None
