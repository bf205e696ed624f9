"""What became of TCP connections that a probe opened one after the other. Pure functions of the record."""

from __future__ import annotations

from dataclasses import dataclass

from testbed.history import History
from testbed.units import Duration

COLUMNS = ("seq", "sent_ns", "done_ns", "result")
"""Of its samples."""
RESULTS = ("ok", "refused", "timeout", "reset", "unreachable", "other")
"""A row's ``result`` is a place in this list."""
TIMEOUT = Duration(3 * 10**9)
"""After two SYNs, of which the second goes out after a second (RFC 6298 section 2); arbitrary."""


@dataclass(frozen=True)
class Tried:
    """Connections that were opened in a span of time, and how many of them did not come about."""

    count: int
    failed: int

    @property
    def share(self) -> float | None:
        """In %; ``None``: there were none."""
        return 100 * self.failed / self.count if self.count else None


def tried(history: History, name: str, begin_ns: int, end_ns: int) -> Tried:
    """Of a probe: those that were opened in a span."""
    rows = history.samples(name)
    some = [
        result != RESULTS.index("ok")
        for sent, result in zip(rows["sent_ns"], rows["result"], strict=True)
        if sent is not None and begin_ns <= sent < end_ns
    ]
    return Tried(len(some), sum(some))
