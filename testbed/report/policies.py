"""The matrix of what network policies leave: who reaches whom under each, from the events of a run."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from testbed.history import Event
from testbed.report.cells import SMALL_WIDTH
from testbed.report.matrix import Square

KIND = "policy.pair"
AFTER = "after "
"""How what passes once a policy is gone is called: told in words, not drawn."""


@dataclass(frozen=True)
class PolicyMatrix:
    """Who asks, under which policies, and what each reaches."""

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    squares: dict[tuple[str, str], Square]


def policy_matrix(events: Sequence[Event]) -> PolicyMatrix | None:
    """Sources by policies; ``None``: none was tried."""
    tried: dict[tuple[str, str], dict[str, list[Event]]] = {}
    for event in events:
        if event.kind == KIND and not str(event.fields["policy"]).startswith(AFTER):
            place = str(event.fields["source"]), str(event.fields["policy"])
            tried.setdefault(place, {}).setdefault(str(event.fields["target"]), []).append(event)
    if not tried:
        return None
    rows, columns = (tuple(dict.fromkeys(place[side] for place in tried)) for side in (0, 1))
    return PolicyMatrix(rows, columns, {place: _square(some) for place, some in tried.items()})


def policy_sentence(events: Sequence[Event]) -> str:
    """What the picture proves."""
    pairs = [event.fields for event in events if event.kind == KIND]
    right = sum(pair["passes"] == pair["allowed"] for pair in pairs)
    stopped = sum(not pair["passes"] for pair in pairs)
    told = f"Rows under columns: {right} of {len(pairs)} attempts end as the policies say, {stopped} of them stopped"
    return f"{told}." if right == len(pairs) else f"{told}; the others are in framed cells."


def _square(targets: dict[str, list[Event]]) -> Square:
    passes = {name: all(event.fields["passes"] for event in some) for name, some in targets.items()}
    wrong = {name for name, some in targets.items() if any(e.fields["passes"] != e.fields["allowed"] for e in some)}
    count = sum(passes.values())
    text = "✓ all" if count == len(passes) else "✕ none" if not count else f"reaches {count} of {len(passes)}"
    fewer = count <= len(passes) / 2
    words = [name for name, ok in passes.items() if ok == fewer]
    small = textwrap.wrap(f"{'only' if fewer else 'not'} {', '.join(words)}", SMALL_WIDTH) if words else []
    small += textwrap.wrap(f"wrong: {', '.join(sorted(wrong))}", SMALL_WIDTH) if wrong else []
    return Square(text, "\n".join(small), wrong=bool(wrong), plain=True, tinted=bool(wrong))
