"""Why an attempt failed, from what taps saw and which filter's counter went up. Pure, and it knows no plan."""

from __future__ import annotations

import errno
from collections.abc import Mapping, Sequence

from testbed.plan.expect import OK, Outcome
from testbed.probe.place import Place
from testbed.probe.tap import Sighting

Drops = Mapping[tuple[str, str], int]
"""(node, rule) to the packets that it dropped meanwhile."""


def diagnose(seen: Sequence[Sighting], source: Place, target: Place, error: int, drops: Drops) -> Outcome:
    """The reason of one failed attempt.

    A filter that dropped a packet at a node where one was seen, or which sent it, comes first; then a router that said
    that it has no route, then a reset; else it is a time-out where the packet went in and did not come out.
    """
    if error == 0:
        return OK
    for begin, end in ((source, target), (target, source)):
        met = {begin.node, *(one.node for one in _between(seen, begin, end))}
        for (node, rule), count in drops.items():
            if count and node in met:
                return Outcome("filtered", node, rule)
    for one in seen:
        if one.no_route and one.outgoing:
            return Outcome("no route", one.node)
    if error in (errno.ENETUNREACH, errno.EHOSTUNREACH):
        return Outcome("no route", source.node)
    if error in (errno.ECONNREFUSED, errno.ECONNRESET):
        return Outcome("reset", target.node)
    return Outcome("timeout", vanished(_between(seen, source, target), target.node))


def black_hole(seen: Sequence[Sighting], source: Place, target: Place, mtu: int) -> Outcome:
    """Small packets pass and large ones do not: where those larger than what passes go in and do not come out."""
    large = [one for one in _between(seen, source, target) if one.size > mtu]
    return Outcome("black hole", vanished(large, target.node), f"MTU {mtu}")


def vanished(seen: Sequence[Sighting], target: str) -> str:
    """The node that packets went into and did not come out of; empty: they were lost between two nodes."""
    out = {one.node for one in seen if one.outgoing}
    return next((one.node for one in seen if not one.outgoing and one.node not in out and one.node != target), "")


def _between(seen: Sequence[Sighting], source: Place, target: Place) -> list[Sighting]:
    return [one for one in seen if (one.source, one.target) == (source.address, target.address)]
