"""Who gets which address, name and number. Everything follows from the topology's order and the lab's id."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from ipaddress import IPv4Network, IPv6Network, ip_network

from testbed.model import Host, Model, Site, Subnet

LINK_NET = IPv4Network("169.254.0.0/16")
"""Inside addresses of links and tunnels, a /30 each, as AWS gives them out (VPN user guide, inside CIDR)."""
LINK_NET6 = IPv6Network("fd00:ffff::/64")
UNDERLAY = IPv4Network("198.18.0.0/15")
"""For benchmarks (RFC 2544, RFC 5735): stands for public addresses, and is never anybody's. The upper half is the
tunnels' own endpoints."""
UNDERLAY6 = IPv6Network("2001:db8::/64")
"""For documentation (RFC 3849)."""
ROUTER_IDS = IPv4Network("203.0.113.0/24")
"""TEST-NET-3 (RFC 5737). Names of routers, configured nowhere."""
ROUTERS_MAX = ROUTER_IDS.num_addresses - 2
PAIRS_MAX = LINK_NET.num_addresses // 4 - 1
"""How many links and tunnels get a /30; the first /30 is left alone."""
FIRST_HOST = 10
"""Hosts start here, so that routers have the low addresses; arbitrary."""
FIRST_INDEX = 101
"""Interface indexes start here: a kernel puts its fallback tunnels (tunl0, sit0, ...) below in each new namespace."""
FIRST_FABRIC_INDEX = 100_001
"""Never the same index at both ends of a cable: the kernel then reports a lost carrier at once, otherwise up to a
second later (net/core/link_watch.c, linkwatch_urgent_event)."""
SUBNET_PREFIX, SUBNET_PREFIX6 = 24, 64
PORTS_PER_BRIDGE = 1000
"""The kernel allows 1,023 (BR_PORT_BITS 10); the rest is left for trunks."""


def mac(lab: str, node: str, interface: str) -> str:
    """A locally administered unicast MAC from the lab's id, node and interface."""
    digest = hashlib.blake2b(f"{lab}/{node}/{interface}".encode(), digest_size=5).digest()
    return ":".join(f"{byte:02x}" for byte in b"\x02" + digest)


def secret(lab: str, name: str) -> str:
    """32 bytes in hex from the lab's id: repeatable, and so not secret."""
    return hashlib.blake2b(f"{lab}/{name}".encode(), digest_size=32).hexdigest()


@dataclass(frozen=True)
class Pair:
    """The addresses of both ends of a link or tunnel, with ``prefix`` bits of network in each family."""

    a: tuple[str, str]
    b: tuple[str, str]
    prefix: tuple[int, int] = (30, 126)


def pair(number: int, *, public: bool = False) -> Pair:
    """The addresses of the ``number``-th link or tunnel, counted from 1."""
    net, net6 = (UNDERLAY, UNDERLAY6) if public else (LINK_NET, LINK_NET6)
    first, first6 = 4 * number, 16 * number
    a, b = ((str(net[first + end]), str(net6[first6 + end])) for end in (1, 2))
    return Pair(a, b)


def tunnel_endpoint(number: int) -> str:
    """The provider's public address of the ``number``-th link or tunnel, counted from 1."""
    return str(UNDERLAY[UNDERLAY.num_addresses // 2 + number])


def router_id(number: int) -> str:
    """The id of the ``number``-th router, counted from 1."""
    return str(ROUTER_IDS[number])


def with_subnet_ranges(site: Site, hosts_of: Mapping[str, int]) -> Site:
    """Give each subnet that has no range the next free one of the site, large enough for its hosts.

    Args:
        site: with valid ranges.
        hosts_of: number of hosts by subnet.

    Raises:
        ValueError: the site has no room left.
    """
    taken = [ip_network(subnet.cidr) for subnet in site.subnets if subnet.cidr]
    taken6 = [ip_network(subnet.cidr6) for subnet in site.subnets if subnet.cidr6]
    made: list[Subnet] = []
    for subnet in site.subnets:
        cidr, cidr6 = subnet.cidr, subnet.cidr6
        if not cidr:
            # Room for the hosts, the routers below them and the broadcast address.
            bits = max(32 - SUBNET_PREFIX, (hosts_of.get(subnet.name, 0) + FIRST_HOST + 2).bit_length())
            cidr = _next_free(site.cidr, 32 - bits, taken)
        if not cidr6:
            cidr6 = _next_free(site.cidr6, SUBNET_PREFIX6, taken6)
        made.append(replace(subnet, cidr=cidr, cidr6=cidr6))
    return replace(site, subnets=tuple(made))


def _next_free(range_: str, prefix: int, taken: list[IPv4Network | IPv6Network]) -> str:
    """The next range of ``prefix`` bits, or the whole site where that is no larger. It is added to ``taken``."""
    whole = ip_network(range_)
    candidates: Iterable[IPv4Network | IPv6Network] = [whole] if prefix <= whole.prefixlen else _parts(whole, prefix)
    for candidate in candidates:
        if not any(overlap(candidate, other) for other in taken):
            taken.append(candidate)
            return str(candidate)
    raise ValueError(f"{range_} has no free /{max(prefix, whole.prefixlen)} left")


def _parts(whole: IPv4Network | IPv6Network, prefix: int) -> Iterator[IPv4Network | IPv6Network]:
    """All but the first: its numbers are the site's own, and easily mistaken for it."""
    yield from itertools.islice(whole.subnets(new_prefix=prefix), 1, None)


def overlap(a: IPv4Network | IPv6Network, b: IPv4Network | IPv6Network) -> bool:
    """True when two networks of one family share an address."""
    if isinstance(a, IPv4Network):
        return isinstance(b, IPv4Network) and a.overlaps(b)
    return isinstance(b, IPv6Network) and a.overlaps(b)


def inside(a: IPv4Network | IPv6Network, b: IPv4Network | IPv6Network) -> bool:
    """True when ``a`` is a part of ``b``."""
    if isinstance(a, IPv4Network):
        return isinstance(b, IPv4Network) and a.subnet_of(b)
    return isinstance(b, IPv6Network) and a.subnet_of(b)


def room(subnet: Subnet) -> int:
    """How many hosts fit into a subnet that has its ranges."""
    networks = ip_network(subnet.cidr), ip_network(subnet.cidr6)
    return max(0, min(network.num_addresses for network in networks) - FIRST_HOST - 1)


def host_address(subnet: Subnet, number: int) -> tuple[str, str]:
    """IPv4 and IPv6 address of the ``number``-th host of a subnet, counted from 0."""
    return _addresses(subnet, FIRST_HOST + number)


def router_address(subnet: Subnet, number: int) -> tuple[str, str]:
    """IPv4 and IPv6 address of a site's ``number``-th router in a subnet, counted from 0; the first is the gateway."""
    return _addresses(subnet, 1 + number)


def _addresses(subnet: Subnet, number: int) -> tuple[str, str]:
    return str(ip_network(subnet.cidr)[number]), str(ip_network(subnet.cidr6)[number])


def hosts_by_subnet(model: Model) -> dict[tuple[str, str], list[Host]]:
    """Hosts of each (site, subnet), in declared order."""
    found: dict[tuple[str, str], list[Host]] = {}
    for host in model.hosts:
        found.setdefault((host.site, host.subnet), []).append(host)
    return found
