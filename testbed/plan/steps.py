"""In which order a plan is carried out: the list that ``testbed plan`` prints, and that a run follows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Literal

from testbed.model import FourState, GilbertElliott, Impairment, Slot
from testbed.plan.names import resolver_on
from testbed.plan.plan import FABRIC, Plan, PlannedLink

Action = Literal[
    "namespaces", "bridges", "cables", "links", "loopbacks", "forwarding", "routes", "filters", "observe", "calibrate",
    "tunnels", "daemons", "converge", "stores", "clusters",
]  # fmt: skip


@dataclass(frozen=True)
class Step:
    """One stage of bringing a lab up: what is done, to how many things, how it is verified and how undone."""

    action: Action
    what: tuple[str, ...]
    verify: str
    undo: str


def steps(plan: Plan) -> tuple[Step, ...]:
    """The stages of a plan that have something to do."""
    return tuple(step for step in (*_network(plan), *_behaviour(plan)) if step.what)


def _network(plan: Plan) -> Iterator[Step]:
    """What is netlink's: done at once, then read back as a whole."""
    read, gone, nothing = "read back by observe", "goes with its namespace", "nothing to undo"
    nodes = (FABRIC, *(node.name for node in plan.nodes))
    cables = (f"{c.node}:{c.interface} {' '.join(c.addresses)} MTU {c.mtu} -- {c.port}" for c in plan.cables)
    yield Step("namespaces", nodes, "each is open", "closed, and with it all inside")
    yield Step("bridges", tuple(f"{bridge.name} (MTU {bridge.mtu})" for bridge in plan.bridges), read, gone)
    yield Step("cables", tuple(cables), read, gone)
    yield Step("links", tuple(_link(link) for link in (*plan.links, *plan.access)), read, gone)
    yield Step("loopbacks", tuple(f"{node} {address}" for node, address in plan.loopbacks), read, gone)
    yield Step("forwarding", tuple(node.name for node in plan.nodes if node.forwards), read, gone)
    yield Step("routes", tuple(f"{r.node}: {r.prefix} via {r.via}" for r in plan.routes), read, gone)
    yield Step("filters", tuple(_filters(plan)), read, gone)
    yield Step("observe", ("everything above, read back from the kernel",), "equals this plan", nothing)


def _behaviour(plan: Plan) -> Iterator[Step]:
    """What takes time, and is verified by waiting for it."""
    nothing = "nothing to undo"
    calibrated = (f"{link.name}, both directions" for link in plan.links)
    tunnels = (
        f"{t.name}: {t.kind} {t.a.node} {t.outer_a} -- {t.b.node} {t.outer_b}, MTU {t.mtu}" for t in plan.tunnels
    )
    reached = (f"{r.node}: {r.prefix} through {(' and ' if r.paths > 1 else ' or ').join(r.best)}" for r in plan.reach)
    yield Step("calibrate", tuple(calibrated), "each within its bound", nothing)
    yield Step("tunnels", tuple(tunnels), "both ends answer through it", "daemon stopped; goes with its namespace")
    yield Step("daemons", tuple(_daemons(plan)), "control socket answers", "stopped, then killed")
    yield Step("converge", tuple(reached), "route in the kernel", nothing)
    yield Step("stores", tuple(_stores(plan)), "mounted, and a file can be made", "unmounted; the server's threads end")
    yield Step("clusters", tuple(_clusters(plan)), "nodes and pods are ready", "ended, and the run's own disk removed")


def _link(link: PlannedLink) -> str:
    rate = "no limit" if link.rate is None else f"{'policed' if link.policed else 'shaped'} to {link.rate}"
    there, back = described(link.a_to_b), described(link.b_to_a)
    ways = f"both ways {there}" if there == back else f"a_to_b {there}; b_to_a {back}"
    return f"{link.name}: {link.a.node} -- {link.b.node}, {rate}; {ways}"


def described(impairment: Impairment) -> str:
    """What an impairment does, in a line: the settings that differ from nothing."""
    usual = Impairment()
    changed = (
        f"{field.name} {_value(getattr(impairment, field.name))}"
        for field in fields(Impairment)
        if getattr(impairment, field.name) != getattr(usual, field.name)
    )
    return ", ".join(changed) or "no impairment"


def _value(value: object) -> str:
    if isinstance(value, GilbertElliott | FourState | Slot):
        return "(" + ", ".join(f"{field.name} {getattr(value, field.name)}" for field in fields(value)) + ")"
    return f"of {len(value)} delays" if isinstance(value, tuple) else str(value)


def _filters(plan: Plan) -> Iterator[str]:
    yield from (f"{node}: drop ICMP needed for path MTU discovery" for node in plan.blocks_icmp)
    yield from (f"{t.name}: clamp MSS to MTU {t.mtu}, both ends" for t in plan.tunnels if t.clamp_mss)
    for guard in plan.guards:
        place = f"{guard.node}:{guard.interface}" if guard.interface else guard.node
        said = "; ".join(rule.text for rule in guard.rules) or "no rules"
        yield f"{place}: {guard.kind} {guard.name}, {guard.way}: {said}; else nothing"
    for nat in plan.nats:
        limits = f"forgotten after {nat.idle} of silence, at most {nat.connections} to one place"
        yield f"{nat.node}: {' and '.join(nat.sources)} go elsewhere as {nat.address}; {limits}"
    for mapping in plan.mappings:
        by = ", ".join(mapping.interfaces)
        yield f"{mapping.node}: {mapping.site}, {mapping.real}, is seen as {mapping.seen_as} by {by}"


def _stores(plan: Plan) -> Iterator[str]:
    for v in plan.volumes:
        served = f"across the network from {v.server}, in its memory" if v.server else "as its class limits it"
        yield f"{v.name}: a {v.kind} of {v.host}, {v.size}, {served}"
    for s in plan.shares:
        place = f"ext4 on {s.on}" if s.on else f"{s.size} in memory"
        yield f"{s.name}: {s.client} mounts {s.server}:/{s.name}, {place}; {s.options()}"


def _daemons(plan: Plan) -> Iterator[str]:
    for routing in plan.routing:
        sessions = Counter("BGP with BFD" if session.bfd else "BGP" for session in routing.sessions)
        if routing.node_sessions:
            sessions["BGP with nodes"] = len(routing.node_sessions)
        kinds = ", ".join(f"{count} {name}" for name, count in sorted(sessions.items())) or "no sessions"
        transit = ", announces what it learns" if routing.transits else ""
        yield f"{routing.node}: {routing.daemon}, AS {routing.asn}, {kinds}{transit}"
    for resolver in plan.resolvers:
        others = (f"{resolver_on(plan, other).domain} to {other}" for other in resolver.forwards_to)
        yield f"{resolver.node}: dnsmasq, answers for {', forwards '.join([resolver.domain, *others])}"


def _clusters(plan: Plan) -> Iterator[str]:
    for cluster in plan.clusters:
        ranges = f"services {cluster.services}, pods {cluster.pods} with MTU {cluster.mtu}"
        yield f"{cluster.name}: Kubernetes {cluster.version} at {cluster.endpoint}, {cluster.joined_by.title}, {ranges}"
        for node in cluster.nodes:
            yield f"{cluster.name}: node {node.name}, {node.role}, {node.site}, {node.address}"
