"""Values of a plan to try daemons on, and golden files to compare what they are told with."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from testbed.daemons import process
from testbed.model import Bfd
from testbed.plan.plan import End, Plan, PlannedTunnel, Route
from testbed.plan.sessions import PodRouting, Routing, Session, StaticVpnRoute
from testbed.units import Duration

GOLDEN = Path(__file__).parent.parent / "golden"
LOGS = Path(__file__).parent / "logs"
UPDATE = "TESTBED_UPDATE_GOLDEN"


def check_golden(name: str, text: str) -> None:
    """Compare with the golden file, or write it when the environment says so."""
    path = GOLDEN / name
    if os.environ.get(UPDATE) == "1":
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert path.is_file(), f"{path} is missing; run with {UPDATE}=1 to write it"
    assert text == path.read_text(encoding="utf-8"), f"if this is meant, run with {UPDATE}=1 and look at the diff"


def program(name: str) -> str:
    """Path of a program, or skip the test and name it."""
    found = process.find(name) or shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def seconds(number: int) -> Duration:
    return Duration(number * 10**9)


BFD = Bfd(interval=Duration(300 * 10**6))


def session(name: str, interface: str, local: str, peer: str, **changes: Any) -> Session:
    made = Session(
        name=name, interface=interface, local=local, peer=peer, local_as=65000, peer_as=64512, hold=seconds(30),
        keepalive=seconds(10), local_pref=100,
    )  # fmt: skip
    return replace(made, **changes)


DX = session("dx", "dx", "169.254.0.6", "169.254.0.5", local_pref=300, bfd=BFD, hold=seconds(90), keepalive=seconds(30))
DX_6 = replace(DX, name="dx_6", local="fd00:ffff::12", peer="fd00:ffff::11")
VPN = session("vpn-1", "vpn-1", "169.254.0.18", "169.254.0.17", med=100)
VPN_6 = replace(VPN, name="vpn-1_6", local="fd00:ffff::42", peer="fd00:ffff::41")

GATEWAY = Routing(
    node="cgw", daemon="bird", router_id="203.0.113.2", asn=65000, originate=("192.168.0.0/16", "fd00:0:2::/48"),
    sessions=(DX, DX_6, VPN, VPN_6),
)  # fmt: skip
"""A customer gateway with Direct Connect and one VPN tunnel."""

SITE = replace(
    GATEWAY,
    sessions=(
        replace(DX, prepend=2, communities=((65000, 7), (7224, 7300)), med=50, prefix_limit=100),
        replace(DX_6, prepend=2, communities=((65000, 7), (7224, 7300)), med=50, prefix_limit=100),
        session("ibgp_cgw2", "lan0", "192.168.1.1", "192.168.1.2", peer_as=65000),
        session("ibgp_cgw2_6", "lan0", "fd00:0:2:1::1", "fd00:0:2:1::2", peer_as=65000),
    ),
    statics=tuple(
        StaticVpnRoute(prefix=prefix, interface=f"vpn-{number}", local_pref=201 - number)
        for number in (1, 2)
        for prefix in ("10.0.0.0/16", "fd00:0:1::/48")
    ),
    ospf=("lan0",),
    ecmp=4,
)
"""One of two routers of a site: everything that a routing daemon can be told."""

NODES = tuple(
    session(f"node_onprem-{n}", "lan0", "192.168.1.1", f"192.168.1.{10 + n}", peer_as=64513, local_pref=400)
    for n in (1, 2)
)
CLUSTERED = replace(GATEWAY, pods=(PodRouting(prefix="10.244.0.0/16", asn=64513, sessions=NODES),))
"""A gateway whose site has nodes that tell it of their pods."""


def tunnel(number: int, **changes: Any) -> PlannedTunnel:
    name = f"vpn-{number}"
    made = PlannedTunnel(
        name=name, vpn="vpn", kind="ipsec",
        a=End(node="vgw", interface=name, address=f"169.254.{number}.1", address6=f"fd00:ffff::{number}1", index=10),
        b=End(node="cgw", interface=name, address=f"169.254.{number}.2", address6=f"fd00:ffff::{number}2", index=20),
        outer_a=f"198.51.100.{250 + number}", outer_b="198.51.100.10", mtu=1446, clamp_mss=True, suite="aes128gcm16",
        nat_traversal=False, number=number, dpd=seconds(30), ike_lifetime=seconds(28_800), follows_ike=False,
        child_lifetime=seconds(3_600), secret=f"{number:02x}" * 32, rate=None, packets_per_s=None,
    )  # fmt: skip
    return replace(made, **changes)


def plan(*tunnels: PlannedTunnel, blocks_icmp: tuple[str, ...] = ()) -> Plan:
    """A plan of two routers, and only what tunnels and filters look at."""
    from testbed.plan.plan import Node

    nodes = tuple(
        Node(
            name=name, kind="router", role="", site="", zone="", address="203.0.113.1", address6="", forwards=True
        )
        for name in ("vgw", "cgw")
    )  # fmt: skip
    return Plan(
        lab="lab", topology="test", about="", parameters={}, nodes=nodes, bridges=(), cables=(), links=(),
        tunnels=tunnels, loopbacks=(), blocks_icmp=blocks_icmp, routing=(), reach=(),
        routes=(
            Route(node="vgw", prefix="198.51.100.0/24", via="198.51.100.9"),
            Route(node="vgw", prefix="0.0.0.0/0", via="198.51.100.1"),
        ),
    )  # fmt: skip
