"""The rate of a link: more is offered than it carries, and what comes out is timed or counted."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING, Any

from testbed.net.apply import Network
from testbed.net.frames import Receiver, Sender, Tally, Tap
from testbed.net.shaping import policer
from testbed.plan.plan import FABRIC
from testbed.run.probing import rate_frame

if TYPE_CHECKING:
    from testbed.run.calibrate import Clock, Way

FRAMES = 200
"""Frames that are timed after the bucket is empty: in virtual time two would do, on the real clock a timer's lateness of
0.1 ms must be a small share of all they take; arbitrary."""
FRAMES_MAX = 20_000
REAL_SPAN_NS = 100 * 10**6
"""On the real clock, as many frames as take this long; arbitrary."""
OVERLOAD_SHAPED, OVERLOAD_POLICED = 1.25, 1.5
"""What is offered, over the rate: a link that is faster than asked shows itself by as much; arbitrary."""
POLICED_FRAMES = 400
"""Of these about two thirds pass, so one frame more or less is 0.4 % of the rate; arbitrary."""
SLOTS = 32
"""Frames between two readings, so that a tap's room is enough on any machine; arbitrary."""
_STREAM = 0x8000_0000
"""Marks the frames of a flood."""


def rate(network: Network, way: Way, receiver: Receiver, counted: dict[str, Any], clock: Clock) -> int | None:
    """Measured rate in bit/s, counting layer-3 bytes and 14 of Ethernet; ``None``: too little arrived to say."""
    real = clock == "real"
    if way.link.policed:
        return _policed(way, receiver, counted, real=real)
    impairment = way.link.impairment(way.direction)
    scattered = bool(impairment.jitter or impairment.slot)
    if not scattered or way.link.kind == "access":
        return _shaped(way, way.target, receiver, counted, real=real, scattered=scattered)
    # Jitter hides the shaper's pace at the far end. In the fabric frames have left the shaper and not met netem yet.
    with network.namespaces.inside(FABRIC):
        tap = Tap(way.link.ends(way.direction)[0].port)
    try:
        return _shaped(way, tap, receiver, counted, real=real, scattered=False)
    finally:
        tap.close()


def _shaped(
    way: Way, tap: Tap, receiver: Receiver, counted: dict[str, Any], *, real: bool, scattered: bool
) -> int | None:
    """Frames leave a shaper that always has more at its pace, so the instants of two of them tell it."""
    shaper, wanted = way.link.shaper, way.link.rate
    assert shaper is not None
    assert wanted is not None
    length = rate_frame(way.link.mtu, wanted, FRAMES, real=real)
    first = shaper.burst_bytes // length + 2
    timed = min(FRAMES_MAX, max(FRAMES, wanted * REAL_SPAN_NS // (8 * 10**9 * length) if real else 0))
    ahead = shaper.burst_bytes + shaper.limit_bytes // 2 - length

    def due_ns(number: int) -> int:
        return int(max(0, number * length - ahead) * 8e9 / (wanted * OVERLOAD_SHAPED))

    tally, refused = _flood(way, tap, receiver, first + timed, length, due_ns)
    seen = sorted(number for number in tally.instants if number >= first)
    if len(seen) < 2:
        return None
    span = tally.instants[seen[-1]] - tally.instants[seen[0]]
    if scattered:
        # A host's jitter comes before its shaper, which then runs dry now and again, but not half of the time.
        gaps = [tally.instants[b] - tally.instants[a] for a, b in pairwise(seen) if b == a + 1]
        span, passed = (median(gaps) if gaps else 0), 1.0
    elif way.link.kind == "access":
        # Behind netem on the same interface the shaper drops without a word, so only what arrived is sure.
        passed = (len(seen) - 1) / max(1e-9, 1 - _lost(counted))
    else:
        # What the shaper refused was said at once; all else passed it, and may have been lost on the way.
        passed = seen[-1] - seen[0] - sum(seen[0] < number < seen[-1] for number in refused)
    return round(passed * length * 8e9 / span) if span > 0 else None


def _policed(way: Way, receiver: Receiver, counted: dict[str, Any], *, real: bool) -> int | None:
    """Empty the bucket, then offer half as much again as may pass, and count what does."""
    wanted = way.link.rate
    assert wanted is not None
    length = rate_frame(way.link.mtu, wanted, POLICED_FRAMES, real=real)
    bucket = policer(way.link.mtu, rate=wanted).burst_bytes // length + 1
    gap_ns = length * 8e9 / (wanted * OVERLOAD_POLICED)
    # The bucket refills while it is being emptied; an eighth more than it holds, and two frames, empties it for good.
    first = bucket + bucket // 8 + 2
    tally, _ = _flood(
        way, way.target, receiver, first + POLICED_FRAMES, length, lambda number: int(max(0, number - first) * gap_ns)
    )
    passed = sum(number >= first for number in tally.instants)
    span = POLICED_FRAMES * gap_ns
    return round(passed / max(1e-9, 1 - _lost(counted)) * length * 8e9 / span) if passed else None


def _lost(counted: dict[str, Any]) -> float:
    """Share that did not arrive of frames that fitted everywhere."""
    return 1 - min(1.0, (counted["arrived"] + counted["changed"]) / max(1, counted["sent"]))


def _flood(
    way: Way, tap: Tap, receiver: Receiver, count: int, length: int, due_ns: Callable[[int], int]
) -> tuple[Tally, list[int]]:
    """Send frames, none before it is due (ns after the first). Returns what arrived, and the numbers refused."""
    sender = Sender(way.source, way.stream | _STREAM, length=length, slots=SLOTS)
    tally, refused = Tally(), []
    start = time.monotonic_ns()
    for number in range(0, count, SLOTS):
        some = min(SLOTS, count - number)
        # As many at once as are late by then: the last of them decides, or slow links would have their queue overrun.
        while some > 1 and due_ns(number + some - 1) > due_ns(number):
            some //= 2
        refused += _paced(sender, number, min(SLOTS, count - number), some, start, due_ns)
        receiver.drain(tap, way.stream | _STREAM, tally, length)
    time.sleep((way.need.reach_ns + 3 * length * 8e9 / (way.link.rate or 1)) / 1e9)
    receiver.drain(tap, way.stream | _STREAM, tally, length)
    return tally, refused
