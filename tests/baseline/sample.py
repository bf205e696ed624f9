"""Recorded runs made up here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from testbed.baseline.model import Made, Recorded, Series, Trace
from testbed.history import Event

MADE = Made(
    file="scenarios/failover.py", settings={"fault": "silent"}, asked={"fault": "silent"}, content="c0ffee",
    kernel="guest", clock="virtual",
    structure=("node a: kind=host", "link dx: a.node=a, b.node=b"),
    numbers={"link dx": "rate=1 Gbit/s, a_to_b.delay=5 ms"},
    tools={"testbed": "0.1.0", "source": "0123456789abcdef", "bird": "bird2 2.0.12-7"},
)  # fmt: skip
SECOND = 10**9
EVENTS = (
    Event(0, "scenario.start"),
    Event(15 * SECOND, "fault.start", {"fault": "silent", "target": "dx"}),
    Event(15 * SECOND + 8 * 10**8, "bfd", {"node": "vgw", "session": "dx", "state": "down", "detail": "Timeout"}),
    Event(16 * SECOND, "route", {"node": "vgw", "prefix": "192.168.0.0/16", "via": ["vpn-1"]}),
    Event(60 * SECOND, "fault.heal", {"fault": "silent", "target": "dx"}),
)


def recorded(
    values: Mapping[str, Mapping[int, float]], made: Made = MADE, *, unit: str = "s", better: str = "lower",
    runs: Mapping[int, Trace] | None = None, told: bool = False,
) -> Recorded:  # fmt: skip
    """Runs with these measurements by seed; each leaves the same events unless something else is said."""
    seeds = sorted({seed for every in values.values() for seed in every})
    left = {seed: trace() if made.clock == "virtual" else Trace("PASS") for seed in seeds}
    series = {name: Series(unit, every, better, told) for name, every in values.items()}
    return Recorded(made=made, series=series, runs=left if runs is None else runs)


def trace(events: tuple[Event, ...] = EVENTS) -> Trace:
    """What a run left whose record is its events."""
    return Trace("PASS", {"events.jsonl": str(hash(tuple(event.to_json() for event in events)))}, events)


def real() -> Made:
    """The same on the machine's own clock."""
    return replace(MADE, clock="real")


def by_seed(*values: float) -> dict[int, float]:
    """Seeds from 1 on."""
    return dict(enumerate(values, start=1))
