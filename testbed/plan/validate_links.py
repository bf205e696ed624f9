"""What can be wrong with links, hosts' own links, VPNs and the sessions over them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from testbed import presets
from testbed.errors import Problem, known
from testbed.model import QUEUE, Bgp, Host, Impairment, Link, Model, Router, Site, Vpn
from testbed.plan import impairments, sizes
from testbed.units import Duration, Rate, Size

RATE_MAX = Rate(400 * 10**9)
"""The fastest Direct Connect port; a packet of 64 bytes then lasts 1.3 ns, about the clock's own step."""
RATE_MIN = Rate(8_000)
"""One packet of 1,514 bytes then lasts 1.5 s; slower shaping only stalls every protocol."""
BFD_INTERVAL_MIN = Duration(10 * 10**6)
"""BIRD's own smallest (its manual, BFD section); FRR's too (its manual, ``transmit-interval``)."""
MTU_MIN, MTU_MAX = 1280, 65535
"""RFC 8200 section 5; IP's own limit."""
INTERNET_MTU = presets.VPC_INTERNET_MTU.value
PREFERENCE_MIN, PREFERENCE_MAX = 2, 65_535
"""BIRD compares routes of different protocols by a preference of 16 bits, which local_pref becomes; 1 is OSPF's."""
U16_MAX, U32_MAX = 2**16 - 1, 2**32 - 1
PREPEND_MAX = 100
"""Arbitrary; an AS path segment holds 255 (RFC 4271 section 4.3)."""
_SECOND = 10**9


def links(model: Model) -> Iterator[Problem]:
    """Problems of all links, one after the other."""
    routers = {router.name: router for router in model.routers}
    mtus = [site.mtu for site in model.sites]
    for link in model.links:
        where = f"link {link.name}"
        yield from _ends(where, link.a, link.b, routers)
        yield from _rate(where, link.rate)
        if link.policed and link.rate is None:
            yield Problem(where, "policed, but without a rate", "give it a rate")
        if link.queue < 0:
            yield Problem(where, f"a queue of {link.queue} is negative", f"for example {QUEUE}")
        if not MTU_MIN <= link.mtu <= MTU_MAX:
            yield Problem(where, f"MTU {link.mtu} is out of range", f"between {MTU_MIN} (RFC 8200) and {MTU_MAX}")
        elif mtus and link.mtu > max(*mtus, INTERNET_MTU):
            yield Problem(where, f"MTU {link.mtu}: no site sends packets that large", f"at most {max(mtus)}")
        yield from _both_ways(where, link)
        if link.bgp is not None:
            yield from _bgp(where, link.bgp)
            yield from _neighbours(where, link.a, link.b, routers)
        yield from _internet(where, link, routers)
    yield from _attachments(model)


def host(host: Host, site: Site | None) -> Iterator[Problem]:
    """Problems of a host's own link."""
    link = Link(
        name=host.name, kind="lan", a=host.name, b="", mtu=site.mtu if site else MTU_MIN, rate=host.rate,
        a_to_b=host.a_to_b or Impairment(), b_to_a=host.b_to_a or Impairment(),
    )  # fmt: skip
    yield from _rate(f"host {host.name}", host.rate)
    yield from _both_ways(f"host {host.name}", link)


def _ends(where: str, a: str, b: str, routers: Mapping[str, Router]) -> Iterator[Problem]:
    for end in dict.fromkeys((a, b)):
        if end not in routers:
            yield Problem(where, f"leads to {end!r}, which is no router", known(end, routers))
    if a == b:
        yield Problem(where, f"both ends are {a}", "a link joins two routers")


def _rate(where: str, rate: Rate | None) -> Iterator[Problem]:
    if rate is not None and not RATE_MIN <= rate <= RATE_MAX:
        yield Problem(
            where, f"{rate} cannot be shaped", f"between {RATE_MIN} and {RATE_MAX}; leave it out for no limit"
        )


def _both_ways(where: str, link: Link) -> Iterator[Problem]:
    """Problems of the impairments, told once where both directions have the same, and then of the queues."""
    ways = {"a_to_b": link.a_to_b, "b_to_a": link.b_to_a}
    if link.a_to_b == link.b_to_a:
        ways = {"both ways": link.a_to_b}
    found = [
        Problem(f"{where}, {direction}, {problem.where}", problem.what, problem.hint)
        for direction, impairment in ways.items()
        for problem in (*impairments.problems(impairment), *impairments.without_effect(impairment))
    ]
    yield from found
    if not found and link.queue >= 0 and link.mtu > 0:
        yield from _queues(where, link)


def _queues(where: str, link: Link) -> Iterator[Problem]:
    try:
        shaper = sizes.shaper(link.rate, link.mtu, link.queue) if link.rate and not link.policed else None
        for impairment in (link.a_to_b, link.b_to_a):
            sizes.packets_in_flight(link.rate, impairment, Size(shaper.burst_bytes if shaper else 0))
    except ValueError as error:
        yield Problem(where, str(error), "lower the rate, the delay or the queue")


def _neighbours(where: str, a: str, b: str, routers: Mapping[str, Router]) -> Iterator[Problem]:
    if a not in routers or b not in routers or a == b:
        return
    ends = (routers[a], routers[b])
    for end in ends:
        if end.kind == "internet":
            yield Problem(where, f"{end.name} speaks no BGP", "t.attach(gateway, internet), and a VPN over it")
            return
    if ends[0].asn == ends[1].asn:
        what = f"both ends are AS {ends[0].asn}: each would take the other's routes for its own"
        yield Problem(where, what, "give each site its own AS number")


def _internet(where: str, link: Link, routers: Mapping[str, Router]) -> Iterator[Problem]:
    a, b = routers.get(link.a), routers.get(link.b)
    if link.kind != "internet":
        if link.bgp is None and any(end is not None and end.kind == "internet" for end in (a, b)):
            yield Problem(where, f"leads to the Internet, but is of kind {link.kind}", "t.attach(gateway, internet)")
        return
    if b is not None and b.kind != "internet":
        yield Problem(where, f"{link.b} is not the Internet", "t.attach(gateway, internet): the second is t.internet()")
    if a is not None and a.kind == "internet":
        yield Problem(where, f"{link.a} is the Internet itself", "t.attach(gateway, internet): the first is a gateway")
    if link.mtu > INTERNET_MTU:
        yield Problem(where, f"MTU {link.mtu} is more than the Internet carries", f"at most {INTERNET_MTU}")


def _attachments(model: Model) -> Iterator[Problem]:
    counts = Counter(link.a for link in model.links if link.kind == "internet")
    for gateway, count in counts.items():
        if count > 1:
            what = f"attached to the Internet {count} times, but it has one route there"
            yield Problem(f"router {gateway}", what, "attach it once; a second provider is a second gateway")


def _bgp(where: str, bgp: Bgp) -> Iterator[Problem]:
    least = presets.DX_BGP_HOLD_MIN.value
    if not least <= bgp.hold <= U16_MAX * _SECOND or bgp.hold % _SECOND:
        hint = f"whole seconds, {least} (RFC 4271) to {U16_MAX} s"
        yield Problem(where, f"a BGP hold time of {bgp.hold}", hint)
    if bgp.keepalive > bgp.hold // 2 or bgp.keepalive < _SECOND or bgp.keepalive % _SECOND:
        what = f"a BGP keepalive of {bgp.keepalive} with a hold time of {bgp.hold}"
        yield Problem(where, what, "whole seconds, normally a third of the hold time, and at most half (BIRD)")
    if bgp.bfd is not None:
        if bgp.bfd.interval < BFD_INTERVAL_MIN or bgp.bfd.interval % 10**6:
            hint = f"whole milliseconds, at least {BFD_INTERVAL_MIN}"
            yield Problem(where, f"a BFD interval of {bgp.bfd.interval}", hint)
        if not 2 <= bgp.bfd.multiplier <= 255:
            yield Problem(where, f"a BFD multiplier of {bgp.bfd.multiplier}", "between 2 (FRR) and 255 (RFC 5880)")
    ranges = [("med", med, 0, U32_MAX) for med in bgp.med if med is not None]
    ranges += [("prepend", times, 0, PREPEND_MAX) for times in bgp.prepend]
    ranges += [("communities", half, 0, U16_MAX) for community in bgp.communities for half in community]
    ranges += [("local_pref", bgp.local_pref, PREFERENCE_MIN, PREFERENCE_MAX)] if bgp.local_pref is not None else []
    ranges += [("prefix_limit", bgp.prefix_limit, 1, U32_MAX)] if bgp.prefix_limit is not None else []
    for name, value, low, high in ranges:
        if not low <= value <= high:
            yield Problem(where, f"{name} {value} is out of range", f"between {low} and {high}")


def vpns(model: Model) -> Iterator[Problem]:
    """Problems of all VPNs, one after the other."""
    routers = {router.name: router for router in model.routers}
    attached = {(link.a, link.b): link for link in model.links if link.kind == "internet"}
    for vpn in model.vpns:
        where = f"vpn {vpn.name}"
        yield from _ends(where, vpn.a, vpn.b, routers)
        yield from _neighbours(where, vpn.a, vpn.b, routers)
        yield from _rate(where, vpn.rate)
        if vpn.packets_per_s is not None and not 1 <= vpn.packets_per_s <= U32_MAX:
            yield Problem(where, f"{vpn.packets_per_s} packets per second", f"between 1 and {U32_MAX}, or none")
        if not vpn.tunnels:
            yield Problem(where, "no tunnels", "at least one")
        yield from _vpn_routing(where, vpn)
        yield from _vpn_timers(where, vpn)
        yield from _underlay(where, vpn, routers, attached)
        yield from _vpn_mtu(where, vpn, attached)


def _vpn_routing(where: str, vpn: Vpn) -> Iterator[Problem]:
    if vpn.routing == "static" and vpn.bgp is not None:
        yield Problem(where, "static routing, and BGP as well", "leave bgp out, or make routing 'bgp'")
    if vpn.routing == "bgp" and vpn.bgp is None:
        yield Problem(where, "BGP routing without sessions", "bgp=t.bgp(...), or make routing 'static'")
    if vpn.follows_ike and (vpn.routing, vpn.kind) != ("static", "ipsec"):
        yield Problem(where, "follows_ike of what is not static routing over IPsec", "leave it out: BGP notices itself")
    if vpn.bgp is not None:
        yield from _bgp(where, vpn.bgp)


def _vpn_timers(where: str, vpn: Vpn) -> Iterator[Problem]:
    for name, value, least in (
        ("dpd", vpn.dpd, Duration(_SECOND)),
        # A short lifetime is renewed a quarter before its end, and that has to be a second.
        ("ike_lifetime", vpn.ike_lifetime, Duration(4 * _SECOND)),
        ("child_lifetime", vpn.child_lifetime, Duration(4 * _SECOND)),
    ):
        if value is not None and (value < least or value % _SECOND):
            yield Problem(where, f"{name} {value} cannot be used", f"whole seconds, at least {least}")


def _underlay(
    where: str, vpn: Vpn, routers: Mapping[str, Router], attached: Mapping[tuple[str, str], Link]
) -> Iterator[Problem]:
    over = routers.get(vpn.over)
    if over is None or over.kind != "internet":
        yield Problem(where, f"runs over {vpn.over!r}, which is not the Internet", "make it with t.internet()")
        return
    for end in (vpn.a, vpn.b):
        if end in routers and (end, vpn.over) not in attached:
            yield Problem(where, f"{end} is not attached to {vpn.over}", f"t.attach({end!r}, {vpn.over!r})")


def _vpn_mtu(where: str, vpn: Vpn, attached: Mapping[tuple[str, str], Link]) -> Iterator[Problem]:
    if vpn.kind == "ipsec" and vpn.suite not in presets.IPSEC_SUITES:
        yield Problem(where, f"unknown suite {vpn.suite!r}", known(vpn.suite, presets.IPSEC_SUITES))
        return
    path = min((attached[end, vpn.over].mtu for end in (vpn.a, vpn.b) if (end, vpn.over) in attached), default=0)
    if not path:
        return
    try:
        found = sizes.tunnel_mtu(vpn, path)
    except ValueError:
        found = 0
    if not MTU_MIN <= found <= path:
        hint = f"between {MTU_MIN} (RFC 8200) and the path's {path}; left out, it is what the suite leaves of that"
        yield Problem(where, f"MTU {found} inside the tunnels is out of range", hint)
