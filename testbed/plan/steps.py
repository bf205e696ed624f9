"""In which order a plan is carried out: the list that ``testbed plan`` prints and that :mod:`testbed.net.apply` follows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from testbed.plan.plan import FABRIC, Plan

Action = Literal[
    "namespaces", "bridges", "cables", "links", "loopbacks", "forwarding", "routes", "filters", "tunnels", "observe",
    "calibrate", "daemons", "converge",
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
    return tuple(step for step in _all(plan) if step.what)


def _all(plan: Plan) -> Iterator[Step]:
    gone = "goes with its namespace"
    yield Step("namespaces", (FABRIC, *(n.name for n in plan.nodes)), "each is open", "closed, and with it all inside")
    yield Step("bridges", tuple(f"{b.name} (MTU {b.mtu})" for b in plan.bridges), "read back", gone)
    yield Step(
        "cables",
        tuple(f"{c.node}:{c.interface} {' '.join(c.addresses)} MTU {c.mtu} -- {c.port}" for c in plan.cables),
        "read back: MAC, MTU, addresses, carrier",
        gone,
    )
    yield Step("links", tuple(_links(plan)), "qdiscs read back", gone)
    yield Step("loopbacks", tuple(f"{node} {address}" for node, address in plan.loopbacks), "read back", gone)
    yield Step("forwarding", tuple(n.name for n in plan.nodes if n.forwards), "sysctl read back", gone)
    yield Step("routes", tuple(f"{r.node}: {r.prefix} via {r.via}" for r in plan.routes), "read back", gone)
    yield Step("filters", tuple(_filters(plan)), "ruleset read back", gone)
    yield Step("calibrate", tuple(f"{link.name}, both directions" for link in plan.links), "within its bound", "nothing to undo")
    yield Step(
        "tunnels",
        tuple(
            f"{t.name}: {t.kind} {t.a.node} {t.outer_a} -- {t.b.node} {t.outer_b}, MTU {t.mtu}" for t in plan.tunnels
        ),
        "both ends answer through it",
        "daemon stopped, interface goes with its namespace",
    )
    yield Step("daemons", tuple(_daemons(plan)), "control socket answers", "stopped, then killed")
    yield Step(
        "converge",
        tuple(f"{r.node}: {r.prefix} through one of {', '.join(dict.fromkeys(r.via))}" for r in plan.reach),
        "route in the kernel",
        "nothing to undo",
    )


def _links(plan: Plan) -> Iterator[str]:
    for link in (*plan.links, *plan.access):
        rate = "unshaped" if link.rate is None else f"{'policed' if link.policed else 'shaped'} to {link.rate}"
        yield f"{link.name}: {link.a.node} -- {link.b.node}, {rate}, a_to_b {link.a_to_b.delay}, b_to_a {link.b_to_a.delay}"


def _filters(plan: Plan) -> Iterator[str]:
    yield from (f"{node}: drop ICMP needed for path MTU discovery" for node in plan.blocks_icmp)
    yield from (f"{t.name}: clamp MSS to MTU {t.mtu}, both ends" for t in plan.tunnels if t.clamp_mss)


def _daemons(plan: Plan) -> Iterator[str]:
    for routing in plan.routing:
        sessions = Counter("BFD" if s.bfd else "BGP" for s in routing.sessions)
        kinds = ", ".join(f"{count} {name}" for name, count in sorted(sessions.items())) or "no sessions"
        yield f"{routing.node}: {routing.daemon}, AS {routing.asn}, {kinds}"
