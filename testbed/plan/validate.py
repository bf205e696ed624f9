"""Look at a whole model before anything is planned, and tell everything that is wrong with it at once."""

from __future__ import annotations

import contextlib
import ipaddress
import itertools
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from ipaddress import IPv4Network, IPv6Network

from testbed.errors import Problem, known
from testbed.model import Model, Router, Site
from testbed.plan import (
    addresses,
    validate_clusters,
    validate_guards,
    validate_links,
    validate_names,
    validate_nat,
    validate_peering,
    validate_stores,
)
from testbed.plan.plan import FABRIC

NAME = re.compile(r"[a-z][a-z0-9-]*")
NAME_MAX = 13
"""An interface name has at most 15 characters (IFNAMSIZ), and ports in the fabric add two."""
RESERVED = re.compile(
    rf"{FABRIC}|lo|all|default|(lan|eth|dummy|bond|ifb)[0-9]+"  # interfaces, and what sysctl calls all of them
    r"|(tunl|sit|gre|gretap|erspan|ip6tnl|ip6gre)0"  # the kernel's own in each namespace
    r"|(own|kernel|static|ospf)[46]|bfd1|device1"  # what routing daemons' configurations call their own
)
MTU_MIN, MTU_MAX = 1280, 65535
"""RFC 8200 section 5; IP's own limit."""
SUBNETS_MAX = 100
"""More make the names of ports longer than a name may be."""
ECMP_MAX = 16
"""Arbitrary; the daemons' own limits are above."""

Network = IPv4Network | IPv6Network


def validate(model: Model) -> list[Problem]:
    """Every problem of a model, in a stable order; empty when it can be planned."""
    # What is of the wrong type cannot be compared, so nothing else can be said.
    wrong = [problem for part in _parts(model) for problem in _types(part)]
    if wrong:
        return wrong
    checks = (
        _names, _ranges, _room, _sites, _routers, _hosts, validate_links.links, validate_links.vpns, _numbers,
        validate_stores.shares, validate_stores.volumes, validate_guards.guards, validate_nat.mapped,
        validate_nat.gateways, validate_names.resolvers, validate_clusters.clusters,
    )  # fmt: skip
    return [problem for check in checks for problem in check(model)]


def _parts(model: Model) -> Iterator[object]:
    for part in (
        *model.sites,
        *model.routers,
        *model.hosts,
        *model.links,
        *model.vpns,
        *model.shares,
        *model.volumes,
        *model.groups,
        *model.borders,
        *model.nat_gateways,
        *model.resolvers,
        *model.clusters,
    ):
        yield part
        if isinstance(part, Site):
            yield from part.subnets


def _types(part: object) -> Iterator[Problem]:
    """Plain numbers, words and flags that are none. Quantities are parsed where they are given."""
    assert is_dataclass(part)
    where = f"{type(part).__name__.lower()} {getattr(part, 'name', '')}"
    for field in fields(part):
        value, kind = getattr(part, field.name), {"int": int, "str": str, "bool": bool}.get(str(field.type))
        if kind is not None and type(value) is not kind:
            yield Problem(where, f"{field.name} is {value!r}, which is not of type {field.type}", "see its docstring")


def _names(model: Model) -> Iterator[Problem]:
    named = [
        *(("site", site.name) for site in model.sites),
        *(("router", router.name) for router in model.routers),
        *(("router", gateway.name) for gateway in model.nat_gateways),
        *(("host", host.name) for host in model.hosts),
        *(("link", link.name) for link in model.links),
        *(("tunnel", tunnel) for vpn in model.vpns for tunnel in vpn.tunnels),
        *(("vpn", vpn.name) for vpn in model.vpns),
        *(("share", share.name) for share in model.shares),
        *(("volume", volume.name) for volume in model.volumes),
        *(("cluster", cluster.name) for cluster in model.clusters),
    ]
    of_clusters = {node.host for cluster in model.clusters for node in cluster.nodes}
    for kind, name in dict.fromkeys(named):
        yield from _name(f"{kind} {name}", name)
    # Nodes are namespaces; links, tunnels and hosts' own links are interfaces; the others are only words.
    nodes = ("router", "host")
    for group in (nodes, ("link", "tunnel", "host"), ("site",), ("vpn",), ("cluster",)):
        owners: defaultdict[str, list[str]] = defaultdict(list)
        for kind, name in named:
            if kind in group:
                owners[name].append(kind)
        for name, kinds in owners.items():
            if len(kinds) > 1 and (group is nodes or set(kinds) != {"host"}):
                what = f"{len(kinds)} of them have this name" if len(set(kinds)) == 1 else f"{kinds[-1]} {name} is, too"
                hint = "give one of their clusters a prefix=" if name in of_clusters else "give each its own name"
                yield Problem(f"{kinds[0]} {name}", what, hint)


def _name(where: str, name: str) -> Iterator[Problem]:
    if not NAME.fullmatch(name):
        yield Problem(where, "not a usable name", "lower-case letters, digits and dashes, a letter first")
    if len(name) > NAME_MAX:
        yield Problem(where, f"a name of {len(name)} characters is too long", f"at most {NAME_MAX}: interfaces get it")
    kind = where.partition(" ")[0]
    if (kind in ("host", "link", "tunnel") and RESERVED.fullmatch(name)) or (kind == "router" and name == FABRIC):
        yield Problem(where, "this name is the kernel's, a daemon's or the testbed's own", "choose another")


def network(text: str) -> Network | None:
    """The network that a text is, or ``None``."""
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        return None


def _is_special(range_: Network) -> bool:
    special = range_.is_multicast or range_.is_loopback or range_.is_link_local or range_.is_unspecified
    return special or range_.is_reserved or range_.prefixlen == 0


def _no_range(where: str, text: str, version: int) -> Problem:
    hint = "such as 10.0.0.0/16" if version == 4 else "such as fd00:1::/48"
    with contextlib.suppress(ValueError):
        meant = ipaddress.ip_network(text, strict=False)
        if meant.version == version:
            hint = f"did you mean {meant}? The bits after the length must be 0"
    return Problem(where, f"{text!r} is no IPv{version} range", hint)


def _ranges(model: Model) -> Iterator[Problem]:
    taken: list[tuple[str, Network, Site | None]] = [
        ("links' own addresses", addresses.LINK_NET, None),
        ("links' own addresses", addresses.LINK_NET6, None),
        ("the Internet's own addresses", addresses.UNDERLAY, None),
        ("the Internet's own addresses", addresses.UNDERLAY6, None),
    ]
    for site in model.sites:
        for text, version in ((site.cidr, 4), (site.cidr6, 6)):
            found = network(text)
            if found is None or found.version != version:
                yield _no_range(f"site {site.name}", text, version)
                continue
            if _is_special(found):
                what = f"{found} is not a range that hosts can have"
                yield Problem(f"site {site.name}", what, "a private one: RFC 1918, RFC 4193")
                continue
            taken.append((f"site {site.name}", found, site))
    for (first, a, one), (second, b, other) in itertools.combinations(taken, 2):
        if addresses.overlap(a, b) and not (a.version == 4 and one and other and one.seen_as and other.seen_as):
            hint = "ranges that are routed to each other must differ"
            if a.version == 4 and one is not None:
                hint += ", or each site be seen as another range: seen_as"
            yield Problem(second, f"{b} overlaps {a} of {first}", hint)
    for site in model.sites:
        yield from _subnet_ranges(site)


def _subnet_ranges(site: Site) -> Iterator[Problem]:
    seen: list[tuple[str, Network]] = []
    names: set[str] = set()
    for subnet in site.subnets:
        where = f"subnet {subnet.name} of {site.name}"
        if subnet.name in names:
            yield Problem(where, "declared twice", "give each subnet of a site its own name")
        names.add(subnet.name)
        for text, whole, version in ((subnet.cidr, network(site.cidr), 4), (subnet.cidr6, network(site.cidr6), 6)):
            if not text or whole is None:
                continue
            found = network(text)
            if found is None or found.version != version:
                yield _no_range(where, text, version)
            elif not addresses.inside(found, whole):
                yield Problem(where, f"{found} is not inside {whole}", "choose a part of the site's range")
            else:
                for name, other in seen:
                    if addresses.overlap(other, found):
                        yield Problem(where, f"{found} overlaps subnet {name}", "subnets of one site must differ")
                seen.append((subnet.name, found))


def _room(model: Model) -> Iterator[Problem]:
    by_subnet = addresses.hosts_by_subnet(model)
    for site in model.sites:
        texts = (site.cidr, site.cidr6, *(text for s in site.subnets for text in (s.cidr, s.cidr6) if text))
        if any(network(text) is None for text in texts):
            continue
        counts = {subnet.name: len(by_subnet.get((site.name, subnet.name), ())) for subnet in site.subnets}
        try:
            filled = addresses.with_subnet_ranges(site, counts)
        except ValueError as error:
            hint = "give the site a larger range, or each of its subnets a part of it"
            yield Problem(f"site {site.name}", str(error), hint)
            continue
        for subnet in filled.subnets:
            room = addresses.room(subnet)
            if counts[subnet.name] > room:
                what = f"{counts[subnet.name]} hosts do not fit into {subnet.cidr} and {subnet.cidr6}"
                yield Problem(f"subnet {subnet.name} of {site.name}", what, f"there is room for {room}")


def _sites(model: Model) -> Iterator[Problem]:
    for site in model.sites:
        where = f"site {site.name}"
        mine = [router for router in model.routers if router.site == site.name]
        if not MTU_MIN <= site.mtu <= MTU_MAX:
            yield Problem(where, f"MTU {site.mtu} is out of range", f"between {MTU_MIN} (RFC 8200) and {MTU_MAX}")
        if len(site.subnets) > SUBNETS_MAX:
            yield Problem(where, f"{len(site.subnets)} subnets are too many", f"at most {SUBNETS_MAX}")
        if len({router.asn for router in mine}) > 1:
            yield Problem(where, "its routers have different AS numbers", "routers of one site are one AS")
        if site.kind == "vpc" and len(mine) > 1:
            names = ", ".join(router.name for router in mine)
            yield Problem(where, f"a VPC has one gateway, not {names}", "give one gateway all links, or make it a LAN")
        if len(mine) > 1 and not site.subnets:
            yield Problem(where, "its routers have no subnet in common", "give it one: site.subnet(...)")
        count = len(mine) + sum(gateway.site == site.name for gateway in model.nat_gateways)
        if count > addresses.FIRST_HOST - 1:
            yield Problem(where, f"{count} routers are too many", f"at most {addresses.FIRST_HOST - 1}")


def _routers(model: Model) -> Iterator[Problem]:
    sites = {site.name: site for site in model.sites}
    for router in model.routers:
        where = f"router {router.name}"
        if router.site and router.site not in sites:
            yield Problem(where, f"site {router.site!r} does not exist", known(router.site, sites))
        if not router.site and router.kind not in ("internet", "transit-gateway"):
            yield Problem(where, f"a {router.kind} belongs to a site", "make it with site.router(...)")
        yield from _port_names(where, router.name, sites.get(router.site))
        yield from _router_numbers(where, router)
    for gateway in model.nat_gateways:
        yield from _port_names(f"NAT gateway {gateway.name}", gateway.name, sites.get(gateway.site))


def _port_names(where: str, name: str, site: Site | None) -> Iterator[Problem]:
    """Ports into subnets are called after the router and counted."""
    if site is not None and len(site.subnets) > 10 and len(name) >= NAME_MAX:
        yield Problem(where, f"its name is too long for {len(site.subnets)} subnets", f"at most {NAME_MAX - 1}")


def _router_numbers(where: str, router: Router) -> Iterator[Problem]:
    if router.kind != "internet" and not validate_peering.asn_usable(router.asn):
        hint = "private ones: 64512-65534, 4200000000-4294967294 (RFC 6996)"
        yield Problem(where, f"AS number {router.asn} cannot be used", hint)
    if not 1 <= router.ecmp <= ECMP_MAX:
        yield Problem(where, f"{router.ecmp} equal paths cannot be used", f"between 1 and {ECMP_MAX}")


def _hosts(model: Model) -> Iterator[Problem]:
    sites = {site.name: site for site in model.sites}
    for host in model.hosts:
        where = f"host {host.name}"
        subnets = [subnet.name for subnet in sites[host.site].subnets] if host.site in sites else []
        if host.subnet not in subnets:
            what = f"subnet {host.subnet!r} does not exist in {host.site}"
            yield Problem(where, what, known(host.subnet, subnets))
        yield from validate_links.host(host, sites.get(host.site))


def _numbers(model: Model) -> Iterator[Problem]:
    """Numbers that are given out by counting, and end somewhere."""
    pairs = len(model.links) + sum(len(vpn.tunnels) for vpn in model.vpns)
    if pairs > addresses.PAIRS_MAX:
        yield Problem("links", f"{pairs} links and tunnels are too many", f"at most {addresses.PAIRS_MAX}")
    if len(model.routers) > addresses.ROUTERS_MAX:
        yield Problem("routers", f"{len(model.routers)} are too many", f"at most {addresses.ROUTERS_MAX}")
