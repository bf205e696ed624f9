"""Claims about captures: filters keep what they say, and the file is read back to the nanosecond."""

from __future__ import annotations

import io
import socket
from pathlib import Path

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6
from scapy.layers.l2 import ARP, Ether
from scapy.packet import Packet, Raw

from testbed import Topology
from testbed.errors import InputError
from testbed.net.mmsg import SO_TIMESTAMPNS, STAMP, Batch
from testbed.plan.compile import compile_plan
from testbed.plan.plan import FABRIC
from testbed.probe import capture
from testbed.probe.capture import Match

PACKETS = {
    "udp": IP() / UDP(sport=40001, dport=53), "tcp": IP(options=[]) / TCP(sport=179, dport=50000),
    "udp6": IPv6() / UDP(sport=40001, dport=53), "icmp": IP() / ICMP(), "icmp6": IPv6() / ICMPv6EchoRequest(),
    "fragment": IP(frag=100, proto=17) / Raw(b"\x9c\x41\x00\x35"),
    "options": IP(options=b"\x01" * 4) / UDP(sport=179, dport=9),
}  # fmt: skip
"""By name, without a link layer."""


def kept(match: Match) -> set[str]:
    """The names of the packets that a filter keeps, the same with and without an Ethernet header."""
    with_header = {name for name, packet in PACKETS.items() if match.keeps(bytes(Ether() / packet), ethernet=True)}
    bare = {name for name, packet in PACKETS.items() if match.keeps(bytes(packet), ethernet=False)}
    assert with_header == bare
    return bare


@pytest.mark.parametrize(
    ("match", "names"),
    [
        (Match(), set(PACKETS)),
        (Match("udp"), {"udp", "udp6", "fragment", "options"}),
        (Match("udp", 53), {"udp", "udp6"}),
        (Match("udp", 40001), {"udp", "udp6"}),
        (Match("", 179), {"tcp", "options"}),
        (Match("tcp", 53), set()),
        (Match("icmp"), {"icmp"}),
        (Match("icmp6"), {"icmp6"}),
        (Match("ip6"), {"udp6", "icmp6"}),
        (Match("ip", 179), {"tcp", "options"}),
        (Match("arp"), set()),
    ],
)
def test_a_filter_keeps_its_protocol_and_port(match: Match, names: set[str]) -> None:
    assert kept(match) == names


def test_arp_and_cut_packets_are_handled() -> None:
    assert Match("arp").keeps(bytes(Ether() / ARP()), ethernet=True)
    whole = bytes(Ether() / PACKETS["udp"])
    for length in range(len(whole) - 8):
        Match("udp", 53).keeps(whole[:length], ethernet=True)


def test_an_unknown_protocol_is_refused_with_those_known() -> None:
    with pytest.raises(InputError, match="known: arp, ip, ip6, icmp, tcp, udp"):
        Match("quic")


def _loop(*packets: bytes) -> tuple[socket.socket, socket.socket]:
    inward = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    inward.bind(("127.0.0.1", 0))
    inward.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for packet in packets:
        out.sendto(packet, inward.getsockname())
    return out, inward


def test_what_is_written_is_read_back_with_nanoseconds_and_full_lengths(tmp_path: Path) -> None:
    frames: list[Packet] = [Ether() / IP() / UDP(sport=1, dport=number) / Raw(b"x" * 100) for number in range(1, 6)]
    sockets = _loop(*map(bytes, frames))
    taken = Batch(8, 60, STAMP.size)
    out = io.BytesIO()
    out.write(capture.header(60, ethernet=True))
    capture._drain(sockets[1], taken, out, Match("udp", 3), ethernet=True)
    capture._drain(sockets[1], taken, out, Match(), ethernet=True)
    path = tmp_path / "x.pcap"
    path.write_bytes(out.getvalue())
    packets = capture.read(path)
    assert len(packets) == 1
    assert packets[0][UDP].dport == 3
    assert packets[0].wirelen == len(frames[0])
    assert len(packets[0]) == 60
    assert int(packets[0].time * 10**9) % 10**9 == int.from_bytes(out.getvalue()[28:32], "little")
    for each in sockets:
        each.close()


def test_a_link_s_direction_enters_at_the_sender_s_port_of_the_fabric() -> None:
    t = Topology("t")
    site = t.vpc("one", "10.0.0.0/16")
    site.host("far", zone="a", delay="3 ms")
    t.link("dx", site.router("ra", asn=64512), t.lan("two", "192.168.0.0/16").router("rb", asn=65000))
    plan = compile_plan(t.build(), "lab")
    assert capture.port(plan, "dx", "a_to_b") == (FABRIC, "dx.a")
    assert capture.port(plan, "dx", "b_to_a") == (FABRIC, "dx.b")
    assert capture.port(plan, "far", "a_to_b") == capture.port(plan, "far", "b_to_a") == (FABRIC, "far")
