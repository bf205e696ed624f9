"""What a capture says of pods' packets between nodes: how they are wrapped, how large, and whether they can be read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network, ip_address
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from scapy.layers.inet import IP
    from scapy.packet import Packet

Wrap = Literal["vxlan", "ipip", "wireguard", "none"]
PORTS: dict[int, Wrap] = {4789: "vxlan", 8472: "vxlan", 51820: "wireguard"}
"""UDP's. Source: RFC 7348 section 8; Linux drivers/net/vxlan, which Flannel leaves as it is; WireGuard's usual one."""
IPIP = 4
"""RFC 2003 section 3."""


@dataclass(frozen=True)
class Seen:
    """Packets of pods on a link.

    Attributes:
        wraps: how many were wrapped in what.
        largest: the largest IP packet, in bytes, with all that is around it.
        readable: how many had a marker in them that anybody can read.
        fragments: of any IP packets: a router found them too large for what comes next.
    """

    wraps: dict[Wrap, int]
    largest: int
    readable: int
    fragments: int


def seen(packets: Iterable[Packet], pods: str, marker: bytes) -> Seen:
    """What a capture of a link has of pods' packets.

    Args:
        packets: as :func:`testbed.probe.capture.read` gives them.
        pods: the range that pods have their addresses of.
        marker: bytes that pods' packets carry.
    """
    all_ip = list(_ip(packets))
    found = [(wrap, packet) for packet in all_ip if (wrap := wrapped(packet, IPv4Network(pods))) is not None]
    return Seen(
        dict(Counter(wrap for wrap, _ in found)),
        max((packet.len for _, packet in found), default=0),
        sum(marker in bytes(packet) for _, packet in found),
        sum(bool(packet.flags.MF or packet.frag) for packet in all_ip),
    )


def _ip(packets: Iterable[Packet]) -> Iterator[IP]:
    from scapy.layers.inet import IP  # late: scapy loads slowly

    return (packet[IP] for packet in packets if IP in packet)


def wrapped(packet: IP, pods: IPv4Network) -> Wrap | None:
    """What a packet of pods is wrapped in, by its outer headers; ``None``: it is no pods'."""
    from scapy.layers.inet import UDP

    if ip_address(packet.src) in pods and ip_address(packet.dst) in pods:
        return "none"
    if packet.proto == IPIP:
        return "ipip"
    return PORTS.get(packet[UDP].dport) if isinstance(packet.payload, UDP) else None
