"""Claims about tunnels: what the kernel is asked for, and WireGuard's keys."""

from __future__ import annotations

from base64 import b64decode
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from hypothesis import given
from hypothesis import strategies as st
from pyroute2.netlink.rtnl import RTM_NEWQDISC, RTM_NEWTFILTER
from pyroute2.netlink.rtnl.fibmsg import fibmsg
from pyroute2.netlink.rtnl.ifaddrmsg import ifaddrmsg
from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg
from pyroute2.netlink.rtnl.rtmsg import rtmsg

from testbed.errors import RunError
from testbed.net import tunnels
from testbed.net.netlink import Request
from testbed.units import Rate
from tests.daemons.sample import plan, tunnel

secrets = st.binary(min_size=32, max_size=32).map(bytes.hex)


def through_bytes(request: Request) -> Any:
    """A message as it comes out of the bytes that it is sent as."""
    request.message.encode()
    read = type(request.message)(request.message.data)
    read.decode()
    return read


def test_an_ipsec_tunnel_is_an_xfrm_interface_with_its_number_and_mtu() -> None:
    made = tunnel(4, mtu=1438)
    message = through_bytes(tunnels.link_requests(made, made.b)[0])
    assert isinstance(message, ifinfmsg)
    info = message.get_attr("IFLA_LINKINFO")
    assert (message["index"], message.get_attr("IFLA_IFNAME"), message.get_attr("IFLA_MTU")) == (20, "vpn-4", 1438)
    assert info.get_attr("IFLA_INFO_KIND") == "xfrm"
    data = info.get_attr("IFLA_INFO_DATA")
    assert data.get_attr("IFLA_XFRM_IF_ID") == 4
    assert data.get_attr("IFLA_XFRM_LINK") is None, "routing decides which link carries the tunnel"


def test_a_wireguard_tunnel_is_a_wireguard_interface() -> None:
    made = tunnel(4, kind="wireguard", mtu=1440)
    info = through_bytes(tunnels.link_requests(made, made.a)[0]).get_attr("IFLA_LINKINFO")
    assert info.get_attr("IFLA_INFO_KIND") == "wireguard"


@pytest.mark.parametrize("side", ["a", "b"])
def test_each_end_has_its_addresses_and_a_link_local_one_that_no_other_tunnel_has(side: str) -> None:
    found: set[str] = set()
    for number in (1, 2):
        made = tunnel(number)
        end = made.a if side == "a" else made.b
        read = [through_bytes(request) for request in tunnels.link_requests(made, end)]
        addresses = [
            (m.get_attr("IFA_LOCAL") or m.get_attr("IFA_ADDRESS"), m["prefixlen"])
            for m in read
            if isinstance(m, ifaddrmsg)
        ]
        assert addresses[:2] == [(end.address, 30), (end.address6, 126)]
        assert addresses[2][0].startswith("fe80::")
        found.add(addresses[2][0])
    assert len(found) == 2


def test_an_interface_comes_up_last() -> None:
    made = tunnel(1)
    last = through_bytes(tunnels.link_requests(made, made.a)[-1])
    assert (last["index"], last["flags"] & 1) == (10, 1)


def test_only_what_is_limited_is_policed() -> None:
    free, limited = tunnel(1), tunnel(1, rate=Rate(10**9), packets_per_s=140_000)
    assert tunnels.limit_requests(free, free.a, "vpn-1") == []
    kinds = [request.message["header"]["type"] for request in tunnels.limit_requests(limited, limited.a, "vpn-1")]
    assert kinds == [RTM_NEWQDISC, RTM_NEWTFILTER]


@given(secrets)
def test_both_ends_come_to_the_same_shared_key(secret: str) -> None:
    (private_a, public_a), (private_b, public_b) = (tunnels.key_pair(secret, side) for side in "ab")
    assert private_a != private_b

    def shared(private: str, public: str) -> bytes:
        key = X25519PrivateKey.from_private_bytes(b64decode(private))
        return key.exchange(X25519PublicKey.from_public_bytes(b64decode(public)))

    assert shared(private_a, public_b) == shared(private_b, public_a)


@given(secrets)
def test_private_keys_are_clamped_so_that_the_kernel_gives_back_what_it_was_given(secret: str) -> None:
    raw = b64decode(tunnels.key_pair(secret, "a")[0])
    assert (raw[0] & 7, raw[31] & 0b1100_0000) == (0, 0b0100_0000)


def test_keys_follow_from_the_secret_alone() -> None:
    assert tunnels.key_pair("00" * 32, "a") == tunnels.key_pair("00" * 32, "a")
    assert tunnels.key_pair("00" * 32, "a") != tunnels.key_pair("01" * 32, "a")


def test_wireguard_ends_name_each_other_and_the_customer_keeps_the_tunnel_alive() -> None:
    made = tunnel(3, kind="wireguard")
    a, b = (tunnels.wireguard_config(made, end) for end in (made.a, made.b))
    assert a["listen_port"] == b["listen_port"] == a["peer"]["endpoint_port"] == 51823
    assert (a["peer"]["endpoint_addr"], b["peer"]["endpoint_addr"]) == (made.outer_b, made.outer_a)
    assert a["peer"]["public_key"] == tunnels.key_pair(made.secret, "b")[1]
    assert a["peer"]["allowed_ips"] == ["0.0.0.0/0", "::/0"]
    assert ("persistent_keepalive" in a["peer"], b["peer"]["persistent_keepalive"]) == (False, 25)


def test_the_provider_sends_wireguard_from_its_own_address_by_mark_and_table() -> None:
    made = tunnel(3, kind="wireguard")
    route, rule = (through_bytes(request) for request in tunnels.source_requests(made, plan(made)))
    assert isinstance(route, rtmsg) and isinstance(rule, fibmsg)
    assert route.get_attr("RTA_PREFSRC") == made.outer_a
    assert route.get_attr("RTA_GATEWAY") == "198.51.100.9", "the most specific of the plan's routes"
    assert rule.get_attr("FRA_FWMARK") == tunnels.wireguard_config(made, made.a)["fwmark"] == 3
    assert rule.get_attr("FRA_TABLE") == route.get_attr("RTA_TABLE")
    assert "fwmark" not in tunnels.wireguard_config(made, made.b)


def test_a_gateway_that_is_not_attached_is_told_so() -> None:
    made = tunnel(3, kind="wireguard")
    empty = replace(plan(made), routes=())
    with pytest.raises(RunError, match=r"no route to 198\.51\.100\.10"):
        tunnels.source_requests(made, empty)
