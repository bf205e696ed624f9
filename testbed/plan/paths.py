"""Which way a packet takes once everything has settled, hop by hop, with each hop's MTU and addresses. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Literal

from testbed.plan.index import Index, index_of
from testbed.plan.nat import lends, moved
from testbed.plan.plan import Cable, Node, Plan, PlannedLink
from testbed.units import Duration

Family = Literal[4, 6]
HOPS_MAX = 64
"""A path that is longer goes in a circle; arbitrary."""


@dataclass(frozen=True)
class Hop:
    """A packet leaves ``node`` by ``interface``, and comes into the next node by ``into``.

    ``source`` and ``target`` are its addresses as the node's filters see them: after what it translates of packets that
    come in, before what it translates of those that leave; ``sent_as`` is the source that it leaves with.
    """

    node: str
    interface: str
    mtu: int
    next: str
    into: str
    source: str
    target: str
    sent_as: str


@dataclass(frozen=True)
class Translated:
    """What a node did to a connection's first packet. ``side`` says which address."""

    node: str
    side: Literal["source", "target"]
    before: str
    after: str


@dataclass(frozen=True)
class Path:
    """The hops from a node on. ``stuck``: the node that has no route; empty when the target is reached.

    ``source`` and ``target`` are the packet's addresses where it arrives.
    """

    hops: tuple[Hop, ...]
    stuck: str = ""
    source: str = ""
    target: str = ""
    translated: tuple[Translated, ...] = ()

    @property
    def mtu(self) -> int:
        """The smallest MTU of the hops (RFC 1191 section 1, RFC 8201 section 1)."""
        return min(hop.mtu for hop in self.hops)

    @property
    def seen(self) -> tuple[tuple[str, str], ...]:
        """(source, target) of the packet as it comes into, or leaves, each node."""
        found: dict[tuple[str, str], None] = {}
        for hop in self.hops:
            found |= dict.fromkeys([(hop.source, hop.target), (hop.sent_as, hop.target)])
        return (*found, (self.source, self.target))


def path(plan: Plan, source: str, target: str, family: Family) -> Path:
    """From node to node, of the first packet of a connection."""
    nodes = index_of(plan).nodes
    near, far = nodes[source], nodes[target]
    return _Walk(plan, family, ()).go(source, target, address(near, family), seen(plan, near, far, family))


def back(plan: Plan, there: Path, family: Family, start: int = -1) -> Path:
    """What answers a packet takes, or with ``start`` what the router at that hop says of it, to where it came from."""
    begin = there.hops[0].node
    if start < 0:
        here, near, far = there.hops[-1].next, there.target, there.source
    else:
        here, far = there.hops[start].node, there.hops[start].source
        near = address(index_of(plan).nodes[here], family)
    return _Walk(plan, family, there.translated).go(here, begin, near, far)


def delays(plan: Plan, source: str, target: str, family: Family) -> tuple[tuple[Duration, Duration, Duration], ...]:
    """(delay there, delay back, jitter) of each link between two nodes, hosts' own links among them.

    The way back is taken to be the same. A tunnel is as long as both its ends' ways to the Internet.

    Raises:
        ValueError: there is no way.
    """
    way = path(plan, source, target, family)
    if way.stuck:
        raise ValueError(f"{way.stuck} has no route to {target}")
    found = [_of_link(link, link.a.node == node) for node in (source, target) for link in _own(plan, node)]
    for hop in way.hops:
        for link in plan.links:
            ends = {(link.a.node, link.a.interface), (link.b.node, link.b.interface)}
            if {(hop.node, hop.interface), (hop.next, hop.into)} == ends:
                found.append(_of_link(link, link.a.node == hop.node))
        for tunnel in plan.tunnels:
            if (hop.node, hop.interface) in {(tunnel.a.node, tunnel.name), (tunnel.b.node, tunnel.name)}:
                ways = [link for end in (tunnel.a, tunnel.b) for link in _public(plan, end.node)]
                found += [_of_link(link, link.a.node == hop.node) for link in ways]
    return tuple(found)


def _own(plan: Plan, node: str) -> tuple[PlannedLink, ...]:
    return tuple(link for link in plan.access if link.a.node == node)


def _public(plan: Plan, node: str) -> tuple[PlannedLink, ...]:
    return tuple(link for link in plan.links if link.kind == "internet" and link.a.node == node)


def _of_link(link: PlannedLink, forwards: bool) -> tuple[Duration, Duration, Duration]:
    there, back = (link.a_to_b, link.b_to_a) if forwards else (link.b_to_a, link.a_to_b)
    return there.delay, back.delay, max(there.jitter, back.jitter)


def address(node: Node, family: Family) -> str:
    """A node's own address in a family."""
    return node.address if family == 4 else node.address6


def seen(plan: Plan, near: Node, far: Node, family: Family) -> str:
    """The address by which ``near`` reaches ``far``: another one where that is in a site with a mapped range."""
    if near.site != far.site and family == 4:
        for mapping in plan.mappings:
            if mapping.site == far.site:
                return moved(far.address, mapping.real, mapping.seen_as)
    return address(far, family)


class _Walk:
    """Follows one packet. ``known``: what nodes did to the packet that this one answers; they undo it."""

    def __init__(self, plan: Plan, family: Family, known: tuple[Translated, ...]) -> None:
        self.plan, self.family, self.known = plan, family, known
        self.done: list[Translated] = []

    def go(self, begin: str, end: str, source: str, target: str) -> Path:
        hops: list[Hop] = []
        here, into = begin, ""
        while len(hops) < HOPS_MAX:
            target = self._come_in(here, into, target)
            if here == end:
                return Path(tuple(hops), "", source, target, tuple(self.done))
            way = _hop(self.plan, here, target, self.family)
            if way is None:
                break
            interface, mtu, following, entry = way
            sent_as = self._leave(here, interface, source, target)
            hops.append(Hop(here, interface, mtu, following, entry, source, target, sent_as))
            here, into, source = following, entry, sent_as
        return Path(tuple(hops), here, source, target, tuple(self.done))

    def _come_in(self, node: str, interface: str, target: str) -> str:
        for one in self._known(node):
            if one.side == "source" and one.after == target:
                return one.before
        for mapping in self.plan.mappings if self.family == 4 else ():
            if mapping.node == node and interface in mapping.interfaces:
                return self._note(node, "target", target, moved(target, mapping.seen_as, mapping.real))
        return target

    def _leave(self, node: str, interface: str, source: str, target: str) -> str:
        known = [*self._known(node)]
        for one in known:
            if one.side == "target" and one.after == source:
                return one.before
        if known or self.family == 6:
            return source
        for mapping in self.plan.mappings:
            if mapping.node == node and interface in mapping.interfaces:
                return self._note(node, "source", source, moved(source, mapping.real, mapping.seen_as))
        for nat in self.plan.nats:
            if nat.node == node and lends(nat, source, target):
                return self._note(node, "source", source, nat.address)
        return source

    def _known(self, node: str) -> Iterator[Translated]:
        return (one for one in self.known if one.node == node)

    def _note(self, node: str, side: Literal["source", "target"], before: str, after: str) -> str:
        if before != after:
            self.done.append(Translated(node, side, before, after))
        return after


_Way = tuple[str, int, str, str]
"""(interface, its MTU, next node, the interface into that)."""


def _hop(plan: Plan, here: str, target: str, family: Family) -> _Way | None:
    index, there = index_of(plan), ip_address(target)
    for one in index.cables.get(here, ()):
        if any(there in range_ for range_ in one.ranges):
            return _over_cable(index, one.cable, target)
    found = [
        *((prefix.prefixlen, route.via, "") for prefix, route in index.routes.get(here, ()) if there in prefix),
        *((prefix.prefixlen, "", reach.best[0]) for prefix, reach in index.reach.get(here, ()) if there in prefix),
    ]
    if not found:
        return None
    _, via, interface = max(found, key=lambda way: way[0])
    return _by(index, here, via) if via else _out_by(plan, index, here, interface, family)


def _by(index: Index, here: str, via: str) -> _Way | None:
    """To a neighbour in a network that one is connected to."""
    there = ip_address(via)
    for one in index.cables.get(here, ()):
        if any(there in range_ for range_ in one.ranges):
            return _over_cable(index, one.cable, via)
    return None


def _over_cable(index: Index, mine: Cable, to: str) -> _Way | None:
    """To the one who has the address ``to`` in the subnet, or on the link, that a cable is in."""
    for cable in index.owners.get(to, ()):
        # Two sites may have the same ranges; links' own are all different.
        if not mine.bridge or index.nodes[cable.node].site == index.nodes[mine.node].site:
            return mine.interface, mine.mtu, cable.node, cable.interface
    return None


def _out_by(plan: Plan, index: Index, here: str, interface: str, family: Family) -> _Way | None:
    """Over a link or tunnel, or to the sibling that a session inside the site leads to."""
    if (here, interface) in index.wires:
        mtu, far = index.wires[here, interface]
        return interface, mtu, far.node, far.interface
    mine = next(one.cable for one in index.cables[here] if one.cable.interface == interface)
    for session in plan.routing_of(here).sessions:
        if session.interface == interface and session.family == family:
            return _over_cable(index, mine, session.peer)
    return None
