"""What the timeline shows, computed from the record: who was in which state from when to when. Pure.

A lane is one line of the chart. It has one row, or two where IPv4 and IPv6 have a session or a route of their own.
Lanes that never change are gathered, so that a chart of many routers still fits a page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from testbed.plan.plan import Plan
from testbed.report.numbers import counted
from testbed.report.receipt import direction_words
from testbed.report.rundir import Run
from testbed.report.sites import families
from testbed.report.streams import Stream

UP, DOWN, NOTHING, SOME, ARRIVES, LOST = "up", "down", "no route", "changing", "arrives", "lost"
BAD_STATES = frozenset({DOWN, NOTHING, LOST})
FAULTS = {"silent": "silent loss", "carrier": "carrier loss", "impaired": "brown-out"}
PROTOCOLS = {"bfd": "BFD", "bgp": "BGP", "ike": "IKE"}
LANES_MAX = 40
"""Arbitrary: what still fits a printed page."""
SPANS_MAX = 400
"""More spans than this in one row are drawn as columns of a pixel each."""
COLUMNS = 700


@dataclass(frozen=True)
class Span:
    """One state from one instant to another; seconds since the start of the scenario."""

    start_s: float
    end_s: float
    state: str


Row = tuple[Span, ...]


@dataclass(frozen=True)
class Lane:
    """One line of the chart."""

    group: str
    label: str
    kind: str
    """``session``, ``path`` or ``probe``."""
    rows: tuple[Row, ...]

    @property
    def changes(self) -> bool:
        """True when anything changed in it, or was never right."""
        return any(len(row) > 1 or (row and row[0].state in BAD_STATES) for row in self.rows)


@dataclass(frozen=True)
class FaultBand:
    """A fault from its start to its healing."""

    kind: str
    target: str
    start_s: float
    end_s: float
    healed: bool
    only: str = ""
    """The direction, when it is one of two."""

    @property
    def words(self) -> str:
        """``silent loss on dx``."""
        return f"{FAULTS.get(self.kind, self.kind)} on {self.target}{f', {self.only} only' if self.only else ''}"


def fault_bands(run: Run) -> tuple[FaultBand, ...]:
    """Every fault; one that was never healed lasts to the end of the scenario."""
    ends = {event.fields.get("number"): event.t_ns for event in run.history.of("fault.heal")}
    last = run.since_start(run.stop_ns)
    bands = []
    for event in run.history.of("fault.start"):
        number, kind, target = (event.fields.get(name, "") for name in ("number", "fault", "target"))
        directions = event.fields.get("directions", [])
        only = direction_words(run.plan, str(target), directions[0]) if len(directions) == 1 else ""
        start = run.since_start(event.t_ns)
        end = min(run.since_start(ends[number]), last) if number in ends else last
        bands.append(FaultBand(str(kind), str(target), start, max(start, end), number in ends, only))
    return tuple(bands)


def lanes(run: Run) -> tuple[Lane, ...]:
    """All lanes, with those gathered that say the same."""
    found = [_probe_lane(run, stream) for stream in run.streams]
    for node in dict.fromkeys(routing.node for routing in run.plan.routing):
        sessions = [lane for kind in PROTOCOLS for lane in _gather(_session_lanes(run, node, kind), PROTOCOLS[kind])]
        found += [*_gather(_path_lanes(run, node), "paths"), *sessions]
    if len(found) > LANES_MAX:
        found = [lane for lane in found if lane.changes or lane.kind == "probe"]
    return tuple(found[:LANES_MAX])


def _row(run: Run, changes: Sequence[tuple[int, str]], before: str, stop_ns: int | None = None) -> Row:
    """Spans of one thing's states within the scenario, from the instants of its changes."""
    spans: list[Span] = []
    begin, state = run.start_ns, before
    stop = run.stop_ns if stop_ns is None else stop_ns
    for t_ns, new in (*changes, (stop, "")):
        at = min(max(t_ns, run.start_ns), stop)
        if at > begin and new != state:
            if state:
                spans.append(Span(run.since_start(begin), run.since_start(at), state))
            begin = at
        state = new
    return tuple(spans)


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
            node, f"{PROTOCOLS[kind]} {base}", "session", tuple(_row(run, changes.get(name, ()), DOWN) for name in pair)
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
            rows.setdefault(target, []).append((families(reach.prefix), _row(run, changes, NOTHING)))
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
    return Lane("Traffic", stream.who, "probe", (_row(run, [(first, ARRIVES), *edges], "", last),))


def coarse(row: Row, start_s: float, end_s: float) -> Row:
    """The part of a row within a window; in columns of a pixel each when it has very many spans, the worst state of each."""
    inside = [
        Span(max(span.start_s, start_s), min(span.end_s, end_s), span.state)
        for span in row
        if span.end_s > start_s and span.start_s < end_s
    ]
    if len(inside) <= SPANS_MAX:
        return tuple(inside)
    width = (end_s - start_s) / COLUMNS
    states = [""] * COLUMNS
    for span in inside:
        first = int((span.start_s - start_s) / width)
        last = max(first, min(COLUMNS - 1, int((span.end_s - start_s) / width - 1e-9)))
        for column in range(min(first, COLUMNS - 1), last + 1):
            if states[column] not in BAD_STATES:
                states[column] = span.state
    merged: list[Span] = []
    for column, state in enumerate(states):
        left, right = start_s + column * width, start_s + (column + 1) * width
        if merged and merged[-1].state == state:
            merged[-1] = replace(merged[-1], end_s=right)
        elif state:
            merged.append(Span(left, right, state))
    return tuple(merged)
