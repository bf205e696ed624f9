"""The matrix of who reaches whom, from the events of a run."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from testbed.history import Event
from testbed.report.matrix import Square

_WORDS = {"icmp": "ICMP", "tcp": "TCP", "udp": "UDP", "data": "data", "dns": "name"}
"""``data``: TCP whose full-size segments arrive; ``name``: the address is learned by DNS."""

SMALL_WIDTH = 34
"""Characters in a line of a cell's small text: what fits where four hosts stand side by side; arbitrary."""


@dataclass(frozen=True)
class Reached:
    """Who tried and who was tried, in order, and a square for each (from, to)."""

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    squares: dict[tuple[str, str], Square]


def families(events: Sequence[Event]) -> tuple[int, ...]:
    """The address families that were tried."""
    return tuple(sorted({int(event.fields["family"]) for event in events if event.kind == "attempt"}))


def reach_matrix(events: Sequence[Event], family: int) -> Reached:
    """Hosts by hosts in one family: what works, and why the rest does not."""
    tried: dict[tuple[str, str], dict[str, Event]] = {}
    for event in events:
        if event.kind == "attempt" and event.fields["family"] == family:
            pair = str(event.fields["source"]), str(event.fields["target"])
            tried.setdefault(pair, {})[str(event.fields["sort"])] = event
    mtus = {
        (str(event.fields["source"]), str(event.fields["target"])): event.fields["mtu"]
        for event in events
        if event.kind == "path.mtu" and event.fields["family"] == family
    }
    hosts = tuple(dict.fromkeys(name for pair in tried for name in pair))
    rows, columns = (tuple(name for name in hosts if any(pair[side] == name for pair in tried)) for side in (0, 1))
    return Reached(rows, columns, {pair: _square(some, mtus.get(pair)) for pair, some in tried.items()})


def matrix_sentence(events: Sequence[Event], family: int) -> str:
    """What the picture proves."""
    some = [event.fields for event in events if event.kind == "attempt" and event.fields["family"] == family]
    reasons = Counter(str(cell["reason"]) for cell in some if cell["reason"] != "ok")
    told = ", ".join(f"{reason} ({count})" for reason, count in reasons.most_common())
    works = f"{len(some) - reasons.total()} of {len(some)} attempts over IPv{family} work"
    others = f"; the others, in framed cells: {told}" if told else ""
    return f"Rows reach columns: {works}{others}."


def _square(some: dict[str, Event], mtu: object) -> Square:
    works = [_WORDS[kind] for kind, event in some.items() if event.fields["reason"] == "ok"]
    lines: dict[str, list[str]] = {}
    for kind, event in some.items():
        cell = event.fields
        if cell["reason"] != "ok":
            at = f" at {cell['where']}" if cell["where"] else ""
            detail = f" {cell['detail']}" if cell["reason"] == "black hole" else ""
            lines.setdefault(f"{cell['reason']}{at}{detail}", []).append(_WORDS[kind])
    told = (f"{reason}: {'all' if len(kinds) == len(some) else ' '.join(kinds)}" for reason, kinds in lines.items())
    small = [line for each in told for line in textwrap.wrap(each, SMALL_WIDTH)]
    if mtu is not None:
        small.append(f"MTU {mtu} B")
    text = "✓ all" if not lines else " ".join(works) if works else "✕ none"
    return Square(text, "\n".join(small), wrong=bool(lines), plain=True, tinted=not works)
