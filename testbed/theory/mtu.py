"""Packet sizes through tunnels: MTU, MSS, and what an encapsulated packet weighs.

A size is in bytes. An MTU is that of layer 3: the IP packet, without the Ethernet header.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Family = Literal[4, 6]

IP_HEADER: dict[Family, int] = {4: 20, 6: 40}  # RFC 791 section 3.1 (no options), RFC 8200 section 3
TCP_HEADER = 20  # RFC 9293 section 3.1, no options
TCP_TIMESTAMPS = 12  # RFC 7323 section 3.2 with its padding; Linux sends them unless net.ipv4.tcp_timestamps=0
UDP_HEADER = 8  # RFC 768
ETHERNET_HEADER = 14  # IEEE 802.3: two addresses and the type; no VLAN tag, no frame check sequence
MIN_MTU: dict[Family, int] = {4: 68, 6: 1280}  # RFC 791 section 3.2, RFC 8200 section 5

WIREGUARD: dict[Family, int] = {4: 60, 6: 80}
"""IP header + UDP 8 + WireGuard data message 16 + tag 16. Source: Donenfeld, WireGuard, NDSS 2017, section 5.4.6; the
same numbers in Calico felix/dataplane/linux/int_dataplane.go. Padding to 16 stops at the MTU, so it adds nothing."""
VXLAN: dict[Family, int] = {4: 50, 6: 70}
"""IP header + UDP 8 + VXLAN 8 + inner Ethernet 14. Source: RFC 7348 section 5; Calico, as above."""
IPIP: dict[Family, int] = {4: 20, 6: 40}
"""One more IP header. Source: RFC 2003 section 3; RFC 2473 section 3 without a tunnel encapsulation limit option."""
GRE: dict[Family, int] = {4: 24, 6: 44}
"""IP header + GRE 4 without key, sequence or checksum (each adds 4). Source: RFC 2784 section 2, RFC 2890."""
OVERLAY = {"vxlan": VXLAN[4], "ipip": IPIP[4]}
"""Overhead in bytes of an overlay between hosts, over IPv4."""

_ESP_HEADER = 8  # SPI and sequence number, RFC 4303 section 2
_ESP_TRAILER = 2  # pad length and next header, RFC 4303 section 2


@dataclass(frozen=True)
class EspTransform:
    """The sizes that an ESP cipher suite adds.

    Attributes:
        iv: initialisation vector in each packet, in bytes.
        icv: integrity check value at the end, in bytes.
        block: the encrypted part is padded to a multiple of this; at least 4 (RFC 4303 section 2.4).
    """

    iv: int
    icv: int
    block: int

    def __post_init__(self) -> None:
        if self.iv < 0 or self.icv < 0 or self.block < 4:
            raise ValueError(f"not an ESP transform: {self}")


AES_GCM_16 = EspTransform(iv=8, icv=16, block=4)  # RFC 4106 sections 3.1, 6 and 3.2
AES_CBC_SHA1 = EspTransform(iv=16, icv=12, block=16)  # RFC 3602 sections 2.4 and 3, RFC 2404 section 2
AES_CBC_SHA2_256 = EspTransform(iv=16, icv=16, block=16)  # RFC 4868 section 2.6: half of the hash, also the next two
AES_CBC_SHA2_384 = EspTransform(iv=16, icv=24, block=16)
AES_CBC_SHA2_512 = EspTransform(iv=16, icv=32, block=16)


def ipsec_mtu(transform: EspTransform, *, link_mtu: int = 1500, nat_traversal: bool = False, outer: Family = 4) -> int:
    """The largest inner IP packet, in bytes, that ESP in tunnel mode carries without fragments over ``link_mtu``.

    ``floor_block(link_mtu - IP - 8 [UDP] - 8 [ESP] - IV - ICV) - 2 [trailer]``. Source: RFC 4303 section 2, RFC 3948
    section 2.1 (UDP encapsulation); it reproduces every row of the MTU table in AWS's Site-to-Site VPN user guide,
    "Best practices for your customer gateway device". Valid without traffic flow confidentiality padding; extended
    sequence numbers make no difference, as their upper half is not sent.

    Raises:
        ValueError: nothing is left for a packet.
    """
    clear = IP_HEADER[outer] + (UDP_HEADER if nat_traversal else 0) + _ESP_HEADER + transform.iv + transform.icv
    room = (link_mtu - clear) // transform.block * transform.block - _ESP_TRAILER
    if room < MIN_MTU[4]:
        raise ValueError(f"a link MTU of {link_mtu} leaves {room} bytes inside the tunnel")
    return room


def ipsec_packet(inner: int, transform: EspTransform, *, nat_traversal: bool = False, outer: Family = 4) -> int:
    """Size in bytes of the outer IP packet that carries an inner one of ``inner`` bytes (sources: :func:`ipsec_mtu`).

    Raises:
        ValueError: ``inner`` is not positive.
    """
    if inner <= 0:
        raise ValueError(f"a packet has a size, not {inner}")
    padded = -(-(inner + _ESP_TRAILER) // transform.block) * transform.block
    clear = IP_HEADER[outer] + (UDP_HEADER if nat_traversal else 0) + _ESP_HEADER + transform.iv + transform.icv
    return clear + padded


def tunnel_mtu(link_mtu: int, overhead: int) -> int:
    """MTU in bytes inside a tunnel of constant ``overhead``, such as :data:`WIREGUARD` or :data:`VXLAN` of a family.

    Raises:
        ValueError: nothing is left for a packet.
    """
    if overhead < 0 or link_mtu - overhead < MIN_MTU[4]:
        raise ValueError(f"a link MTU of {link_mtu} cannot carry an overhead of {overhead} bytes")
    return link_mtu - overhead


def path_mtu(mtus: Iterable[int]) -> int:
    """MTU of a path in bytes: the smallest of its links and tunnels (RFC 1191 section 1, RFC 8201 section 1).

    Raises:
        ValueError: the path has no link.
    """
    found = min(mtus, default=None)
    if found is None:
        raise ValueError("a path has at least one link")
    return found


def mss(mtu: int, family: Family = 4) -> int:
    """TCP's maximum segment size in bytes, as announced: MTU less IP and TCP headers, options not counted.

    Source: RFC 9293 section 3.7.1 and RFC 6691. With timestamps a segment carries 12 bytes less than this.

    Raises:
        ValueError: nothing is left for data.
    """
    size = mtu - IP_HEADER[family] - TCP_HEADER
    if size <= 0:
        raise ValueError(f"an MTU of {mtu} leaves no room for TCP data")
    return size
