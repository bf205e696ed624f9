"""What a writer of records saw, read from the samples that it left. Pure functions of the record."""

from __future__ import annotations

import csv
from dataclasses import dataclass

from testbed.history import SAMPLES, History


@dataclass(frozen=True)
class Call:
    """One record: written, and fsync called. ``errno`` 0: acknowledged."""

    number: int
    begun_ns: int
    ended_ns: int
    errno: int


def calls(history: History, name: str) -> tuple[Call, ...]:
    """The calls of a writer that came to an end, in order."""
    path = history.record / SAMPLES / f"{name}.csv"
    if not path.exists():
        return ()
    with path.open(encoding="ascii", newline="") as rows:
        return tuple(
            Call(int(row["number"]), int(row["begun_ns"]), int(row["ended_ns"]), int(row["errno"] or 0))
            for row in csv.DictReader(rows)
            if row["ended_ns"]
        )


def lost(history: History, name: str) -> int | None:
    """How many acknowledged records were not at the server afterwards; ``None``: nobody looked."""
    stopped = history.first("probe.stop", probe=name)
    return None if stopped is None or "lost" not in stopped.fields else len(stopped.fields["lost"])
