"""What a baseline is: what a network did when it was written down, how that was made, and what may change. Pure.

Runs are brought to one form, :class:`Recorded`. A :class:`Baseline` is one of these that was kept, with the change that
is allowed of each measurement; :mod:`testbed.baseline.check` holds another one against it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from testbed.baseline.allowed import Allowed
from testbed.history import Event
from testbed.job import Clock, Kernel

VIRTUAL: Clock = "virtual"


@dataclass(frozen=True, kw_only=True)
class Made:
    """What was asked, and with what it was done.

    Attributes:
        file: scenario, topology or test that was run; ``settings`` were given to it.
        content: names what that file says: the digest of its bytes.
        asked: the values of the scenario's own parameters, given or not.
        structure: what the network consists of, one line a thing; another one is another network.
        numbers: how it is set: timers, rates, losses, options, by the thing they belong to.
        tools: versions of everything that had a part in it.
    """

    file: str
    settings: Mapping[str, str]
    content: str
    kernel: Kernel
    clock: Clock
    asked: Mapping[str, str] = field(default_factory=dict)
    structure: tuple[str, ...] = ()
    numbers: Mapping[str, str] = field(default_factory=dict)
    tools: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Series:
    """One measurement, by seed; ``better`` as in :class:`testbed.verdict.Measurement`."""

    unit: str
    values: Mapping[int, float]
    better: str = ""
    told: bool = False
    """It has neither a bound nor a better side: it is for information."""

    @property
    def median(self) -> float:
        """Over the seeds."""
        return float(median(self.values.values()))


@dataclass(frozen=True)
class Trace:
    """What one run left: its verdict, the digests of its record's files by name, and its events in order.

    In real time no two runs leave the same, and neither files nor events are kept.
    """

    verdict: str
    files: Mapping[str, str] = field(default_factory=dict)
    events: tuple[Event, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """Runs of one thing with several seeds.

    Attributes:
        unknown: by seed, why nothing can be said of a run: its numbers are nowhere else in this.
    """

    made: Made
    series: Mapping[str, Series]
    runs: Mapping[int, Trace]
    unknown: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Accepted:
    """A change that was taken over: why, and what changed."""

    because: str
    changed: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """What was kept: runs, what may change, and the changes since it was first recorded."""

    recorded: Recorded
    allowed: Mapping[str, Allowed]
    question: str = ""
    accepted: tuple[Accepted, ...] = ()

    @property
    def exact(self) -> bool:
        """Whether the bytes of the record decide: on the virtual clock, and while no change was allowed by hand."""
        strict = all(each.sort in ("nothing", "anything") for each in self.allowed.values())
        return self.recorded.made.clock == VIRTUAL and strict


def event_line(event: Event) -> str:
    """An event as a line of a baseline: nanoseconds, kind, and its fields."""
    return f"{event.t_ns} {event.kind} {json.dumps(dict(event.fields))}"


def event_from(line: str) -> Event:
    """Read it back. Raises ``ValueError``."""
    t_ns, kind, fields = line.split(" ", 2)
    found: Any = json.loads(fields)
    if not isinstance(found, dict):
        raise ValueError(f"{fields} is no object")
    return Event(int(t_ns), kind, found)
