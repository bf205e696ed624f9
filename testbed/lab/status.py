"""What a lab is like now, as JSON: what was planned beside what is, in the plan's own words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from testbed.fault.fault import Fault
from testbed.lab.clusters import Clusters
from testbed.model import FourState, GilbertElliott, Impairment, Slot
from testbed.plan.plan import DIRECTIONS, Direction, PlannedLink
from testbed.run.lab import Lab


def status(lab: Lab, clusters: Clusters, ended: list[str]) -> dict[str, Any]:
    """Everything. ``ended``: programs that ended unasked, in words."""
    plan = lab.plan
    return {
        "lab_s": round(lab.now_ns() / 10**9, 3),
        "nodes": [
            {key: getattr(node, key) for key in ("name", "kind", "role", "site", "zone", "address", "address6")}
            for node in plan.nodes
        ],
        "links": [_link(lab, link) for link in (*plan.links, *plan.access)],
        "faults": [fault_status(lab, fault) for fault in lab.fault.active],
        "sessions": _sessions(lab),
        "routes": [
            {
                "node": reach.node, "prefix": reach.prefix, "via": list(lab.routes.via(reach.node, reach.prefix)),
                "best": list(reach.best), "as_planned": lab.routes.satisfied(reach),
            }
            for reach in plan.reach
        ],
        "programs": [
            {"node": daemon.node, "name": program.name, "running": program.running}
            for daemon in lab.daemons
            for program in daemon.programs.values()
        ],
        "clusters": clusters.status(),
        "ended": ended,
        "as_planned": lab.converged() and clusters.ready() and not lab.fault.active,
    }  # fmt: skip


def fault_status(lab: Lab, fault: Fault) -> dict[str, Any]:
    """One fault."""
    return {
        "number": fault.number, "fault": fault.kind, "target": fault.target, "links": list(fault.links),
        "directions": list(fault.directions) if fault.links else [], "options": dict(fault.options), "on": fault.on,
        "since_s": round((lab.now_ns() - fault.since_ns) / 10**9, 3),
    }  # fmt: skip


def _link(lab: Lab, link: PlannedLink) -> dict[str, Any]:
    return {
        "name": link.name, "kind": link.kind, "a": link.a.node, "b": link.b.node,
        "carrier": link.name not in lab.network.dark,
        **{direction: _direction(lab, link, direction) for direction in DIRECTIONS},
    }  # fmt: skip


def _direction(lab: Lab, link: PlannedLink, direction: Direction) -> dict[str, Any]:
    return {
        "planned": words(link.impairment(direction), link.rate),
        "now": words(lab.network.impairments[link.name, direction], lab.network.rate(link.name, direction)),
    }


def words(impairment: Impairment, rate: object = None) -> dict[str, str]:
    """What an impairment does, as text by field; what it does not do is left out."""
    found = {"rate": str(rate)} if rate else {}
    for field in fields(impairment):
        value = getattr(impairment, field.name)
        if value != field.default:
            found[field.name] = _text(value)
    return found


def _text(value: object) -> str:
    if isinstance(value, (GilbertElliott, FourState, Slot)):
        return " ".join(f"{name}={part}" for name, part in vars(value).items())
    if isinstance(value, tuple):
        return f"{len(value)} delays"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _sessions(lab: Lab) -> list[dict[str, Any]]:
    running: Mapping[str, bool] = {
        f"{daemon.node} {protocol}": all(program.running for program in daemon.programs.values())
        for daemon in lab.daemons
        for protocol in (("ike",) if daemon.name == "charon" else ("bgp", "bfd", "ospf"))
    }
    found = []
    for (node, protocol, name), last in lab.sessions().items():
        alive = running.get(f"{node} {protocol}", False)
        up = alive and last is not None and last.state == "up"
        detail = (last.detail if last is not None else "never up") if alive else "its daemon does not run"
        since = None if last is None else round((last.t_ns - lab.recorder.epoch_ns) / 10**9, 3)
        found.append(
            {"node": node, "protocol": protocol, "session": name, "up": up, "since_s": since, "detail": detail}
        )
    return found
