"""Who gets which address, name and number. Everything follows from the topology's order and the lab's id."""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Iterator
from dataclasses import replace

from testbed.model import Host, Model, Site, Subnet

LINK_NET = ipaddress.IPv4Network("169.254.0.0/16")
"""Inside addresses of links and tunnels, a /30 each, as AWS gives them out (VPN user guide, inside CIDR)."""
LINK_NET6 = ipaddress.IPv6Network("fd00:ffff::/64")
UNDERLAY = ipaddress.IPv4Network("198.51.100.0/24")
"""TEST-NET-2 (RFC 5737): stands for public addresses, and is never anybody's."""
UNDERLAY6 = ipaddress.IPv6Network("2001:db8::/64")
ROUTER_IDS = ipaddress.IPv4Network("203.0.113.0/24")
"""TEST-NET-3 (RFC 5737)."""
FIRST_HOST = 10
"""Hosts start here, so that routers have the low addresses; arbitrary."""
FIRST_INDEX = 101
"""Interface indexes start here: a kernel puts its fallback tunnels (tunl0, sit0, ...) below in each new namespace."""
FIRST_FABRIC_INDEX = 100_001
"""Never the same index at both ends of a cable: the kernel then reports a lost carrier at once, otherwise up to a second
later (net/core/link_watch.c, linkwatch_urgent_event)."""
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


def numbered(network: ipaddress.IPv4Network, prefix: int) -> Iterator[ipaddress.IPv4Network]:
    """The subnets of ``network`` in order."""
    return network.subnets(new_prefix=prefix)


def with_subnet_ranges(site: Site, hosts_of: dict[str, int]) -> Site:
    """Give each subnet that has no range the next free one of the site, large enough for its hosts."""
    taken = [ipaddress.ip_network(s.cidr) for s in site.subnets if s.cidr]
    taken6 = [ipaddress.ip_network(s.cidr6) for s in site.subnets if s.cidr6]
    made: list[Subnet] = []
    for subnet in site.subnets:
        cidr, cidr6 = subnet.cidr, subnet.cidr6
        if not cidr:
            # Room for the hosts, the routers below them and the broadcast address.
            bits = max(32 - SUBNET_PREFIX, (hosts_of.get(subnet.name, 0) + FIRST_HOST + 2).bit_length())
            cidr = str(_next_free(site.cidr, 32 - bits, taken))
            taken.append(ipaddress.ip_network(cidr))
        if not cidr6:
            cidr6 = str(_next_free(site.cidr6, SUBNET_PREFIX6, taken6))
            taken6.append(ipaddress.ip_network(cidr6))
        made.append(replace(subnet, cidr=cidr, cidr6=cidr6))
    return replace(site, subnets=tuple(made))


def _next_free(
    range_: str, prefix: int, taken: list[ipaddress.IPv4Network | ipaddress.IPv6Network]
) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    network = ipaddress.ip_network(range_)
    if prefix <= network.prefixlen:
        return network
    candidates = iter(network.subnets(new_prefix=prefix))
    next(candidates)  # the first one is left alone: its numbers are the site's own, and easily mistaken for it
    for candidate in candidates:
        if not any(candidate.overlaps(other) for other in taken):  # type: ignore[arg-type]
            return candidate
    raise ValueError(f"{range_} has no free /{prefix} left")


def host_address(subnet: Subnet, number: int) -> tuple[str, str]:
    """IPv4 and IPv6 address of the ``number``-th host of a subnet, counted from 0."""
    net, net6 = ipaddress.ip_network(subnet.cidr), ipaddress.ip_network(subnet.cidr6)
    return str(net[FIRST_HOST + number]), str(net6[FIRST_HOST + number])


def router_address(subnet: Subnet, number: int) -> tuple[str, str]:
    """IPv4 and IPv6 address of a site's ``number``-th router in a subnet, counted from 0; the first is the gateway."""
    net, net6 = ipaddress.ip_network(subnet.cidr), ipaddress.ip_network(subnet.cidr6)
    return str(net[1 + number]), str(net6[1 + number])


def hosts_by_subnet(model: Model) -> dict[str, list[Host]]:
    """Hosts of each subnet, in declared order."""
    found: dict[str, list[Host]] = {}
    for host in model.hosts:
        found.setdefault(host.subnet, []).append(host)
    return found
