"""What can be wrong with NAT gateways and mapped ranges."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from ipaddress import IPv4Network

from testbed import presets
from testbed.errors import Problem, known
from testbed.model import Model, Site
from testbed.nat import ANYWHERE, NatGateway
from testbed.plan import addresses
from testbed.units import Duration

IDLE_MIN, IDLE_MAX = Duration(10**9), Duration(86_400 * 10**9)
"""The kernel counts whole seconds; a day is arbitrary, and far more than any provider's."""
CONNECTIONS_MAX = presets.NAT_PORTS.value[1] - presets.NAT_PORTS.value[0] + 1
"""As many as a gateway has ports."""
OWN = (("links' own addresses", addresses.LINK_NET), ("the Internet's own addresses", addresses.UNDERLAY))


def gateways(model: Model) -> Iterator[Problem]:
    """Every problem of a model's NAT gateways."""
    sites = {site.name: site for site in model.sites}
    for gateway in model.nat_gateways:
        where = f"NAT gateway {gateway.name}"
        site = sites.get(gateway.site)
        if site is None:
            yield Problem(where, f"site {gateway.site!r} does not exist", known(gateway.site, sites))
            continue
        if site.kind != "vpc":
            yield Problem(where, f"{site.name} is no VPC", "a LAN's own range is translated with seen_as")
        if not any(router.site == site.name for router in model.routers):
            yield Problem(where, f"{site.name} has no gateway to send to", "give it one: site.router(...)")
        yield from _subnets(where, gateway, site)
        yield from _destinations(where, gateway, site, sites)
        yield from _numbers(where, gateway)
    yield from _served_twice(model)


def _subnets(where: str, gateway: NatGateway, site: Site) -> Iterator[Problem]:
    names = [subnet.name for subnet in site.subnets]
    for name in (gateway.subnet, *gateway.serves):
        if name not in names:
            yield Problem(where, f"subnet {name!r} does not exist in {site.name}", known(name, names))
    if not gateway.serves:
        yield Problem(where, "serves no subnet", "serves=[...]")
    if gateway.subnet in gateway.serves:
        yield Problem(where, f"stands in {gateway.subnet}, which it serves", "give it a subnet of its own")


def _destinations(where: str, gateway: NatGateway, site: Site, sites: dict[str, Site]) -> Iterator[Problem]:
    if not gateway.to:
        yield Problem(where, "leads nowhere", f"to=[{ANYWHERE!r}]")
    for each in gateway.to:
        if each == site.name:
            yield Problem(where, f"leads to its own site {each}", "that is never translated: name other sites")
        elif each not in (ANYWHERE, *sites) and _network(each) is None:
            yield Problem(where, f"{each!r} is no IPv4 range and no site", known(each, (ANYWHERE, *sites)))


def _numbers(where: str, gateway: NatGateway) -> Iterator[Problem]:
    if not IDLE_MIN <= gateway.idle <= IDLE_MAX or gateway.idle % 10**9:
        yield Problem(where, f"idle {gateway.idle} cannot be used", f"whole seconds, {IDLE_MIN} to {IDLE_MAX}")
    if not 1 <= gateway.connections <= CONNECTIONS_MAX:
        what = f"{gateway.connections} connections to one place"
        yield Problem(where, what, f"between 1 and {CONNECTIONS_MAX}, its ports")


def _served_twice(model: Model) -> Iterator[Problem]:
    for a, b in itertools.combinations(model.nat_gateways, 2):
        both = [name for name in a.serves if a.site == b.site and name in b.serves]
        same = [each for each in a.to if each in b.to]
        if both and same:
            what = f"serves {both[0]} to {same[0]}, as {a.name} does"
            yield Problem(f"NAT gateway {b.name}", what, "one gateway for each subnet and destination")


def mapped(model: Model) -> Iterator[Problem]:
    """Every problem of the ranges as which sites are seen."""
    taken: list[tuple[str, IPv4Network]] = [*OWN]
    for site in model.sites:
        own = _network(site.cidr)
        if own is not None:
            taken.append((f"site {site.name}", own))
    for site in model.sites:
        if not site.seen_as:
            continue
        where, own, seen = f"site {site.name}, seen_as", _network(site.cidr), _network(site.seen_as)
        if seen is None:
            hint = "such as 100.64.0.0/16; IPv6 ranges are each site's own and need none"
            yield Problem(where, f"{site.seen_as!r} is no IPv4 range", hint)
            continue
        if own is not None and own.prefixlen != seen.prefixlen:
            what = f"{seen} is not as large as {own}, which it stands for"
            yield Problem(where, what, f"a /{own.prefixlen}: address by address")
        if seen.is_multicast or seen.is_loopback or seen.is_link_local or seen.is_reserved or not seen.prefixlen:
            what = f"{seen} is not a range that hosts can have"
            yield Problem(where, what, "such as one of 100.64.0.0/10 (RFC 6598)")
        for whose, other in taken:
            if seen.overlaps(other):
                yield Problem(where, f"{seen} overlaps {other} of {whose}", "a range that is nobody's")
        taken.append((f"site {site.name}, seen_as", seen))
        mine = [router.name for router in model.routers if router.site == site.name]
        if len(mine) != 1:
            what = f"{len(mine)} gateways translate: {', '.join(mine)}" if mine else "no gateway that translates"
            yield Problem(where, what, "one: an answer that comes by another belongs to no connection there")
    yield from _stores(model)


def _stores(model: Model) -> Iterator[Problem]:
    """What finds its server by an address of the plan, and not as it is seen."""
    hosts = {host.name: host.site for host in model.hosts}
    seen = {site.name for site in model.sites if site.seen_as}
    served = [*(("share", s.name, s.client, s.server) for s in model.shares),
              *(("volume", v.name, v.host, v.server) for v in model.volumes if v.server)]  # fmt: skip
    for kind, name, client, server in served:
        between = {hosts.get(client, ""), hosts.get(server, "")}
        if len(between) > 1 and between & seen:
            yield Problem(f"{kind} {name}", "goes between sites of which one is mapped", "keep it within a site")


def _network(text: str) -> IPv4Network | None:
    try:
        return IPv4Network(text)
    except ValueError:
        return None
