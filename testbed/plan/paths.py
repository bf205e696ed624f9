"""Which way a packet takes once everything has settled, hop by hop, with the MTU of each hop. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Literal

from testbed.plan.plan import Node, Plan

Family = Literal[4, 6]
HOPS_MAX = 64
"""A path that is longer goes in a circle; arbitrary."""


@dataclass(frozen=True)
class Hop:
    """A packet leaves ``node`` by ``interface``, and comes into the next node by ``into``."""

    node: str
    interface: str
    mtu: int
    next: str
    into: str


@dataclass(frozen=True)
class Path:
    """The hops from a host on. ``stuck``: the node that has no route; empty when the target is reached."""

    hops: tuple[Hop, ...]
    stuck: str = ""

    @property
    def mtu(self) -> int:
        """The smallest MTU of the hops (RFC 1191 section 1, RFC 8201 section 1)."""
        return min(hop.mtu for hop in self.hops)


def path(plan: Plan, source: str, target: str, family: Family) -> Path:
    """From host to host."""
    hops: list[Hop] = []
    here = source
    while here != target and len(hops) < HOPS_MAX:
        hop = _hop(plan, here, plan.node(target), family)
        if hop is None:
            return Path(tuple(hops), here)
        hops.append(hop)
        here = hop.next
    return Path(tuple(hops), "" if here == target else here)


def address(node: Node, family: Family) -> str:
    """A node's address in a family."""
    return node.address if family == 4 else node.address6


def _hop(plan: Plan, here: str, target: Node, family: Family) -> Hop | None:
    there = address(target, family)
    for cable in plan.cables:
        if cable.node == here and any(_holds(range_, there) for range_ in cable.addresses):
            return _over_cable(plan, here, cable.interface, target.name)
    for route in plan.routes:
        if route.node == here and route.via and _is_default(route.prefix, family) and plan.node(here).kind == "host":
            return _over_cable(plan, here, "eth0", _owner(plan, route.via))
    for reach in plan.reach:
        if reach.node == here and _holds(reach.prefix, there):
            return _out_by(plan, here, reach.best[0], family)
    return None


def _is_default(prefix: str, family: Family) -> bool:
    return prefix == ("0.0.0.0/0" if family == 4 else "::/0")


def _holds(range_: str, wanted: str) -> bool:
    return ip_address(wanted) in ip_network(range_, strict=False)


def _over_cable(plan: Plan, here: str, interface: str, to: str) -> Hop | None:
    """Through the subnet that an interface is in."""
    mine = next(cable for cable in plan.cables if (cable.node, cable.interface) == (here, interface))
    for cable in plan.cables:
        if cable.node == to and any(_holds(range_, at) for range_ in mine.addresses for at in _plain(cable.addresses)):
            return Hop(here, interface, mine.mtu, to, cable.interface)
    return None


def _plain(addresses: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(each.partition("/")[0] for each in addresses)


def _owner(plan: Plan, wanted: str) -> str:
    return next(cable.node for cable in plan.cables if wanted in _plain(cable.addresses))


def _out_by(plan: Plan, here: str, interface: str, family: Family) -> Hop | None:
    """Over a link or tunnel, or to the sibling that a session inside the site leads to."""
    wires = [*((link.a, link.b, link.mtu) for link in plan.links), *((t.a, t.b, t.mtu) for t in plan.tunnels)]
    for a, b, mtu in wires:
        for near, far in ((a, b), (b, a)):
            if (near.node, near.interface) == (here, interface):
                return Hop(here, interface, mtu, far.node, far.interface)
    for session in plan.routing_of(here).sessions:
        if session.interface == interface and session.family == family:
            return _over_cable(plan, here, interface, _owner(plan, session.peer))
    return None
