"""A plan's parts by the node that has them, so that following a path costs its hops and not the whole plan. Pure."""

from __future__ import annotations

import weakref
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import TypeVar

from testbed.plan.guards import Guard
from testbed.plan.plan import Cable, End, Node, Plan, PlannedLink, PlannedTunnel, Route
from testbed.plan.sessions import Reach

T = TypeVar("T")
Network = IPv4Network | IPv6Network


@dataclass(frozen=True)
class Attached:
    """A cable, and the ranges that are reached through it."""

    cable: Cable
    ranges: tuple[Network, ...]


@dataclass(frozen=True)
class Index:
    """What a node has, by its name.

    Attributes:
        nodes: itself.
        cables: its cables, in the plan's order; so is all that follows.
        owners: an address to the cables that have it: more than one where sites have the same range.
        routes: its static routes, with the prefix read.
        reach: what its daemon must know, with the prefix read.
        wires: (node, interface) of a link or tunnel to its MTU and its other end.
        guards: what stands there.
    """

    nodes: Mapping[str, Node]
    cables: Mapping[str, tuple[Attached, ...]]
    owners: Mapping[str, tuple[Cable, ...]]
    routes: Mapping[str, tuple[tuple[Network, Route], ...]]
    reach: Mapping[str, tuple[tuple[Network, Reach], ...]]
    wires: Mapping[tuple[str, str], tuple[int, End]]
    guards: Mapping[str, tuple[Guard, ...]]


_KNOWN: dict[int, Index] = {}
"""By a plan's identity, for as long as the plan is there: a plan is never changed, and has no hash."""


def index_of(plan: Plan) -> Index:
    """The index of a plan, made once."""
    found = _KNOWN.get(id(plan))
    if found is None:
        found = _KNOWN[id(plan)] = _made(plan)
        weakref.finalize(plan, _KNOWN.pop, id(plan), None)
    return found


def _made(plan: Plan) -> Index:
    wires: dict[tuple[str, str], tuple[int, End]] = {}
    both: list[PlannedLink | PlannedTunnel] = [*plan.links, *plan.tunnels]
    for wire in both:
        for near, far in ((wire.a, wire.b), (wire.b, wire.a)):
            wires.setdefault((near.node, near.interface), (wire.mtu, far))
    own = ((at.partition("/")[0], cable) for cable in plan.cables for at in cable.addresses)
    return Index(
        nodes={node.name: node for node in plan.nodes},
        cables=_by(map(_attached, plan.cables), lambda one: one.cable.node),
        owners={at: tuple(one[1] for one in some) for at, some in _by(own, lambda one: one[0]).items()},
        routes=_by(((ip_network(each.prefix), each) for each in plan.routes), lambda pair: pair[1].node),
        reach=_by(((ip_network(each.prefix), each) for each in plan.reach), lambda pair: pair[1].node),
        wires=wires, guards=_by(plan.guards, lambda guard: guard.node),
    )  # fmt: skip


def _attached(cable: Cable) -> Attached:
    return Attached(cable, tuple(ip_network(address, strict=False) for address in cable.addresses))


def _by(values: Iterable[T], key: Callable[[T], str]) -> dict[str, tuple[T, ...]]:
    found: defaultdict[str, list[T]] = defaultdict(list)
    for value in values:
        found[key(value)].append(value)
    return {name: tuple(some) for name, some in found.items()}
