"""The matrix of flows that a hybrid Kubernetes needs, from the events of a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from testbed.check.missing import told
from testbed.history import Event
from testbed.report.matrix import Square


@dataclass(frozen=True)
class FlowMatrix:
    """Who speaks, to whom, and a square for each two that have something to say."""

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    squares: dict[tuple[str, str], Square]


def flow_matrix(events: Sequence[Event]) -> FlowMatrix | None:
    """Roles by roles: the flows between them, and which get through; ``None``: none was tried."""
    tried: dict[tuple[str, str], dict[str, list[bool]]] = {}
    for event in events:
        if event.kind == "flow":
            cell = event.fields
            source, target = cell["roles"]
            words = f"{cell['flow']}: {str(cell['sort']).upper()} {cell['port']}"
            tried.setdefault((source, target), {}).setdefault(words, []).append(cell["reason"] == "ok")
    if not tried:
        return None
    rows, columns = (tuple(dict.fromkeys(pair[side] for pair in tried)) for side in (0, 1))
    return FlowMatrix(rows, columns, {pair: _square(flows) for pair, flows in tried.items()})


def flow_sentence(events: Sequence[Event]) -> str:
    """What the picture proves: how many flows get through, and each rule that is missing."""
    tried = [event.fields["reason"] == "ok" for event in events if event.kind == "flow"]
    missing = "; ".join(f"{advice} ({why})" for advice, why in told(events).items())
    works = f"Rows speak to columns: {sum(tried)} of {len(tried)} attempts get through"
    return f"{works}. What is missing: {missing}." if missing else f"{works}, so no rule is missing."


def _square(flows: dict[str, list[bool]]) -> Square:
    works = [all(each) for each in flows.values()]
    text = "✓ all" if all(works) else "✕ none" if not any(works) else f"{sum(works)} of {len(works)}"
    small = "\n".join(words if all(each) else f"✕ {words}" for words, each in flows.items())
    return Square(text, small, wrong=not all(works), plain=True, tinted=not any(works))
