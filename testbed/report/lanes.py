"""What the timeline shows, computed from the record: who was in which state from when to when. Pure.

Lanes that never change are gathered, so that a chart of many routers still fits a page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from testbed.history import Event
from testbed.numbers import counted
from testbed.plan.plan import Plan
from testbed.report.cluster_lanes import cluster_lanes, connection_lanes
from testbed.report.lane import ARRIVES, DOWN, LOST, NOTHING, SPANS_MAX, Lane, Row, row_of
from testbed.report.receipt import direction_words
from testbed.report.rundir import Run
from testbed.report.sites import families
from testbed.report.streams import Stream

FAULTS = {
    "silent": "silent loss on", "carrier": "carrier loss on", "impaired": "brown-out on",
    "brownout": "brown-out on", "flap": "flapping of",
    "partition": "partition of", "kill": "kill of", "freeze": "freeze of", "off": "power loss of",
}  # fmt: skip
PROTOCOLS = {"bfd": "BFD", "bgp": "BGP", "ike": "IKE"}
LANES_MAX = 40
"""Arbitrary: what still fits a printed page."""


@dataclass(frozen=True)
class FaultBand:
    """A fault from its start to its healing.

    Attributes:
        phases: when it was on; one, unless it flapped.
        broke: names of what it broke.
        only: the direction, when it is one of two.
    """

    kind: str
    target: str
    start_s: float
    end_s: float
    healed: bool
    phases: tuple[tuple[float, float], ...]
    broke: tuple[str, ...]
    only: str = ""

    @property
    def shown(self) -> tuple[tuple[float, float], ...]:
        """The phases to draw: one for all of them when there are too many to tell apart."""
        return self.phases if len(self.phases) <= SPANS_MAX else ((self.start_s, self.end_s),)

    @property
    def words(self) -> str:
        """``silent loss on dx``."""
        return f"{fault_words(self.kind)} {self.target}{f', {self.only} only' if self.only else ''}"


def fault_words(kind: str) -> str:
    """What a kind of fault is called, up to its target."""
    return FAULTS.get(kind, f"{kind} of")


def fault_bands(run: Run) -> tuple[FaultBand, ...]:
    """Every fault; one that was never healed lasts to the end of the scenario."""
    return tuple(_band(run, event) for event in run.history.of("fault.start"))


def _band(run: Run, event: Event) -> FaultBand:
    number, target = event.fields.get("number", 0), str(event.fields.get("target", ""))
    directions = event.fields.get("directions", ())
    only = direction_words(run.plan, target, directions[0]) if len(directions) == 1 else ""
    start, last = run.since_start(event.t_ns), run.since_start(run.stop_ns)
    heal = run.history.first("fault.heal", number=number)
    end = max(start, last if heal is None else min(run.since_start(heal.t_ns), last))
    swings = [
        (run.since_start(e.t_ns), e.fields.get("on"))
        for e in run.history.of("fault.flap")
        if e.fields.get("number") == number
    ]
    phases: list[tuple[float, float]] = []
    begin: float | None = start
    for instant, on in [*swings, (end, False)]:
        if on and begin is None:
            begin = instant
        elif not on and begin is not None:
            phases.append((begin, min(instant, end)))
            begin = None
    broke = tuple(map(str, event.fields.get("links", ()))) or (target,)
    return FaultBand(
        str(event.fields.get("fault", "fault")), target, start, end, heal is not None, tuple(phases), broke, only
    )


def lanes(run: Run) -> tuple[Lane, ...]:
    """All lanes, with those gathered that say the same."""
    found = [*(_probe_lane(run, stream) for stream in run.streams), *connection_lanes(run), *cluster_lanes(run)]
    for node in dict.fromkeys(routing.node for routing in run.plan.routing):
        sessions = [lane for kind in PROTOCOLS for lane in _gather(_session_lanes(run, node, kind), PROTOCOLS[kind])]
        found += [*_gather(_path_lanes(run, node), "paths"), *sessions]
    if len(found) > LANES_MAX:
        found = [lane for lane in found if lane.changes or lane.kind == "probe"]
    return tuple(found[:LANES_MAX])


def _session_lanes(run: Run, node: str, kind: str) -> list[Lane]:
    """A lane for each session of a router, IPv4 and IPv6 together."""
    changes: dict[str, list[tuple[int, str]]] = {}
    for event in run.history.of(kind):
        if event.fields.get("node") == node:
            changes.setdefault(str(event.fields.get("session")), []).append(
                (event.t_ns, str(event.fields.get("state")))
            )
    names = [*_planned_sessions(run.plan, node, kind), *changes]
    pairs: dict[str, list[str]] = {}
    for name in dict.fromkeys(names):
        base = name.removesuffix("_6")
        pairs.setdefault(base if base in names else name, []).append(name)
    return [
        Lane(
            node,
            f"{PROTOCOLS[kind]} {base}",
            "session",
            tuple(row_of(run, changes.get(name, ()), DOWN) for name in pair),
        )
        for base, pair in pairs.items()
    ]


def _planned_sessions(plan: Plan, node: str, kind: str) -> list[str]:
    """Sessions that ought to be, so that one that never came up has a lane as well."""
    if kind == "ike":
        return [
            tunnel.name for tunnel in plan.tunnels if tunnel.kind == "ipsec" and node in (tunnel.a.node, tunnel.b.node)
        ]
    sessions = [session for routing in plan.routing if routing.node == node for session in routing.sessions]
    return [session.name for session in sessions if kind == "bgp" or session.bfd is not None]


def _path_lanes(run: Run, node: str) -> list[Lane]:
    """Which interface a router uses towards each other site."""
    owner = {prefix: run.plan.node(routing.node).site for routing in run.plan.routing for prefix in routing.originate}
    rows: dict[str, list[tuple[int, Row]]] = {}
    for reach in run.plan.reach:
        if reach.node == node:
            changes = [
                (event.t_ns, " + ".join(event.fields.get("via", ())) or NOTHING)
                for event in run.history.of("route")
                if event.fields.get("node") == node and event.fields.get("prefix") == reach.prefix
            ]
            target = owner.get(reach.prefix, reach.prefix)
            rows.setdefault(target, []).append((families(reach.prefix), row_of(run, changes, NOTHING)))
    return [
        Lane(node, f"path to {target}", "path", tuple(row for _, row in sorted(found, key=lambda each: each[0])))
        for target, found in rows.items()
    ]


def _gather(found: Sequence[Lane], word: str) -> list[Lane]:
    """Sessions that were up throughout become one lane, as do paths that did not change when there are several."""
    calm = [lane for lane in found if not lane.changes]
    if len(calm) < 2:
        return list(found)
    names = [lane.label.partition(" ")[2] for lane in calm]
    if calm[0].kind == "path":
        label = f"{counted(len(calm), 'unchanged path')}"
        same = {row[0].state for lane in calm for row in lane.rows if row}
        rows = calm[0].rows if len(same) == 1 else (tuple(replace(span, state="") for span in calm[0].rows[0]),)
    else:
        label = f"{word} {', '.join(names)}" if len(names) <= 3 else f"{word}, {len(names)} sessions"
        rows = calm[0].rows[:1]
    return [*(lane for lane in found if lane.changes), replace(calm[0], label=label, rows=rows)]


def _probe_lane(run: Run, stream: Stream) -> Lane:
    """When a probe's packets came back."""
    edges: list[tuple[int, str]] = []
    for gap in stream.gaps:
        edges += [(gap.start_ns, LOST), (gap.end_ns, ARRIVES)]
    if not len(stream.sent_ns):
        return Lane("Traffic", stream.name, "probe", ((),))
    first, last = int(stream.sent_ns[0]), int(stream.sent_ns[-1])
    return Lane("Traffic", stream.who, "probe", (row_of(run, [(first, ARRIVES), *edges], "", last),))
