"""One line of the timeline: states of one thing, from when to when. Pure.

It has one row, or two where IPv4 and IPv6 have a session or a route of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from testbed.report.rundir import Run

UP, DOWN, NOTHING, SOME, ARRIVES, LOST = "up", "down", "no route", "now and then", "arrives", "lost"
READY, NOT_READY, NO_EXECUTE, NO_ENDPOINTS = "ready", "not ready", "not ready, NoExecute", "none"
BAD_STATES = frozenset({DOWN, NOTHING, LOST, NOT_READY, NO_EXECUTE, NO_ENDPOINTS})
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
    """``session``, ``path``, ``probe``, or ``state``: of a cluster, said in words."""
    rows: tuple[Row, ...]

    @property
    def changes(self) -> bool:
        """True when anything changed in it, or was never right."""
        return any(len(row) > 1 or (row and row[0].state in BAD_STATES) for row in self.rows)


def row_of(run: Run, changes: Sequence[tuple[int, str]], before: str, stop_ns: int | None = None) -> Row:
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


def coarse(row: Row, start_s: float, end_s: float) -> Row:
    """The part of a row within a window; where it has very many spans, in columns of a pixel each."""
    inside = [
        Span(max(span.start_s, start_s), min(span.end_s, end_s), span.state)
        for span in row
        if span.end_s > start_s and span.start_s < end_s
    ]
    if len(inside) <= SPANS_MAX:
        return tuple(inside)
    width = (end_s - start_s) / COLUMNS
    shares: list[dict[str, float]] = [{} for _ in range(COLUMNS)]
    for span in inside:
        first = min(COLUMNS - 1, int((span.start_s - start_s) / width))
        last = min(COLUMNS - 1, int((span.end_s - start_s) / width))
        for column in range(first, last + 1):
            left = start_s + column * width
            covered = max(0.0, min(span.end_s, left + width) - max(span.start_s, left))
            shares[column][span.state] = shares[column].get(span.state, 0.0) + covered
    return _join([(start_s + column * width, _prevailing(share)) for column, share in enumerate(shares)], width)


def _prevailing(shares: dict[str, float]) -> str:
    """The state of most of a column, or that something bad was in it as well."""
    state = max(shares, key=lambda name: shares[name], default="")
    return SOME if state not in BAD_STATES and BAD_STATES & shares.keys() else state


def _join(columns: Sequence[tuple[float, str]], width: float) -> Row:
    merged: list[Span] = []
    for left, state in columns:
        if merged and merged[-1].state == state:
            merged[-1] = replace(merged[-1], end_s=left + width)
        elif state:
            merged.append(Span(left, left + width, state))
    return tuple(merged)
