"""Look at a whole model before anything is planned, and tell everything that is wrong with it at once."""

from __future__ import annotations

import ipaddress
import itertools
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from testbed.errors import InputError, Problem
from testbed.model import Bgp, Impairment, Link, Model, Router, Site, Vpn
from testbed.plan import addresses
from testbed.plan.plan import FABRIC
from testbed import presets
from testbed.units import Duration, Rate

NAME = re.compile(r"[a-z][a-z0-9-]*")
NAME_MAX = 13
"""An interface name has at most 15 characters (IFNAMSIZ), and ports in the fabric add two."""
RATE_MAX = Rate(400 * 10**9)
"""The fastest Direct Connect port; a packet of 64 bytes then lasts 1.3 ns, about the clock's own step."""
RATE_MIN = Rate(8_000)
"""One packet of 1,514 bytes then lasts 1.5 s; slower shaping only stalls every protocol."""
BFD_INTERVAL_MIN = Duration(10 * 10**6)
"""BIRD's own smallest (its manual, BFD section)."""
MTU_MIN, MTU_MAX = 1280, 65535
"""RFC 8200 section 5; IP's own limit."""

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def validate(model: Model) -> list[Problem]:
    """Every problem of a model, in a stable order; empty when it can be planned."""
    checks = (_names, _ranges, _room, _routers, _hosts, _links, _vpns)
    return [problem for check in checks for problem in check(model)]


def _names(model: Model) -> Iterator[Problem]:
    named = [
        *(("site", site.name) for site in model.sites),
        *(("router", router.name) for router in model.routers),
        *(("host", host.name) for host in model.hosts),
        *(("link", link.name) for link in model.links),
        *(("tunnel", tunnel) for vpn in model.vpns for tunnel in vpn.tunnels),
    ]
    for kind, name in named:
        where = f"{kind} {name}"
        if not NAME.fullmatch(name):
            yield Problem(where, "not a usable name", "lower-case letters, digits and dashes, a letter first")
        if len(name) > NAME_MAX:
            yield Problem(where, f"name of {len(name)} characters is too long", f"at most {NAME_MAX}: it names an interface")
        if name == FABRIC:
            yield Problem(where, "this name is the testbed's own", "choose another")
    for group in (("router", "host"), ("link", "tunnel", "host"), ("site",)):
        counts = Counter(name for kind, name in named if kind in group)
        for name, count in counts.items():
            if count > 1:
                yield Problem(f"{group[0]} {name}", f"declared {count} times", "give each its own name")


def _network(text: str) -> Network | None:
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        return None


def _ranges(model: Model) -> Iterator[Problem]:
    known: list[tuple[str, Network]] = [
        ("links' own addresses", addresses.LINK_NET), ("links' own addresses", addresses.LINK_NET6),
        ("the Internet's own addresses", addresses.UNDERLAY), ("the Internet's own addresses", addresses.UNDERLAY6),
    ]  # fmt: skip
    for site in model.sites:
        for text, version in ((site.cidr, 4), (site.cidr6, 6)):
            network = _network(text)
            if network is None or network.version != version:
                yield Problem(f"site {site.name}", f"{text!r} is no IPv{version} range", "such as 10.0.0.0/16 or fd00:1::/48")
            else:
                known.append((f"site {site.name}", network))
    for (first, a), (second, b) in itertools.combinations(known, 2):
        if a.version == b.version and a.overlaps(b):  # type: ignore[arg-type]
            yield Problem(second, f"{b} overlaps {a} of {first}", "ranges that are routed to each other must differ")
    for site in model.sites:
        yield from _subnet_ranges(site)


def _subnet_ranges(site: Site) -> Iterator[Problem]:
    seen: list[tuple[str, Network]] = []
    for subnet in site.subnets:
        where = f"subnet {subnet.name} of {site.name}"
        for text, whole in ((subnet.cidr, _network(site.cidr)), (subnet.cidr6, _network(site.cidr6))):
            if not text or whole is None:
                continue
            network = _network(text)
            if network is None or network.version != whole.version:
                yield Problem(where, f"{text!r} is no IPv{whole.version} range", f"a part of {whole}")
            elif not network.subnet_of(whole):  # type: ignore[arg-type]
                yield Problem(where, f"{network} is not inside {whole}", "choose a part of the site's range")
            else:
                for name, other in seen:
                    if other.version == network.version and other.overlaps(network):  # type: ignore[arg-type]
                        yield Problem(where, f"{network} overlaps subnet {name}", "subnets of one site must differ")
                seen.append((subnet.name, network))


def _room(model: Model) -> Iterator[Problem]:
    by_subnet = addresses.hosts_by_subnet(model)
    for site in model.sites:
        if _network(site.cidr) is None or _network(site.cidr6) is None:
            continue
        counts = {s.name: len(by_subnet.get(s.name, [])) for s in site.subnets}
        try:
            filled = addresses.with_subnet_ranges(site, counts)
        except ValueError as error:
            yield Problem(f"site {site.name}", str(error), "give the site a larger range, or its subnets smaller ones")
            continue
        for subnet in filled.subnets:
            room = ipaddress.ip_network(subnet.cidr).num_addresses - addresses.FIRST_HOST - 1
            if counts[subnet.name] > room:
                yield Problem(f"subnet {subnet.name}", f"{counts[subnet.name]} hosts do not fit into {subnet.cidr}", f"room is for {room}")


def _routers(model: Model) -> Iterator[Problem]:
    sites = {site.name for site in model.sites}
    for router in model.routers:
        where = f"router {router.name}"
        if router.kind != "internet" and router.site not in sites:
            yield Problem(where, f"site {router.site!r} does not exist", f"known: {', '.join(sorted(sites)) or 'none'}")
        if router.kind != "internet" and not 1 <= router.asn <= 4294967294:
            yield Problem(where, f"AS number {router.asn} is out of range", "private ones: 64512-65534, 4200000000-4294967294 (RFC 6996)")
        if not 1 <= router.ecmp <= 16:
            yield Problem(where, f"{router.ecmp} equal paths cannot be used", "between 1 and 16")
    for site in model.sites:
        mine = [router for router in model.routers if router.site == site.name]
        if len({router.asn for router in mine}) > 1:
            yield Problem(f"site {site.name}", "its routers have different AS numbers", "routers of one site are one AS")
        if not MTU_MIN <= site.mtu <= MTU_MAX:
            yield Problem(f"site {site.name}", f"MTU {site.mtu} is out of range", f"between {MTU_MIN} and {MTU_MAX}")


def _hosts(model: Model) -> Iterator[Problem]:
    subnets = {(site.name, subnet.name) for site in model.sites for subnet in site.subnets}
    for host in model.hosts:
        where = f"host {host.name}"
        if (host.site, host.subnet) not in subnets:
            yield Problem(where, f"subnet {host.subnet!r} does not exist in {host.site}", "declare it with site.subnet(...)")
        for direction, impairment in (("a_to_b", host.a_to_b), ("b_to_a", host.b_to_a)):
            if impairment is not None:
                yield from _impairment(f"{where}, {direction}", impairment)
        yield from _rate(where, host.rate)


def _links(model: Model) -> Iterator[Problem]:
    routers = {router.name: router for router in model.routers}
    for link in model.links:
        where = f"link {link.name}"
        yield from _ends(where, link.a, link.b, routers)
        yield from _rate(where, link.rate)
        if link.policed and link.rate is None:
            yield Problem(where, "policed, but without a rate", "give it a rate")
        if not MTU_MIN <= link.mtu <= MTU_MAX:
            yield Problem(where, f"MTU {link.mtu} is out of range", f"between {MTU_MIN} (RFC 8200) and {MTU_MAX}")
        for direction, impairment in (("a_to_b", link.a_to_b), ("b_to_a", link.b_to_a)):
            yield from _impairment(f"{where}, {direction}", impairment)
        if link.bgp is not None:
            yield from _bgp(where, link.bgp)
        yield from _internet_end(where, link, routers)


def _internet_end(where: str, link: Link, routers: dict[str, Router]) -> Iterator[Problem]:
    b = routers.get(link.b)
    if link.kind == "internet" and b is not None and b.kind != "internet":
        yield Problem(where, f"{link.b} is not the Internet", "t.attach(gateway, internet): the second one is t.internet()")


def _ends(where: str, a: str, b: str, routers: dict[str, Router]) -> Iterator[Problem]:
    for end in (a, b):
        if end not in routers:
            yield Problem(where, f"leads to {end!r}, which is no router", f"known: {', '.join(sorted(routers)) or 'none'}")
    if a == b:
        yield Problem(where, f"both ends are {a}", "a link joins two routers")


def _rate(where: str, rate: Rate | None) -> Iterator[Problem]:
    if rate is not None and not RATE_MIN <= rate <= RATE_MAX:
        yield Problem(where, f"{rate} cannot be shaped", f"between {RATE_MIN} and {RATE_MAX}; leave it out for no limit")


def _impairment(where: str, impairment: Impairment) -> Iterator[Problem]:
    from testbed.net.distribution import table

    if impairment.delay < 0:
        yield Problem(where, f"delay {impairment.delay} is negative", "time cannot be given back")
    if impairment.jitter > impairment.delay:
        yield Problem(where, f"jitter {impairment.jitter} is above the delay {impairment.delay}", "packets would arrive before they were sent; lower the jitter or raise the delay")
    else:
        try:
            table(impairment.distribution, delay_ns=impairment.delay, jitter_ns=impairment.jitter, samples=impairment.table)
        except InputError as error:
            yield from (Problem(where, p.what, p.hint) for p in error.problems)
    if impairment.distribution == "table" and not impairment.table:
        yield Problem(where, "distribution 'table' without a table", "give measured delays in table=")
    for share, correlation in (("loss", "loss_correlation"), ("duplicate", "duplicate_correlation"), ("corrupt", "corrupt_correlation"), ("reorder", "reorder_correlation"), ("jitter", "delay_correlation")):
        value: Any = getattr(impairment, share)
        if getattr(impairment, correlation) and not value:
            yield Problem(where, f"{correlation} without {share}", f"give {share} as well, or neither")
    if impairment.reorder and not impairment.delay:
        yield Problem(where, "reordering without a delay", "a packet overtakes others only while they are delayed")


def _bgp(where: str, bgp: Bgp) -> Iterator[Problem]:
    if bgp.hold < presets.DX_BGP_HOLD_MIN.value or bgp.hold % 10**9:
        yield Problem(where, f"BGP hold time {bgp.hold}", f"whole seconds, at least {presets.DX_BGP_HOLD_MIN.value} (RFC 4271)")
    if bgp.keepalive >= bgp.hold or bgp.keepalive < 10**9 or bgp.keepalive % 10**9:
        yield Problem(where, f"BGP keepalive {bgp.keepalive} with hold time {bgp.hold}", "whole seconds, below the hold time, normally a third of it")
    if bgp.bfd is not None:
        if bgp.bfd.interval < BFD_INTERVAL_MIN:
            yield Problem(where, f"BFD interval {bgp.bfd.interval} is too short", f"at least {BFD_INTERVAL_MIN}")
        if not 1 <= bgp.bfd.multiplier <= 255:
            yield Problem(where, f"BFD multiplier {bgp.bfd.multiplier}", "between 1 and 255 (RFC 5880)")


def _vpns(model: Model) -> Iterator[Problem]:
    routers = {router.name: router for router in model.routers}
    attached = {(link.a, link.b) for link in model.links}
    for vpn in model.vpns:
        where = f"vpn {vpn.name}"
        yield from _ends(where, vpn.a, vpn.b, routers)
        yield from _rate(where, vpn.rate)
        yield from _underlay(where, vpn, routers, attached)
        if vpn.kind == "ipsec" and vpn.suite not in presets.IPSEC_SUITES:
            yield Problem(where, f"unknown suite {vpn.suite!r}", f"known: {', '.join(presets.IPSEC_SUITES)}")
        if not vpn.tunnels:
            yield Problem(where, "no tunnels", "at least one")
        if vpn.bgp is not None and vpn.routing == "bgp":
            yield from _bgp(where, vpn.bgp)
        if vpn.mtu is not None and not MTU_MIN <= vpn.mtu <= 1500:
            yield Problem(where, f"MTU {vpn.mtu} is out of range", f"between {MTU_MIN} and what the suite leaves of 1500")


def _underlay(where: str, vpn: Vpn, routers: dict[str, Router], attached: set[tuple[str, str]]) -> Iterator[Problem]:
    over = routers.get(vpn.over)
    if over is None or over.kind != "internet":
        yield Problem(where, f"runs over {vpn.over!r}, which is not the Internet", "make it with t.internet()")
        return
    for end in (vpn.a, vpn.b):
        if end in routers and (end, vpn.over) not in attached:
            yield Problem(where, f"{end} is not attached to {vpn.over}", f"t.attach({end!r}, {vpn.over!r})")
