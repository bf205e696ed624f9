"""What came of metrics and logs at the place where they are collected: read from the samples that a run left. Pure."""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from testbed.history import SAMPLES, History
from testbed.units import Duration

ARRIVING = "arriving"
"""The probe that asks the receiver what it has."""
ASKED = Duration.parse("250 ms")
"""How often that is; arbitrary: how exactly an arrival is known."""
S = 10**9


@dataclass(frozen=True)
class Arrival:
    """Something with an instant of its own, and when it was at its goal. Both in ns of the record."""

    own_ns: int
    came_ns: int

    @property
    def late_s(self) -> float:
        """How old it was when it came."""
        return (self.came_ns - self.own_ns) / S


@dataclass(frozen=True)
class Scrapes:
    """The scrapes of a site's targets, and what the receiver has of them by one way."""

    came: tuple[Arrival, ...]
    lost_ns: tuple[int, ...]
    targets: int


@dataclass(frozen=True)
class Lines:
    """The lines that a site's pod wrote, and what came of them by one protocol."""

    came: tuple[Arrival, ...]
    lost: int
    replayed: int
    disordered: int
    """Lines that came for the first time, after one that was written later."""


def scrapes(history: History, site: str, way: str) -> Scrapes | None:
    """What came of a site's scrapes; ``None``: nobody looked."""
    rows = _rows(history, f"scrapes-{site}")
    stopped = history.first("probe.stop", probe=ARRIVING)
    told = history.first("targets", site=site)
    if rows is None or stopped is None or told is None:
        return None
    seen = _seen(history, stopped.fields["series"], site, way)
    came, lost = [], []
    for number, own_ns, has in zip(rows["series"], rows["scraped_ns"], rows[way], strict=True):
        target = told.fields["series"][number]
        at = _first(seen.get((target["job"], target["instance"]), ()), own_ns)
        if has and at is not None:
            came.append(Arrival(own_ns, at))
        elif not has:
            lost.append(own_ns)
    return Scrapes(tuple(came), tuple(lost), len(told.fields["series"]))


def _seen(
    history: History, series: Sequence[dict[str, str]], site: str, way: str
) -> dict[tuple[str, str], list[tuple[int, int]]]:
    """For each target: the newest scrape that the receiver had, and when it was first seen there; in order."""
    rows, found = _rows(history, ARRIVING) or {}, dict[tuple[str, str], list[tuple[int, int]]]()
    for number, seen_ns, newest_ns in zip(rows["series"], rows["seen_ns"], rows["newest_ns"], strict=True):
        labels = series[number]
        if (labels.get("site"), labels.get("way")) == (site, way):
            found.setdefault((labels["job"], labels["instance"]), []).append((newest_ns, seen_ns))
    return found


def _first(seen: Sequence[tuple[int, int]], own_ns: int) -> int | None:
    """When the receiver was first seen to have a scrape, or a later one."""
    place = bisect.bisect_left(seen, (own_ns, 0))
    return seen[place][1] if place < len(seen) else None


def lines(history: History, site: str, protocol: str) -> Lines | None:
    """What came of a site's lines; ``None``: nobody looked, or the site wrote none."""
    written, rows = _rows(history, f"lines-{site}"), _rows(history, f"lines-{site}-{protocol}")
    if written is None or rows is None or not written["number"]:
        return None
    came: dict[int, Arrival] = {}
    disordered = newest = 0
    for number, own_ns, came_ns in zip(rows["number"], rows["written_ns"], rows["came_ns"], strict=True):
        if number not in came:
            came[number] = Arrival(own_ns, came_ns)
            disordered += number < newest
            newest = max(newest, number)
    lost = set(written["number"]) - set(came)
    return Lines(tuple(came.values()), len(lost), len(rows["number"]) - len(came), disordered)


def latest_s(some: Iterable[Arrival], since_ns: int = 0, until_ns: int | None = None) -> float | None:
    """How old the oldest of those with an instant in a span was when it came, in s; ``None``: there is none."""
    chosen = [each.late_s for each in some if each.own_ns >= since_ns and (until_ns is None or each.own_ns < until_ns)]
    return max(chosen, default=None)


def again_s(some: Iterable[Arrival], back_ns: int) -> float | None:
    """From an instant until the first of all came, in s."""
    after = [each.came_ns for each in some if each.came_ns >= back_ns]
    return (min(after) - back_ns) / S if after else None


def caught_up_s(some: Iterable[Arrival], back_ns: int, usual_s: float) -> float | None:
    """From an instant until the last of those came that were later than usual, in s; 0: none was after it."""
    arrivals = list(some)
    late = [each.came_ns - back_ns for each in arrivals if each.late_s > usual_s]
    return max([0, *late]) / S if arrivals else None


def _rows(history: History, name: str) -> dict[str, list[int]] | None:
    """Samples by column; ``None``: there are none of that name."""
    if not (history.record / SAMPLES / f"{name}.csv").exists():
        return None
    return {column: [cell or 0 for cell in cells] for column, cells in history.samples(name).items()}
