"""What writes to an etcd cluster saw, read from the samples that were left. Pure functions of the record."""

from __future__ import annotations

import csv

from testbed.history import SAMPLES, History


def commits_s(history: History, name: str = "etcd") -> tuple[float, ...]:
    """How long each write took that was committed, in s, sorted."""
    rows = _rows(history, name)
    return tuple(sorted((int(r["ended_ns"]) - int(r["begun_ns"])) / 1e9 for r in rows if r["ok"] == "1"))


def failed(history: History, name: str = "etcd") -> int | None:
    """How many writes failed; ``None`` where there were none at all."""
    rows = _rows(history, name)
    return sum(row["ok"] != "1" for row in rows) if rows else None


def leader_changes(history: History, name: str = "etcd") -> int | None:
    """How often the leader changed while there were writes."""
    stopped = history.first("probe.stop", probe=name)
    return None if stopped is None else stopped.fields.get("leader_changes")


def quantile(values: tuple[float, ...], share: float) -> float | None:
    """The value that so many are not above, of sorted ones; ``None`` of none."""
    return values[min(len(values) - 1, int(share * len(values)))] if values else None


def _rows(history: History, name: str) -> list[dict[str, str]]:
    path = history.record / SAMPLES / f"{name}.csv"
    if not path.exists():
        return []
    with path.open(encoding="ascii", newline="") as text:
        return list(csv.DictReader(text))
