"""Claims about pods' packets in a capture: what they are wrapped in, how large they are, and what can be read."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import Any

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.l2 import ARP, Ether
from scapy.packet import Raw

from testbed.check.wrapped import seen, wrapped

PODS = "10.244.0.0/16"
MARKER = b"testbed-marker"
POD = IP(src="10.244.1.2", dst="10.244.2.3") / ICMP() / Raw(MARKER * 10)
A, B = "10.0.1.11", "192.168.1.10"


def read_back(packet: Any) -> Any:
    """As from a file: with all lengths filled in."""
    return Ether(bytes(Ether() / packet))


def vxlan(port: int) -> Any:
    return IP(src=A, dst=B) / UDP(sport=40000, dport=port) / Raw(b"\x08" + bytes(7) + bytes(Ether() / POD))


@pytest.mark.parametrize(
    ("packet", "what"),
    [
        (POD, "none"),
        (vxlan(4789), "vxlan"),
        (vxlan(8472), "vxlan"),
        (IP(src=A, dst=B) / POD, "ipip"),
        (IP(src=A, dst=B) / UDP(sport=51820, dport=51820) / Raw(bytes(96)), "wireguard"),
        (IP(src=A, dst=B) / TCP(dport=6443), None),
        (IP(src=A, dst=B) / UDP(dport=53), None),
        (IP(src="10.244.1.2", dst="192.168.1.10") / ICMP(), None),
    ],
)
def test_the_outer_headers_say_what_a_pods_packet_is_wrapped_in(packet: Any, what: str | None) -> None:
    assert wrapped(read_back(packet)[IP], IPv4Network(PODS)) == what


def test_the_largest_is_counted_with_what_is_around_it() -> None:
    found = seen(
        [read_back(each) for each in (POD, vxlan(4789), IP(src=A, dst=B) / TCP() / Raw(bytes(1400)))], PODS, MARKER
    )
    assert found.largest == len(POD) + 14 + 8 + 8 + 20
    assert found.wraps == {"none": 1, "vxlan": 1}


def test_a_marker_is_readable_unless_it_is_encrypted() -> None:
    hidden = IP(src=A, dst=B) / UDP(sport=51820, dport=51820) / Raw(bytes(160))
    assert seen([read_back(each) for each in (POD, vxlan(4789), IP(src=A, dst=B) / POD)], PODS, MARKER).readable == 3
    assert seen([read_back(hidden)], PODS, MARKER).readable == 0


def test_fragments_are_counted_whatever_is_in_them() -> None:
    pieces = [IP(src=A, dst=B, proto=17, flags="MF"), IP(src=A, dst=B, proto=17, flags="MF", frag=175)]
    pieces.append(IP(src=A, dst=B, proto=17, frag=350))
    assert seen([read_back(each / Raw(bytes(1400))) for each in pieces], PODS, MARKER).fragments == 3
    assert seen([read_back(POD)], PODS, MARKER).fragments == 0


def test_what_has_no_ip_is_passed_over() -> None:
    found = seen([Ether() / ARP()], PODS, MARKER)
    assert (found.wraps, found.largest, found.readable) == ({}, 0, 0)
