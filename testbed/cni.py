"""What joins the pods of a cluster, as frozen values: what is declared, and what a plan has to know of it. Pure.

How each is installed: :mod:`testbed.kubernetes.networks`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol, get_args

from testbed.errors import known
from testbed.theory.mtu import IPIP, VXLAN, WIREGUARD

CalicoMode = Literal["vxlan", "vxlan-cross-subnet", "bgp"]
Dataplane = Literal["iptables", "nftables"]
FlannelMode = Literal["vxlan", "host-gw", "ipip", "wireguard"]

CALICO_OVERHEAD: Mapping[CalicoMode, int] = {"vxlan": VXLAN[4], "vxlan-cross-subnet": VXLAN[4], "bgp": 0}
CALICO_WITHOUT: Mapping[str, str] = {
    "ipip": "no IPIP: its routes are made by Calico's own BIRD, the image has the distribution's, and Felix makes none",
}
"""Modes that Calico has and this image's has not. Source: Calico 3.28, confd's bird_ipam.cfg.template (``krt_tunnel``),
and felix/dataplane/linux/ipip_mgr.go, which makes the interface alone."""
CALICO_ASN = 64512
"""Calico's own default. Source: Calico 3.28, BGP configuration, ``asNumber``. Also AWS's for a gateway of a VPC."""
DATAPLANES: tuple[Dataplane, ...] = get_args(Dataplane)
FLANNEL_WIREGUARD = 80
"""Flannel leaves room for IPv6, whatever WireGuard goes over: ``overhead`` in pkg/backend/wireguard of flannel 0.27."""
FLANNEL_OVERHEAD: Mapping[FlannelMode, int] = {
    "vxlan": VXLAN[4], "host-gw": 0, "ipip": IPIP[4], "wireguard": FLANNEL_WIREGUARD,
}  # fmt: skip


class Cni(Protocol):
    """What joins pods, as a plan sees it."""

    @property
    def name(self) -> str:
        """Whose it is."""

    @property
    def mtu(self) -> int | None:
        """Of pods; ``None``: what the smallest MTU of any way between two nodes leaves."""

    @property
    def dataplane(self) -> Dataplane:
        """What services and filters of nodes are written in, kube-proxy's too."""

    @property
    def title(self) -> str:
        """What plans and reports call it."""

    @property
    def overhead(self) -> int:
        """What is left for it of the smallest MTU of any way between two nodes, in bytes."""

    @property
    def wrapping(self) -> int:
        """What a pod's packet grows by between nodes of different subnets over IPv4, in bytes."""

    @property
    def encrypted(self) -> bool:
        """Whether pods' packets cannot be read between nodes."""

    @property
    def node_block(self) -> int:
        """Prefix length of the ranges that it gives to nodes, for their pods."""

    @property
    def one_subnet(self) -> bool:
        """Whether it works only where all nodes are in one subnet."""

    @property
    def speaks_as(self) -> int | None:
        """The AS that nodes speak BGP with their sites' routers as; ``None``: they do not."""

    @property
    def reflectors(self) -> int:
        """How many nodes of a site speak with its routers for all; 0: each for itself."""

    def unfit(self) -> Iterator[tuple[str, str]]:
        """What is asked of it that cannot be had, and what to do about it."""


@dataclass(frozen=True, kw_only=True)
class Calico:
    """Pods joined by Calico.

    Attributes:
        mode: VXLAN between all nodes, or only between those of different subnets; with ``bgp`` packets go as they are,
            and nodes tell their sites' routers where their pods are.
        mtu: of pods; ``None``: what the smallest MTU of any way between two nodes leaves.
        asn: of the nodes, with ``bgp``; ``None``: Calico's own, 64512.
        reflectors: with ``bgp``, so many nodes of each site are route reflectors: they alone speak with its routers,
            and the others with them; 0: each node speaks with the routers.
        wireguard: packets between nodes are encrypted, and go by WireGuard instead of VXLAN.
        dataplane: with ``nftables`` kube-proxy writes nftables; Felix of this release has no such thing, and writes
            iptables' rules by way of the kernel's nf_tables.
    """

    name: Literal["calico"] = "calico"
    mode: CalicoMode = "vxlan"
    mtu: int | None = None
    asn: int | None = None
    reflectors: int = 0
    wireguard: bool = False
    dataplane: Dataplane = "iptables"

    @property
    def title(self) -> str:
        """What plans and reports call it."""
        return f"Calico {self.mode}{' with WireGuard' if self.wireguard else ''}{_said(self.dataplane)}"

    @property
    def overhead(self) -> int:
        """Of the larger, since host to pod still goes by VXLAN's interface. Source: Calico 3.28, configure MTU."""
        return max(CALICO_OVERHEAD[self.mode], WIREGUARD[4] if self.wireguard else 0)

    @property
    def wrapping(self) -> int:
        """With WireGuard nothing else is around a packet."""
        return WIREGUARD[4] if self.wireguard else CALICO_OVERHEAD[self.mode]

    @property
    def encrypted(self) -> bool:
        """With WireGuard."""
        return self.wireguard

    @property
    def node_block(self) -> int:
        """Source: Calico 3.28, IP pools, ``blockSize``."""
        return 26

    @property
    def one_subnet(self) -> bool:
        """Never."""
        return False

    @property
    def speaks_as(self) -> int | None:
        """With ``bgp`` alone."""
        return (self.asn or CALICO_ASN) if self.mode == "bgp" else None

    def unfit(self) -> Iterator[tuple[str, str]]:
        """A mode or data plane that it does not have, or what belongs to another mode."""
        if why := CALICO_WITHOUT.get(self.mode):
            yield why, "Flannel(mode='ipip') wraps packets alike; Calico has vxlan and bgp here"
        else:
            yield from _unknown("mode", self.mode, CALICO_OVERHEAD)
        yield from _unknown("dataplane", self.dataplane, DATAPLANES)
        if self.asn is not None and self.mode != "bgp":
            yield f"asn {self.asn} with mode {self.mode}, whose nodes speak no BGP", "leave asn out, or mode='bgp'"
        if self.reflectors and self.mode != "bgp":
            yield f"reflectors with mode {self.mode}, whose nodes speak no BGP", "leave them out, or mode='bgp'"


@dataclass(frozen=True, kw_only=True)
class Flannel:
    """Pods joined by Flannel.

    Attributes:
        mode: Flannel's backend. ``host-gw`` only sets routes, so all nodes must be in one subnet.
        mtu: of pods; ``None``: what the smallest MTU of any way between two nodes leaves.
        dataplane: of Flannel's own filters and of kube-proxy.
    """

    name: Literal["flannel"] = "flannel"
    mode: FlannelMode = "vxlan"
    mtu: int | None = None
    dataplane: Dataplane = "iptables"

    @property
    def title(self) -> str:
        """What plans and reports call it."""
        return f"Flannel {self.mode}{_said(self.dataplane)}"

    @property
    def overhead(self) -> int:
        """In bytes."""
        return FLANNEL_OVERHEAD[self.mode]

    @property
    def wrapping(self) -> int:
        """Less than :attr:`overhead` with WireGuard, for which it leaves room for IPv6."""
        return WIREGUARD[4] if self.mode == "wireguard" else FLANNEL_OVERHEAD[self.mode]

    @property
    def encrypted(self) -> bool:
        """With WireGuard."""
        return self.mode == "wireguard"

    @property
    def node_block(self) -> int:
        """Of kube-controller-manager: ``--node-cidr-mask-size``, its default."""
        return 24

    @property
    def one_subnet(self) -> bool:
        """Its routes name other nodes as gateways, which are neighbours (flannel, Documentation/backends.md)."""
        return self.mode == "host-gw"

    @property
    def speaks_as(self) -> int | None:
        """Never: Flannel knows no BGP."""
        return None

    @property
    def reflectors(self) -> int:
        """None."""
        return 0

    def unfit(self) -> Iterator[tuple[str, str]]:
        """A mode or data plane that it does not have."""
        yield from _unknown("mode", self.mode, FLANNEL_OVERHEAD)
        yield from _unknown("dataplane", self.dataplane, DATAPLANES)


AnyCni = Calico | Flannel
"""Every one there is."""


def _said(dataplane: Dataplane) -> str:
    return "" if dataplane == "iptables" else f", {dataplane}"


def _unknown(kind: str, name: str, names: Collection[str]) -> Iterator[tuple[str, str]]:
    if name not in names:
        yield f"no {kind} is called {name!r}", known(name, names)
