"""Address translation of a plan: what is translated where, and into what. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, ip_address

from testbed.units import Duration


@dataclass(frozen=True, kw_only=True)
class PlannedNat:
    """A NAT gateway: a router of its own, beside its site's.

    Attributes:
        address: that connections get as their source.
        interface: into its own subnet, where it goes on to the site's gateway.
        sources: ranges of the subnets that it serves.
        local: the site's own range, to which nothing is translated.
        ports: (first, last) that connections may get.
        idle: after which a connection is forgotten.
        connections: at most to each address, port and protocol.
    """

    node: str
    address: str
    interface: str
    sources: tuple[str, ...]
    local: str
    ports: tuple[int, int]
    idle: Duration
    connections: int


@dataclass(frozen=True, kw_only=True)
class Mapping:
    """A site's range and what other sites see in its place, translated on ``interfaces`` of its gateway ``node``."""

    site: str
    node: str
    interfaces: tuple[str, ...]
    real: str
    seen_as: str


def moved(address: str, range_: str, to: str) -> str:
    """The address of ``to`` at the place that an address has in ``range_``; itself where it is not in that."""
    was, will = IPv4Network(range_), IPv4Network(to)
    if ":" in address or IPv4Address(address) not in was:
        return address
    return str(will[int(IPv4Address(address)) - int(was.network_address)])


def lends(nat: PlannedNat, source: str, target: str) -> bool:
    """Whether a gateway gives its own address to what goes from ``source`` to ``target``."""
    if ":" in source or IPv4Address(target) in IPv4Network(nat.local):
        return False
    return any(ip_address(source) in IPv4Network(range_) for range_ in nat.sources)


def unknown(nat: PlannedNat, what: str) -> str:
    """Comment of the rules for packets of connections that a gateway does not know (any more)."""
    return f"NAT gateway {nat.node}: no such connection: {what}"


def full(nat: PlannedNat, protocol: str) -> str:
    """Comment of the rule that refuses more connections than a gateway holds to one place."""
    return f"NAT gateway {nat.node}: more than {nat.connections} {protocol} connections"


def uninvited(nat: PlannedNat) -> str:
    """Comment of the rule for what others begin."""
    return f"NAT gateway {nat.node}: nobody begins a connection with it"


def fragment(nat: PlannedNat, protocol: str) -> str:
    """Comment of the rule for fragments, of which a gateway forwards UDP's alone.

    Source: VPC user guide, comparison of NAT gateways and NAT instances.
    """
    return f"NAT gateway {nat.node}: fragments of {protocol}"


RESET, DROPPED = "reset", "dropped"
