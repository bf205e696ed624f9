"""The rate of a link: more is offered than it carries; what comes out is timed (a shaper) or counted (a policer)."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median

from testbed.net.apply import Network
from testbed.net.frames import FRAME, Receiver, Sender, Tally, Tap
from testbed.net.shaping import ETHERNET_HEADER, policer
from testbed.plan.plan import FABRIC, Direction, PlannedLink
from testbed.run.probing import frames_in_slot
from testbed.units import Rate

FRAMES = 200
"""Frames that are timed after the bucket is empty: in virtual time two would do, on the real clock a timer's lateness
of 0.1 ms must be a small share of what they take; arbitrary."""
FRAMES_MAX = 20_000
REAL_SPAN_NS = 100 * 10**6
"""On the real clock, as many frames as take this long; arbitrary."""
REAL_BUDGET_NS = 2 * 10**9
"""On the real clock, the longest that a flood may take: slow links get shorter frames; arbitrary."""
POLICED_FRAMES = 800
"""Of these about two thirds pass, so one frame more or less is 0.2 % of the rate; arbitrary."""
OVERLOAD_SHAPED, OVERLOAD_POLICED = 1.25, 1.5
"""What is offered, over the rate: a link that is faster than asked shows itself by as much; arbitrary."""
SLOTS = 32
"""Frames between two readings, so that a tap's room is enough on any machine; arbitrary."""


@dataclass
class Flood:
    """Frames of one length through one direction of a link. ``lost``: share that is lost of frames that fit."""

    link: PlannedLink
    direction: Direction
    source: Tap
    target: Tap
    receiver: Receiver
    stream: int
    reach_ns: int
    lost: float
    real: bool
    tally: Tally = field(default_factory=Tally)
    refused: list[int] = field(default_factory=list)
    sent: int = 0
    counted: int = 0
    """Frames that the rate was told from."""

    def rate(self, network: Network) -> int | None:
        """In bit/s, counting layer-3 bytes and 14 of Ethernet; ``None``: too little arrived to say."""
        wanted = self.link.rate
        assert wanted is not None
        if self.link.policed:
            return self._policed(wanted)
        impairment = self.link.impairment(self.direction)
        if self.link.kind == "access" or not (impairment.jitter or impairment.slot):
            return self._shaped(wanted, self.target, scattered=bool(impairment.jitter or impairment.slot))
        # Jitter hides the shaper's pace at the far end. In the fabric frames have left the shaper, and not met netem.
        with network.namespaces.inside(FABRIC):
            tap = Tap(self.link.ends(self.direction)[0].port)
        try:
            return self._shaped(wanted, tap, scattered=False)
        finally:
            tap.close()

    def _shaped(self, wanted: Rate, tap: Tap, *, scattered: bool) -> int | None:
        """Frames leave a shaper that always has more at its pace, so the instants of two of them tell it."""
        shaper = self.link.shaper
        assert shaper is not None
        length = self._length(wanted, FRAMES)
        first = _emptied_by(shaper.burst_bytes, length)
        timed = min(FRAMES_MAX, max(FRAMES, wanted * REAL_SPAN_NS // (8 * 10**9 * length) if self.real else 0))
        ahead = shaper.burst_bytes + shaper.limit_bytes // 2 - length
        frame_ns = length * 8e9 / (wanted * OVERLOAD_SHAPED)
        self._send(tap, 0, first + timed, length, shaper.limit_bytes, lambda n: (n - ahead / length) * frame_ns)
        self._finish(tap, length, wanted)
        at = self.tally.instants
        seen = sorted(number for number in at if number >= first)
        if len(seen) < 2:
            return None
        self.counted = len(seen)
        span: float = at[seen[-1]] - at[seen[0]]
        # What the shaper refused was said at once; all else passed it, and may have been lost on the way.
        passed: float = seen[-1] - seen[0] - sum(seen[0] < number < seen[-1] for number in self.refused)
        if scattered:
            # A host's jitter comes before its shaper, which then runs dry now and again, but not half of the time.
            gaps = [at[b] - at[a] for a, b in pairwise(seen) if b == a + 1]
            span, passed = (median(gaps) if gaps else 0), 1
        elif self.link.kind == "access":
            # Behind netem on one interface the shaper drops without a word, so only what arrived is sure.
            passed = (len(seen) - 1) / (1 - self.lost) if self.lost < 1 else 0
        return round(passed * length * 8e9 / span) if span > 0 else None

    def _policed(self, wanted: Rate) -> int | None:
        """Empty the bucket, then offer half as much again as may pass, and count what does."""
        length = self._length(wanted, POLICED_FRAMES)
        bucket = policer(self.link.mtu, rate=wanted).burst_bytes
        first = _emptied_by(bucket, length)
        self._send(self.target, 0, first, length, bucket, lambda n: 0.0)
        frame_ns = length * 8e9 / (wanted * OVERLOAD_POLICED)
        start = time.monotonic_ns()
        last = self._send(
            self.target, first, POLICED_FRAMES, length, bucket, lambda n: (n - first) * frame_ns, late=True
        )
        self._finish(self.target, length, wanted)
        passed = self.counted = sum(number >= first for number in self.tally.instants)
        return round(passed / (1 - self.lost) * length * 8e9 / (last - start)) if passed and self.lost < 1 else None

    def _length(self, wanted: Rate, frames: int) -> int:
        longest = self.link.mtu + ETHERNET_HEADER
        return max(FRAME, min(longest, wanted * REAL_BUDGET_NS // (8 * 10**9 * frames))) if self.real else longest

    def _send(
        self, tap: Tap, first: int, count: int, length: int, queue_bytes: int, due_ns: Callable[[int], float],
        *, late: bool = False,
    ) -> int:  # fmt: skip
        """Send frames when they are due (ns after now), some at once where the queue has room for that.

        ``late``: those that go together go when the last of them is due, so that the link has earned them all by then.

        Returns:
            When the last ones were sent.
        """
        sender = Sender(self.source, self.stream, length=length, slots=SLOTS)
        together = max(1, min(SLOTS, queue_bytes // 4 // length))
        start = at = time.monotonic_ns()
        for number in range(first, first + count, together):
            some = min(together, first + count - number)
            wait = start + due_ns(number + some if late else number) - time.monotonic_ns()
            if wait > 0:
                time.sleep(wait / 1e9)
            at = time.monotonic_ns()
            self.refused += sender.send(number, some)
            self.sent += some
            self.receiver.drain(tap, self.stream, self.tally, length)
        return at

    def _finish(self, tap: Tap, length: int, wanted: Rate) -> None:
        """Wait until what is under way has arrived, and nothing of the flood is left in the link."""
        shaper, impairment = self.link.shaper, self.link.impairment(self.direction)
        queue_ns = 0 if shaper is None else (shaper.limit_bytes + length) * 8 * 10**9 // wanted
        slots = self.sent // frames_in_slot(impairment, length) if impairment.slot else 0
        slot_ns = slots * impairment.slot.max if impairment.slot else 0
        time.sleep((self.reach_ns + queue_ns + slot_ns) / 1e9)
        self.receiver.drain(tap, self.stream, self.tally, length)


def _emptied_by(bucket_bytes: int, length: int) -> int:
    """Frames that empty a bucket, sent as fast as can be. It refills meanwhile, so a quarter more; arbitrary."""
    return bucket_bytes * 5 // 4 // length + 3
