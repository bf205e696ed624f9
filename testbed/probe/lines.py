"""Numbered lines of logs, as kubelet keeps them and as a collector wrote them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

WRITTEN, CAME = ("number", "written_ns"), ("number", "written_ns", "came_ns")
"""Columns of what was written, and of what came, in the order in which it came."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
KEPT = re.compile(r"(?P<at>\S+) std(?:out|err) [FP] (?P<site>\S+) (?P<number>\d+)$")
"""The format of the container runtime interface: instant, stream, whole or part, and the line itself."""


@dataclass(frozen=True)
class Line:
    """One line; instants in ns since 1970. ``came_ns`` is 0 where it was read from its own node."""

    site: str
    number: int
    written_ns: int
    came_ns: int = 0


def kept(text: str) -> Iterator[Line]:
    """Lines in a container's log."""
    for line in text.splitlines():
        if found := KEPT.match(line):
            yield Line(found["site"], int(found["number"]), to_ns(found["at"]))


def collected(text: str) -> Iterator[Line]:
    """Lines as the collector writes them: the instant that each came at, and what was in the container's log."""
    for line in text.splitlines():
        at, _, rest = line.partition(" ")
        if found := KEPT.match(rest.strip()):
            yield Line(found["site"], int(found["number"]), to_ns(found["at"]), to_ns(at))


def to_ns(text: str) -> int:
    """An instant of RFC 3339; to microseconds, since what is finer is cut off."""
    return (datetime.fromisoformat(text) - EPOCH) // timedelta(microseconds=1) * 1000
