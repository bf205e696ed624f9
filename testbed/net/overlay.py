"""Overlays between two hosts, as a Kubernetes network lays them: a tunnel of the hosts' own, which no router sees."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Literal, get_args

from pyroute2.netlink import NLM_F_CREATE, NLM_F_EXCL
from pyroute2.netlink.rtnl import RTM_NEWLINK
from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg

from testbed.errors import InputError, Problem, known
from testbed.net import messages
from testbed.net.netlink import Request
from testbed.theory import mtu

OverlayKind = Literal["vxlan", "ipip"]
VXLAN_PORT, VXLAN_VNI = 4789, 4096
"""RFC 7348 section 8, and Calico's network identifier (felix/config/config_params.go)."""
VXLAN_DF_SET = 1
"""``enum ifla_vxlan_df`` (``include/uapi/linux/if_link.h``): never fragment what is wrapped."""
NETWORK = IPv4Network("10.244.0.0/16")
"""Where overlay number n takes its n-th /30 from: what Kubernetes installers use for pods (kubeadm's examples)."""
FIRST_INDEX = 200_001
"""Of the interfaces, above those that a plan makes; arbitrary."""


@dataclass(frozen=True)
class OverlayEnd:
    """One end: its host, the interface, its address in the overlay and the addresses under it."""

    node: str
    interface: str
    address: str
    local: str
    remote: str
    mac: str


@dataclass(frozen=True)
class Overlay:
    """A tunnel between two hosts; ``mtu`` in bytes, of its interfaces."""

    kind: OverlayKind
    number: int
    mtu: int
    a: OverlayEnd
    b: OverlayEnd


def between(kind: str, number: int, path_mtu: int, a: tuple[str, str], b: tuple[str, str]) -> Overlay:
    """Overlay number ``number``, from 0, between (host, address) and (host, address), over a path of that MTU. Pure.

    Raises:
        InputError: there is no such kind, or no room left for one more.
    """
    if kind not in get_args(OverlayKind):
        raise InputError(Problem(f"overlay {kind!r}", "no such kind", known(kind, get_args(OverlayKind))))
    if not 0 <= number < NETWORK.num_addresses // 4:
        raise InputError(Problem(f"overlay number {number}", f"{NETWORK} has no room for it", "use fewer overlays"))
    name = f"{kind}{number}"
    ends = [
        OverlayEnd(
            node=here[0], interface=name, address=str(NETWORK[4 * number + side]), local=here[1], remote=there[1],
            mac=f"02:64:{number >> 8:02x}:{number & 0xFF:02x}:00:{side:02x}",
        )
        for side, (here, there) in enumerate([(a, b), (b, a)], start=1)
    ]  # fmt: skip
    chosen = next(each for each in get_args(OverlayKind) if each == kind)
    return Overlay(chosen, number, path_mtu - mtu.OVERLAY[kind], *ends)


def requests(overlay: Overlay, end: OverlayEnd) -> list[Request]:
    """Make an end's interface, give it its address, and bring it up. Pure."""
    what = f"{end.interface} of {end.node}"
    index = FIRST_INDEX + overlay.number
    return [
        _create(overlay, end, index, what),
        messages.add_address(index, f"{end.address}/30", end.node),
        messages.set_up(index, what),
    ]


def _create(overlay: Overlay, end: OverlayEnd, index: int, what: str) -> Request:
    attrs: list[tuple[str, object]] = [("IFLA_IFNAME", end.interface), ("IFLA_MTU", overlay.mtu)]
    if overlay.kind == "vxlan":
        attrs.append(("IFLA_ADDRESS", end.mac))
        data = [
            ("IFLA_VXLAN_ID", VXLAN_VNI + overlay.number), ("IFLA_VXLAN_LOCAL", end.local),
            ("IFLA_VXLAN_GROUP", end.remote), ("IFLA_VXLAN_PORT", VXLAN_PORT), ("IFLA_VXLAN_LEARNING", 0),
            ("IFLA_VXLAN_DF", VXLAN_DF_SET),
        ]  # fmt: skip
    else:
        data = [("IFLA_IPIP_LOCAL", end.local), ("IFLA_IPIP_REMOTE", end.remote), ("IFLA_IPIP_PMTUDISC", 1)]
    info = {"attrs": [("IFLA_INFO_KIND", overlay.kind), ("IFLA_INFO_DATA", {"attrs": data})]}
    message = ifinfmsg()
    message["index"] = index
    message["attrs"] = [*attrs, messages.SINGLE_SEGMENT, ("IFLA_LINKINFO", info)]
    message["header"]["type"] = RTM_NEWLINK
    message["header"]["flags"] = NLM_F_CREATE | NLM_F_EXCL
    return Request(message, f"create {what}")
