"""From declared NAT gateways and mapped ranges to a plan: nodes, cables, routes, and what is translated where."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network

from testbed import presets
from testbed.model import Site
from testbed.nat import ANYWHERE, NatGateway
from testbed.plan import addresses
from testbed.plan.draft import Draft
from testbed.plan.nat import Mapping, PlannedNat
from testbed.plan.plan import Node, Route

DEFAULT, DEFAULT6 = "0.0.0.0/0", "::/0"
ROLE = "nat-gateway"


def touches(gateway: NatGateway, subnet: str) -> bool:
    """Whether a gateway has an interface in a subnet of its site."""
    return subnet == gateway.subnet or subnet in gateway.serves


def add_gateway(draft: Draft, gateway: NatGateway) -> None:
    """Its node, and the way on: over its own subnet to the site's gateway."""
    subnet = next(each for each in draft.sites[gateway.site].subnets if each.name == gateway.subnet)
    address, address6 = addresses.router_address(subnet, draft.nat_position(gateway))
    draft.nodes[gateway.name] = Node(
        name=gateway.name, kind="router", role=ROLE, site=gateway.site, zone="", address=address, address6=address6,
        forwards=True,
    )  # fmt: skip
    for prefix, via in zip((DEFAULT, DEFAULT6), addresses.router_address(subnet, 0), strict=True):
        draft.routes.append(Route(node=gateway.name, prefix=prefix, via=via))


def host_routes(draft: Draft, host: str, site: Site, subnet: str) -> Iterator[Route]:
    """The ways of a host by IPv4: where a NAT gateway serves it, through that, but for the rest by the site's gateway.

    The more special route counts. IPv6 is not translated.
    """
    ranges = next(each for each in site.subnets if each.name == subnet)
    way_out = addresses.router_address(ranges, 0)[0]
    ways = {DEFAULT: way_out}
    for gateway in draft.nats(site.name):
        if subnet in gateway.serves:
            through = addresses.router_address(ranges, draft.nat_position(gateway))[0]
            ways |= dict.fromkeys(destinations(draft, gateway), through) | {site.cidr: way_out}
    yield from (Route(node=host, prefix=prefix, via=via) for prefix, via in sorted(ways.items(), key=_length))


def _length(way: tuple[str, str]) -> tuple[int, str]:
    return ip_network(way[0]).prefixlen, way[0]


def destinations(draft: Draft, gateway: NatGateway) -> list[str]:
    """The ranges to which hosts go through a gateway."""
    return [_range(draft, each) for each in gateway.to]


def _range(draft: Draft, where: str) -> str:
    site = draft.sites.get(where)
    if site is not None:
        return site.seen_as or site.cidr
    return DEFAULT if where == ANYWHERE else where


def nats(draft: Draft) -> tuple[PlannedNat, ...]:
    """Every NAT gateway. The draft has all its nodes and cables."""
    return tuple(_nat(draft, gateway) for gateway in draft.model.nat_gateways)


def _nat(draft: Draft, gateway: NatGateway) -> PlannedNat:
    site, node = draft.sites[gateway.site], draft.nodes[gateway.name]
    position = [subnet.name for subnet in site.subnets].index(gateway.subnet)
    return PlannedNat(
        node=gateway.name, address=node.address, interface=f"lan{position}", local=site.cidr,
        sources=tuple(subnet.cidr for subnet in site.subnets if subnet.name in gateway.serves),
        ports=presets.NAT_PORTS.value, idle=gateway.idle, connections=gateway.connections,
    )  # fmt: skip


def mappings(draft: Draft) -> tuple[Mapping, ...]:
    """Every mapped range: at the gateway of its site, on all that leads out of it but the Internet."""
    return tuple(
        Mapping(
            site=site.name, node=router.name, interfaces=_outside(draft, router.name), real=site.cidr,
            seen_as=site.seen_as,
        )
        for site in draft.sites.values()
        if site.seen_as
        for router in draft.model.routers
        if router.site == site.name
    )  # fmt: skip


def _outside(draft: Draft, router: str) -> tuple[str, ...]:
    links = (end.interface for link in draft.links if link.kind != "internet" for end in (link.a, link.b)
             if end.node == router)  # fmt: skip
    tunnels = (end.interface for tunnel in draft.tunnels for end in (tunnel.a, tunnel.b) if end.node == router)
    return (*links, *tunnels)
