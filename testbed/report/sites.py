"""What a topology's picture shows, from its plan: sites, their subnets and hosts, and what joins them. Pure.

Many hosts are gathered into one chip, unless one of them broke.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import ip_interface, ip_network

from testbed.model import Impairment
from testbed.numbers import counted
from testbed.plan.plan import Node, Plan, PlannedLink, PlannedTunnel
from testbed.units import Ratio

HOSTS_SHOWN = 6
"""Hosts of a subnet that are drawn one by one; arbitrary: three rows."""
BROKEN_SHOWN = 3
ROLES = {
    "virtual-private-gateway": "virtual private gw", "transit-gateway": "transit gateway",
    "customer-gateway": "customer gateway", "internet": "Internet",
}  # fmt: skip
KINDS = {
    "direct-connect": "Direct Connect",
    "internet": "Internet",
    "lan": "",
    "ipsec": "IPsec",
    "wireguard": "WireGuard",
}


@dataclass(frozen=True)
class Chip:
    """A host, or several; ``broke`` marks it."""

    text: str
    broke: bool = False
    wide: bool = False


@dataclass(frozen=True)
class SubnetBox:
    """A subnet: its title and its hosts."""

    title: str
    chips: tuple[Chip, ...]


@dataclass(frozen=True)
class RouterChip:
    """A router at the edge of its site."""

    name: str
    role: str
    asn: int
    broke: bool


@dataclass(frozen=True)
class SiteBox:
    """A site."""

    name: str
    kind: str
    ranges: str
    subnets: tuple[SubnetBox, ...]
    routers: tuple[RouterChip, ...]


@dataclass(frozen=True)
class Wire:
    """A link, or the tunnels of one VPN between two routers, which are drawn side by side."""

    names: tuple[str, ...]
    a: str
    b: str
    title: str
    facts: str
    tunnel: bool
    transit: bool
    broke: tuple[str, ...]

    @property
    def words(self) -> str:
        """Its title, and what of it broke."""
        if not self.broke:
            return self.title
        return f"{self.title}: {'' if self.broke == self.names else ', '.join(self.broke) + ' '}broke"


def sites(plan: Plan, broken: Collection[str]) -> tuple[SiteBox, ...]:
    """The sites in the order of the plan."""
    names = dict.fromkeys(node.site for node in plan.nodes if node.site)
    subnets = _subnets(plan, broken)
    return tuple(_site(plan, name, subnets.get(name, []), broken) for name in names)


def _site(plan: Plan, name: str, subnets: list[SubnetBox], broken: Collection[str]) -> SiteBox:
    nats = {nat.node for nat in plan.nats}
    routers = [node for node in plan.nodes if node.site == name and node.kind == "router" and node.name not in nats]
    asns = {routing.node: routing.asn for routing in plan.routing}
    ranges = dict.fromkeys(
        prefix for routing in plan.routing if plan.node(routing.node).site == name for prefix in routing.originate
    )
    for mapping in plan.mappings:
        if mapping.site == name:  # the whole line is needed for that
            ranges = {f"{mapping.real} seen as {mapping.seen_as}": None}
    cloud = any(router.role in ("virtual-private-gateway", "transit-gateway") for router in routers)
    chips = tuple(
        RouterChip(router.name, ROLES.get(router.role, router.role), asns.get(router.name, 0), router.name in broken)
        for router in routers
    )
    kind = ("VPC" if cloud else "LAN") if routers or plan.cables else ""
    return SiteBox(name, kind, "  ".join(ranges), tuple(subnets), chips)


def _subnets(plan: Plan, broken: Collection[str]) -> dict[str, list[SubnetBox]]:
    """Subnets by site. A subnet is a bridge, or several with trunks to the first."""
    root = {bridge.index: bridge.trunk[4] if bridge.trunk else bridge.index for bridge in plan.bridges}
    nodes = {node.name: node for node in plan.nodes}
    members: dict[int, list[Node]] = {}
    stands = {(nat.node, nat.interface) for nat in plan.nats}
    # NAT gateways and the subnet that each stands in: it has interfaces elsewhere, too.
    own = {(root[c.bridge], c.node) for c in plan.cables if (c.node, c.interface) in stands}
    addresses: dict[int, tuple[str, ...]] = {}
    for cable in plan.cables:
        if cable.bridge:
            members.setdefault(root[cable.bridge], []).append(nodes[cable.node])
            addresses.setdefault(root[cable.bridge], cable.addresses)
    boxes: dict[str, list[SubnetBox]] = {}
    for index, inside in members.items():
        hosts = [node for node in inside if node.kind == "host"]
        zone = next((f"zone {host.zone}  " for host in hosts if host.zone), "")
        title = zone + _network(addresses[index])
        gateways = tuple(
            Chip(f"{nat.node}  NAT gateway", nat.node in broken, wide=True)
            for nat in plan.nats
            if (index, nat.node) in own
        )
        boxes.setdefault(inside[0].site, []).append(SubnetBox(title, (*_chips(hosts, broken), *gateways)))
    cabled = {cable.node for cable in plan.cables}
    for node in plan.nodes:  # of a cluster that exists already it is not known what joins its nodes
        if node.kind == "host" and node.name not in cabled and node.site not in boxes:
            loose = [each for each in plan.nodes if each.site == node.site and each.name not in cabled]
            boxes[node.site] = [SubnetBox("nodes", _chips(loose, broken))]
    return boxes


def _network(addresses: tuple[str, ...]) -> str:
    """The IPv4 network, or the IPv6 one where there is no other."""
    interfaces = sorted((ip_interface(address) for address in addresses), key=lambda each: each.version)
    return str(interfaces[0].network) if interfaces else ""


def _chips(hosts: list[Node], broken: Collection[str]) -> tuple[Chip, ...]:
    if len(hosts) <= HOSTS_SHOWN:
        return tuple(Chip(host.name, host.name in broken) for host in hosts)
    broke = [host for host in hosts if host.name in broken][:BROKEN_SHOWN]
    rest = [host for host in hosts if host not in broke]
    more = f"{len(rest):,} more hosts" if broke else counted(len(rest), "host")
    return (
        *(Chip(host.name, broke=True) for host in broke),
        Chip(f"{more}: {rest[0].name} … {rest[-1].name}", wide=True),
    )


def wires(plan: Plan, broken: Collection[str]) -> tuple[Wire, ...]:
    """Links first, then tunnels, in the order of the plan."""
    transits = {node.name for node in plan.nodes if not node.site}
    links = [_link(link, transits, broken) for link in plan.links]
    groups: dict[tuple[str, str, str], list[PlannedTunnel]] = {}
    for tunnel in plan.tunnels:
        groups.setdefault((tunnel.vpn, tunnel.a.node, tunnel.b.node), []).append(tunnel)
    return (*links, *(_vpn(tunnels, broken) for tunnels in groups.values()))


def _link(link: PlannedLink, transits: Collection[str], broken: Collection[str]) -> Wire:
    transit = link.a.node in transits or link.b.node in transits
    speed = [] if link.rate is None else [f"{'policed ' if link.policed else ''}{link.rate}"]
    facts = [*speed, *impairment_words(link.a_to_b, link.b_to_a), f"MTU {link.mtu:,}"]
    title = link.name if transit else f"{link.name}  {KINDS.get(link.kind, link.kind)}".rstrip()
    broke = (link.name,) if link.name in broken else ()
    return Wire((link.name,), link.a.node, link.b.node, title, " · ".join(facts), False, transit, broke)


def _vpn(tunnels: list[PlannedTunnel], broken: Collection[str]) -> Wire:
    first = tunnels[0]
    names = tuple(tunnel.name for tunnel in tunnels)
    speed = "" if first.rate is None else f"{first.rate}{' each' if len(tunnels) > 1 else ''} · "
    facts = f"{speed}MTU {first.mtu:,}"
    title = f"{', '.join(names)}  {KINDS.get(first.kind, first.kind)}"
    broke = tuple(name for name in names if name in broken or first.vpn in broken)
    return Wire(names, first.a.node, first.b.node, title, facts, True, False, broke)


def impairment_words(there: Impairment, back: Impairment) -> list[str]:
    """What both directions do to packets, in few words; two values where the directions differ."""
    words = [_both(str(there.delay), str(back.delay))]
    if there.jitter or back.jitter:
        words[0] += f" ±{_both(str(there.jitter), str(back.jitter))}"
    loss = _both(_loss(there), _loss(back))
    return [*words, f"loss {loss}"] if loss != "0 %" else words


def _loss(impairment: Impairment) -> str:
    loss = impairment.loss
    return f"{loss.fraction * 100:g} %" if isinstance(loss, Ratio) else "in bursts"


def _both(there: str, back: str) -> str:
    return there if there == back else f"{there} → / {back} ←"


def broken_by(plan: Plan, target: str) -> frozenset[str]:
    """Names in the picture that a fault's target stands for: a VPN for its tunnels, a program for its node."""
    if any(tunnel.vpn == target for tunnel in plan.tunnels):
        return frozenset(tunnel.name for tunnel in plan.tunnels if tunnel.vpn == target)
    node, _, program = target.partition("/")
    return frozenset({node if program else target})


def families(prefix: str) -> int:
    """4 or 6."""
    return ip_network(prefix, strict=False).version
