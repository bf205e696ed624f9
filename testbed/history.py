"""What happened: events and samples, each with its instant. The record of a run, written once, read ever after.

Instants are nanoseconds since the lab's agent started (``t_ns``). They are taken from CLOCK_REALTIME, since that is
what the kernel stamps packets with and what daemons write into their logs.
"""

from __future__ import annotations

import contextlib
import csv
import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias

Json: TypeAlias = Any
"""What a JSON file holds."""

EVENTS = "events.jsonl"
SAMPLES = "samples"
CALIBRATION = "calibration.json"
RECEIPT = "receipt.json"
VERDICT = "verdict.json"
IDENTITY = "identity.json"


@dataclass(frozen=True)
class Event:
    """Something that happened at one instant. ``fields`` depend on ``kind``; docs/concepts.md lists the kinds."""

    t_ns: int
    kind: str
    fields: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> str:
        """One line."""
        return json.dumps({"t_ns": self.t_ns, "kind": self.kind, **self.fields})

    @classmethod
    def from_json(cls, line: str) -> Event:
        """From one line."""
        fields = json.loads(line)
        return cls(fields.pop("t_ns"), fields.pop("kind"), fields)


class Recorder:
    """Writes a record as it happens."""

    def __init__(self, record: Path) -> None:
        self.record = record
        (record / SAMPLES).mkdir(parents=True, exist_ok=True)
        self._events: list[Event] = []
        self.begin()

    def begin(self) -> None:
        """Count instants from now on."""
        self.epoch_ns = time.time_ns()

    def now_ns(self) -> int:
        """Now, on the record's scale."""
        return time.time_ns() - self.epoch_ns

    def event(self, kind: str, *, t_ns: int | None = None, **fields: Any) -> Event:
        """Note an event, now or at a given instant."""
        made = Event(self.now_ns() if t_ns is None else t_ns, kind, fields)
        self._events.append(made)
        # Written as it happens, so that a lab whose kernel dies leaves what it knew. Where the disk is full, a lab that
        # is kept up goes on, and a run fails at its end: :meth:`write`.
        with contextlib.suppress(OSError), (self.record / EVENTS).open("a", encoding="utf-8") as out:
            out.write(f"{made.to_json()}\n")
        return made

    def measured(self, since: int = 0) -> list[dict[str, Any]]:
        """The fields of what was measured so far, but for the first ``since``."""
        return [dict(event.fields) for event in self._events if event.kind == "measured"][since:]

    def samples(self, name: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Write one probe's samples as CSV."""
        with (self.record / SAMPLES / f"{name}.csv").open("w", encoding="ascii", newline="") as out:
            writer = csv.writer(out, lineterminator="\n")
            writer.writerow(columns)
            writer.writerows(rows)

    def write(self) -> None:
        """Write all events again, in the order of their instants: what daemons logged is known only now."""
        ordered = sorted(self._events, key=lambda event: event.t_ns)
        text = "".join(f"{event.to_json()}\n" for event in ordered)
        (self.record / EVENTS).write_text(text, encoding="utf-8")


@dataclass(frozen=True)
class History:
    """A record read back."""

    record: Path

    @cached_property
    def events(self) -> tuple[Event, ...]:
        """All events in order."""
        path = self.record / EVENTS
        if not path.exists():
            return ()
        return tuple(Event.from_json(line) for line in path.read_text(encoding="utf-8").splitlines())

    def of(self, *kinds: str) -> Iterator[Event]:
        """The events of some kinds."""
        return (event for event in self.events if event.kind in kinds)

    def first(self, kind: str, **fields: object) -> Event | None:
        """The first event of a kind with given fields."""
        matching = (e for e in self.of(kind) if all(e.fields.get(k) == v for k, v in fields.items()))
        return next(matching, None)

    def instant(self, kind: str, **fields: object) -> int:
        """When the first event of a kind was. Raises ``LookupError``: the run did not get that far."""
        event = self.first(kind, **fields)
        if event is None:
            raise LookupError(f"no event {kind} in the record")
        return event.t_ns

    def samples(self, name: str) -> dict[str, list[int | None]]:
        """A probe's samples by column; ``None`` where there is none (a lost packet)."""
        with (self.record / SAMPLES / f"{name}.csv").open(encoding="ascii", newline="") as lines:
            rows = csv.reader(lines)
            columns = next(rows)
            values = [[int(cell) if cell else None for cell in row] for row in rows]
        return {column: [row[i] for row in values] for i, column in enumerate(columns)}

    def sample_names(self) -> tuple[str, ...]:
        """The probes that left samples."""
        return tuple(sorted(path.stem for path in (self.record / SAMPLES).glob("*.csv")))

    def read_json(self, name: str) -> Json:
        """A JSON file of the record, or ``None``."""
        path = self.record / name
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None
