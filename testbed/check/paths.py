"""Which way routers send traffic at each moment, from the plan and the record's route changes. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from testbed.history import History
from testbed.plan.paths import seen
from testbed.plan.plan import Plan, PlannedLink, PlannedTunnel

Vias = Mapping[tuple[str, str], tuple[str, ...]]
"""Interfaces by (router, prefix)."""
HOPS_MAX = 16
"""More are a loop."""


@dataclass(frozen=True)
class Flow:
    """Traffic between two hosts of different sites.

    Attributes:
        near, far: their gateways.
        there, back: the prefixes that lead to the far host and to the near one.
    """

    near: str
    far: str
    there: str
    back: str


def flow(plan: Plan, source: str, target: str) -> Flow:
    """The flow from a host to another over IPv4."""
    near, far = gateway(plan, source), gateway(plan, target)
    return Flow(near, far, _prefix(plan, near, target), _prefix(plan, far, source))


def gateway(plan: Plan, host: str) -> str:
    """The router of its site that a host sends to, be it through a NAT gateway. Raises ``KeyError``."""
    via = next((route.via for route in plan.routes if route.node == host and ":" not in route.prefix), "")
    for cable in plan.cables:
        owns = any(address.partition("/")[0] == via for address in cable.addresses)
        if owns and plan.node(cable.node).site == plan.node(host).site:
            return gateway(plan, cable.node) if any(nat.node == cable.node for nat in plan.nats) else cable.node
    raise KeyError(host)


def _prefix(plan: Plan, router: str, host: str) -> str:
    address = ip_address(seen(plan, plan.node(router), plan.node(host), 4))
    known = [ip_network(reach.prefix) for reach in plan.reach if reach.node == router]
    return str(max((each for each in known if address in each), key=lambda each: each.prefixlen))


def primary(plan: Plan, source: str, target: str) -> tuple[str, ...]:
    """The links or tunnels that the near gateway uses while nothing is broken."""
    way = flow(plan, source, target)
    return next(reach.best for reach in plan.reach if reach.node == way.near and reach.prefix == way.there)


def other_end(plan: Plan, node: str, interface: str) -> str | None:
    """The router at the other end of a link or tunnel; ``None`` on a LAN of more than one other router, or of none."""
    every: list[PlannedLink | PlannedTunnel] = [*plan.links, *plan.tunnels]
    for each in every:
        if each.a.node == node and each.a.interface == interface:
            return each.b.node
        if each.b.node == node and each.b.interface == interface:
            return each.a.node
    site = plan.node(node).site
    others = [
        other.name for other in plan.nodes if other.kind == "router" and other.site == site != "" and other.name != node
    ]
    return others[0] if len(others) == 1 else None


def wide_area(plan: Plan, vias: Vias, start: str, prefix: str) -> tuple[str, ...]:
    """The links and tunnels from a router to a prefix, in order; empty without a route. ECMP: ``a+b``."""
    wide = {each.a.interface for each in plan.links} | {each.a.interface for each in plan.tunnels}
    owners = {routing.node for routing in plan.routing if prefix in routing.originate}
    found: list[str] = []
    node = start
    for _ in range(HOPS_MAX):
        if node in owners:
            return tuple(found)
        via = vias.get((node, prefix), ())
        there = other_end(plan, node, via[0]) if via else None
        if there is None:
            return ()
        found += ["+".join(sorted(via))] if via[0] in wide else []
        node = there
    return ()


def changes(history: History, plan: Plan, way: Flow) -> Iterator[tuple[int, tuple[str, ...], tuple[str, ...]]]:
    """(instant, path there, path back in the order in which it is told there) whenever either is another."""
    vias: dict[tuple[str, str], tuple[str, ...]] = {}
    last: tuple[tuple[str, ...], tuple[str, ...]] | None = None
    for event in history.of("route"):
        vias[event.fields["node"], event.fields["prefix"]] = tuple(event.fields["via"])
        there = wide_area(plan, vias, way.near, way.there)
        back = wide_area(plan, vias, way.far, way.back)[::-1]
        if (there, back) != last:
            yield event.t_ns, there, back
            last = there, back


def asymmetric_s(history: History, plan: Plan, way: Flow, start_ns: int, end_ns: int) -> float:
    """For how long, within a span of time, both directions had a path and not the same one."""
    total, since, differ = 0, start_ns, False
    for t_ns, there, back in (*changes(history, plan, way), (end_ns, (), ())):
        now = min(max(t_ns, start_ns), end_ns)
        total += now - since if differ else 0
        since, differ = now, bool(there) and bool(back) and there != back
    return total / 10**9
