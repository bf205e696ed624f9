"""Claims about reading the MSS of a SYN: as scapy writes it, and of nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import IPv6

from testbed.probe.segments import syn_mss

OTHERS = [("SAckOK", b""), ("Timestamp", (1, 0)), ("NOP", None), ("WScale", 7)]
Option = tuple[str, object]


@given(
    st.integers(0, 65535), st.lists(st.sampled_from(OTHERS), unique=True), st.integers(0, 4), st.sampled_from([4, 6])
)
def test_the_mss_is_found_among_other_options_in_both_families(
    size: int, others: list[Option], at: int, family: int
) -> None:
    options = [*others[:at], ("MSS", size), *others[at:]]
    packet = (IP() if family == 4 else IPv6()) / TCP(dport=443, flags="S", options=options)
    assert syn_mss(bytes(packet), 443) == size


@pytest.mark.parametrize(
    "packet",
    [
        IP() / TCP(dport=443, flags="S"),
        IP() / TCP(dport=443, flags="SA", options=[("MSS", 1460)]),
        IP() / TCP(dport=80, flags="S", options=[("MSS", 1460)]),
        IP() / UDP(dport=443) / bytes(40),
        IPv6() / UDP(dport=443) / bytes(40),
    ],
    ids=["no option", "an answer", "another port", "UDP", "UDP over IPv6"],
)
def test_what_does_not_begin_a_connection_with_an_mss_has_none(packet: IP | IPv6) -> None:
    assert syn_mss(bytes(packet), 443) is None


@given(st.binary(max_size=120))
def test_any_bytes_are_read_to_an_end(data: bytes) -> None:
    found = syn_mss(data, 443)
    assert found is None or 0 <= found <= 65535


@given(st.binary(max_size=40))
def test_any_options_are_read_to_an_end(options: bytes) -> None:
    padded = options + bytes(-len(options) % 4)
    segment = bytes(TCP(dport=443, flags="S"))[:20]
    segment = segment[:12] + bytes([(5 + len(padded) // 4) << 4]) + segment[13:]
    found = syn_mss(bytes(IP(len=40 + len(padded)))[:20] + segment + padded, 443)
    assert found is None or 0 <= found <= 65535
