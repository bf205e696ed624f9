"""Packet sizes, against the tables that vendors publish."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testbed.presets import IPSEC_SUITES, VPN_MSS, VPN_MTU
from testbed.theory.mtu import (
    AES_CBC_SHA1,
    AES_CBC_SHA2_256,
    AES_CBC_SHA2_384,
    AES_CBC_SHA2_512,
    AES_GCM_16,
    IPIP,
    VXLAN,
    WIREGUARD,
    EspTransform,
    Family,
    ipsec_mtu,
    ipsec_packet,
    mss,
    path_mtu,
    tunnel_mtu,
)

# AWS Site-to-Site VPN user guide, "Best practices for your customer gateway device":
# suite, NAT traversal, MTU, MSS of IPv4, MSS of IPv6 in IPv4.
AWS_TABLE = [
    ("aes128gcm16", False, 1446, 1406, 1386),
    ("aes128gcm16", True, 1438, 1398, 1378),
    ("aes128-sha1", False, 1438, 1398, 1378),
    ("aes128-sha256", False, 1438, 1398, 1378),
    ("aes128-sha1", True, 1422, 1382, 1362),
    ("aes128-sha256", True, 1422, 1382, 1362),
    ("aes128-sha384", False, 1422, 1382, 1362),
    ("aes128-sha384", True, 1422, 1382, 1362),
    ("aes128-sha512", False, 1422, 1382, 1362),
    ("aes128-sha512", True, 1406, 1366, 1346),
]
# Calico, "Configure MTU to maximize network performance": NIC, IPIP, VXLAN v4 and v6, WireGuard v4 and v6.
CALICO_TABLE = [
    (1500, 1480, 1450, 1430, 1440, 1420),
    (9000, 8980, 8950, 8930, 8940, 8920),
    (9001, 8981, 8951, 8931, 8941, 8921),
    (1460, 1440, 1410, 1390, 1400, 1380),
    (1450, 1430, 1400, 1380, 1390, 1370),
]
TRANSFORMS = st.sampled_from([AES_GCM_16, AES_CBC_SHA1, AES_CBC_SHA2_256, AES_CBC_SHA2_384, AES_CBC_SHA2_512])
FAMILIES: st.SearchStrategy[Family] = st.sampled_from([4, 6])


@pytest.mark.parametrize(("suite", "nat", "mtu", "mss4", "mss6"), AWS_TABLE)
def test_every_row_of_the_aws_table_is_reproduced(suite: str, nat: bool, mtu: int, mss4: int, mss6: int) -> None:
    inside = ipsec_mtu(IPSEC_SUITES[suite].transform, nat_traversal=nat)
    assert (inside, mss(inside), mss(inside, 6)) == (mtu, mss4, mss6)


@pytest.mark.parametrize(("nic", "ipip", "vxlan4", "vxlan6", "wireguard4", "wireguard6"), CALICO_TABLE)
def test_every_row_of_the_calico_table_is_reproduced(
    nic: int, ipip: int, vxlan4: int, vxlan6: int, wireguard4: int, wireguard6: int
) -> None:
    found = [tunnel_mtu(nic, size) for size in (IPIP[4], VXLAN[4], VXLAN[6], WIREGUARD[4], WIREGUARD[6])]
    assert found == [ipip, vxlan4, vxlan6, wireguard4, wireguard6]


def test_the_published_limits_of_the_vpn_are_those_of_its_best_suite() -> None:
    best = max(ipsec_mtu(suite.transform) for suite in IPSEC_SUITES.values())
    assert (VPN_MTU.value, VPN_MSS.value) == (best, mss(best))


@given(transform=TRANSFORMS, link=st.integers(200, 9001), nat=st.booleans(), outer=FAMILIES)
def test_the_ipsec_mtu_is_the_largest_packet_that_fits(
    transform: EspTransform, link: int, nat: bool, outer: Family
) -> None:
    inside = ipsec_mtu(transform, link_mtu=link, nat_traversal=nat, outer=outer)
    assert ipsec_packet(inside, transform, nat_traversal=nat, outer=outer) <= link
    assert ipsec_packet(inside + 1, transform, nat_traversal=nat, outer=outer) > link


@given(mtus=st.lists(st.integers(68, 9001), min_size=1))
def test_no_link_of_a_path_is_smaller_than_the_path(mtus: list[int]) -> None:
    assert path_mtu(mtus) in mtus
    assert all(path_mtu(mtus) <= mtu for mtu in mtus)


def test_a_path_of_direct_connect_and_vpn_is_as_small_as_the_vpn() -> None:
    assert path_mtu([9001, 8500, 1500, 1446]) == 1446


def test_what_cannot_carry_a_packet_is_refused() -> None:
    for attempt in (
        lambda: ipsec_mtu(AES_GCM_16, link_mtu=100),
        lambda: ipsec_packet(0, AES_GCM_16),
        lambda: tunnel_mtu(100, 60),
        lambda: tunnel_mtu(1500, -1),
        lambda: path_mtu([]),
        lambda: mss(40),
        lambda: EspTransform(iv=8, icv=16, block=1),
    ):
        with pytest.raises(ValueError, match=r"."):
            attempt()
