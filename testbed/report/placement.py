"""The matrix of where pods are, from the events of a run."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from testbed.history import Event
from testbed.report.cells import SMALL_WIDTH
from testbed.report.matrix import Square

KIND, NOWHERE = "placement", "no node"


@dataclass(frozen=True)
class PlacementMatrix:
    """What was asked, nodes, and how many pods are on each."""

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    squares: dict[tuple[str, str], Square]


def placement_matrix(events: Sequence[Event]) -> PlacementMatrix | None:
    """Cases by nodes, and what is on none; ``None``: nothing was placed."""
    some = [event for event in events if event.kind == KIND]
    stages: dict[str, set[str]] = {}
    for event in some:
        stages.setdefault(str(event.fields["case"]), set()).add(str(event.fields["stage"]))
    found: dict[tuple[str, str], list[Event]] = {}
    for event in some:
        case = str(event.fields["case"])
        row = f"{case}, {event.fields['stage']}" if len(stages[case]) > 1 else case
        found.setdefault((row, str(event.fields["node"]) or NOWHERE), []).append(event)
    if not found:
        return None
    rows = tuple(dict.fromkeys(row for row, _ in found))
    columns = (*sorted({column for _, column in found} - {NOWHERE}), NOWHERE)
    return PlacementMatrix(rows, columns, {place: _square(place[1], some) for place, some in found.items()})


def placement_sentence(events: Sequence[Event]) -> str:
    """What the picture shows."""
    pods = [event.fields for event in events if event.kind == KIND]
    nowhere = [str(pod["pod"]) for pod in pods if not pod["node"]]
    told = f"Rows are on columns: {len(pods) - len(nowhere)} pods"
    return f"{told}; on no node: {', '.join(nowhere)}." if nowhere else f"{told}."


def _square(column: str, some: list[Event]) -> Square:
    text = f"{len(some)} pod{'s' if len(some) > 1 else ''}"
    said = str(some[0].fields["reason"]).removesuffix(".").partition(": ")[2].partition(". ")[0]
    small = said if column == NOWHERE else str(some[0].fields["why"])
    return Square(text, "\n".join(textwrap.wrap(small, SMALL_WIDTH)), plain=True)
