"""How long traffic stops when a path dies: by the mechanism that finds out.

A gap is counted in sending time, in seconds: from the cut, when what is sent begins to be lost, until what is sent
arrives again over a backup path that exists already. When one end finds out: :mod:`testbed.theory.timers`.

Valid for a path that loses nothing before the cut, and a cut that hits at one instant. Traffic with answers needs both
ends to move, and the later one counts. Their beats began together when the session came up, and drift apart by their
jitter: so they find out independently of each other after long, and together if there is no jitter. What is expected is
for ends that are independent; the law lies between that and the same instant at both (Frechet's bounds).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from testbed.theory.interval import Expectation, Law, exactly
from testbed.theory.timers import BIRD, NOTHING, Detection, Span, Timers
from testbed.units import Duration

HANDLING = Duration(250_000_000)
"""Arbitrary: the most that a daemon and the kernel take from noticing to forwarding, on a busy machine."""
LINKWATCH = Duration(1_000_000_000)
"""Linux reports carrier changes at most once per second, except urgent ones (net/core/link_watch.c). A veth is urgent
only if its peer, in the other namespace, has a different interface index (linkwatch_urgent_event)."""


@dataclass(frozen=True, kw_only=True)
class Cut:
    """What was cut, and whose traffic is watched.

    Attributes:
        silent: the direction in which packets vanish, while carrier stays up.
        traffic: one way, or ``round_trip``: from a to b and back, timed at a.
        delay: one way over the path that dies; ``backup_delay``: over the one that takes over.
        handling: added to the upper bound, for daemons and kernel to act.
    """

    silent: Literal["both", "a_to_b", "b_to_a"] = "both"
    traffic: Literal["round_trip", "a_to_b", "b_to_a"] = "round_trip"
    delay: Duration = NOTHING
    backup_delay: Duration = NOTHING
    handling: Duration = HANDLING

    def __post_init__(self) -> None:
        if min(self.delay, self.backup_delay, self.handling) < 0:
            raise ValueError(f"times are not negative: {self}")


@dataclass(frozen=True, kw_only=True)
class BfdEnd:
    """One end's BFD: ``transmit`` is its DesiredMinTxInterval, ``receive`` its RequiredMinRxInterval (RFC 5880)."""

    transmit: Duration
    receive: Duration
    multiplier: int
    timers: Timers = BIRD

    def __post_init__(self) -> None:
        if self.transmit <= 0 or self.receive <= 0 or not 1 <= self.multiplier <= 255:
            raise ValueError(f"intervals are positive and the multiplier is 1 to 255: {self}")


@dataclass(frozen=True, kw_only=True)
class Watch:
    """Two ends that watch a path by the beats they get of each other.

    Attributes:
        told: how long after one end the other hears of it; ``None``: maybe never.
        source: the formula and where it is from.
    """

    a: Detection
    b: Detection
    told: float | None
    source: str

    def noticed(self, cut: Cut) -> Expectation:
        """When, in s after the cut, the later end has noticed."""
        handling = cut.handling.seconds
        if cut.silent != "both":
            return self._one_sided(cut, handling)
        low, high = max(self.a.low, self.b.low), max(self.a.high, self.b.high)
        law = _later(self.a.by, self.b.by, handling)
        return Expectation(_mean_of_later(self.a, self.b), low, high + handling, "s", self.source, law)

    def gap(self, cut: Cut) -> Expectation:
        """Gap in s of the watched traffic."""
        delay, handling = cut.delay.seconds, cut.handling.seconds
        ways = ("a_to_b", "b_to_a") if cut.traffic == "round_trip" else (cut.traffic,)
        if not any(cut.silent in ("both", way) for way in ways):
            return exactly(0.0, "s", f"{self.source}; this direction is not cut")
        if cut.silent != "both":
            return self._one_sided(cut, delay + handling)
        if cut.traffic != "round_trip":
            end = self.a if cut.traffic == "a_to_b" else self.b
            law = Law(end.by, late=delay + handling)
            return Expectation(end.mean, end.low, end.high + delay + handling, "s", self.source, law)
        # Questions under way at the cut lose their answers: + delay. Answers leave when the question has come over the
        # backup, so the far end may take that much longer.
        answering = replace(self.b, delay=self.b.delay - cut.backup_delay.seconds)
        low, high = max(self.a.low, answering.low), max(self.a.high, answering.high)
        law = _later(lambda t: self.a.by(t - delay), lambda t: answering.by(t - delay), handling)
        mean = _mean_of_later(self.a, answering) + delay
        return Expectation(mean, low + delay, high + delay + handling, "s", self.source, law)

    def _one_sided(self, cut: Cut, slack: float) -> Expectation:
        """The receiver finds out, and the sender must move."""
        end, told = self.b if cut.silent == "a_to_b" else self.a, self.told
        if told is None:
            latest = max(each.high + each.beat.high for each in (self.a, self.b))
            return Expectation(None, end.low, latest + slack, "s", self.source)
        law = Law(lambda t: end.by(t - told), late=slack)
        return Expectation(end.mean + told, end.low + told, end.high + told + slack, "s", self.source, law)


def bfd_watch(a: BfdEnd, b: BfdEnd, cut: Cut) -> Watch:
    """BFD, asynchronous mode: ``b.multiplier x max(a.receive, b.transmit) - age + delay`` at end a; see :func:`bfd`."""
    ends = []
    for here, there in ((a, b), (b, a)):
        agreed = max(here.receive, there.transmit).seconds
        share = there.timers.bfd if there.multiplier > 1 else replace(there.timers.bfd, high=0.9)
        timeout = there.multiplier * agreed
        ends.append(Detection(Span(timeout, timeout), share.times(agreed), cut.delay.seconds))
    source = "RFC 5880 sections 6.8.4 and 6.8.7: multiplier x agreed interval - age of the last packet"
    return Watch(a=ends[0], b=ends[1], told=cut.delay.seconds, source=source)


def bfd(a: BfdEnd, b: BfdEnd, cut: Cut | None = None) -> Expectation:
    """Gap in s with BFD.

    Source: RFC 5880 section 6.8.4 (the sender's multiplier x the agreed interval, from the last packet received) and
    6.8.7 (each interval shortened at random to 75-100 %, or 75-90 % if the multiplier is 1;
    :data:`~testbed.theory.timers.TIMERS`). If only one direction is cut, its receiver detects and says so the other way
    (section 6.8.6), BIRD 2.0.12 and FRR 8.4.4 at once. 300 ms x 3 at both ends: 0.63 to 0.9 s after the cut with BIRD,
    0.6 to 0.9 s with FRR, and the delay.
    """
    cut = cut or Cut()
    return bfd_watch(a, b, cut).gap(cut)


def hold_watch(hold: Duration, keepalive: Duration, cut: Cut, a: Timers, b: Timers) -> Watch:
    """BGP's hold timer: ``hold x U - age + delay`` at each end, with the agreed times; see :func:`bgp_hold`.

    Raises:
        ValueError: a keepalive may take as long as the hold timer, so the session flaps; or a hold time of 0.
    """
    ends = []
    for here, there in ((a, b), (b, a)):
        beat = there.keepalive.times(keepalive.seconds)
        beat = replace(beat, low=beat.low - there.keepalive_early.seconds)
        ends.append(Detection(here.hold.times(hold.seconds), beat, cut.delay.seconds))
    source = "RFC 4271 sections 4.2 and 10: hold time - age of the last KEEPALIVE, with the daemon's jitter"
    return Watch(a=ends[0], b=ends[1], told=None, source=source)


def bgp_hold(
    hold: Duration, keepalive: Duration, cut: Cut | None = None, *, a: Timers = BIRD, b: Timers = BIRD
) -> Expectation:
    """Gap in s when only BGP's hold timer finds out.

    Source: RFC 4271 section 4.2 (the hold timer restarts with each KEEPALIVE and UPDATE) and section 10 (jitter of the
    keepalive, 0.75 to 1). ``U`` is 1 by the RFC and in FRR, 0.75 to 1 in BIRD, which shortens the hold timer too
    (:data:`~testbed.theory.timers.TIMERS`). So 90/30 s takes 60 to 90 s between two FRR, 37.5 to 90 s between two BIRD.

    If only one direction is cut, its receiver's hold timer expires. Its NOTIFICATION stands behind KEEPALIVEs that TCP
    has no acknowledgement of, so it may or may not get out: the other end learns between then and the end of its own
    hold timer, which the first KEEPALIVE after the cut restarted. Then there are bounds and no expected value.

    Valid without BFD and graceful restart; the expected value also needs that no UPDATE flows.

    Raises:
        ValueError: see :func:`hold_watch`.
    """
    cut = cut or Cut()
    return hold_watch(hold, keepalive, cut, a, b).gap(cut)


def carrier(handling: Duration = HANDLING, *, urgent: bool = False) -> Expectation:
    """Gap in s when the interface loses carrier: at most one link-event period of Linux, and the daemon's handling.

    Source: :data:`LINKWATCH`; an ``urgent`` event waits for no period. Valid where the daemon watches the link: BIRD
    for direct BGP sessions (``check link``, doc/bird.sgml), FRR for directly connected neighbours (``bgp
    fast-external-failover``, the default).
    """
    source = "Linux net/core/link_watch.c: at once, or 1 s if link events are limited"
    if urgent:
        return Expectation(None, 0.0, handling / 10**9, "s", "Linux net/core/link_watch.c: an urgent event, at once")
    return Expectation(None, 0.0, (LINKWATCH + handling) / 10**9, "s", source)


def no_detection(outage: Duration, cut: Cut | None = None) -> Expectation:
    """Gap in s of a static route that nothing watches: what is lost in the outage itself (:func:`lost_in`)."""
    return exactly(lost_in(outage, cut or Cut(traffic="a_to_b")), "s", "a static route stays: the gap is the outage")


def lost_in(outage: Duration, cut: Cut) -> float:
    """For how long, in s of sending time, packets are lost in an outage that moves nothing.

    Answers that were under way at the cut are lost with it, so traffic with answers begins to lose a delay sooner.
    """
    return outage.seconds + (cut.delay.seconds if cut.traffic == "round_trip" else 0.0)


def lasting(gap: Expectation, outage: Duration, cut: Cut) -> Expectation:
    """The gap in s of a silent loss that ends by itself after ``outage``, given that of one that does not.

    Shorter than any detection takes, it is not detected: nothing moves, and the gap is the outage and, for traffic with
    answers, the delay (questions under way at the cut lose their answers). Longer than any takes: as ever. Between: it
    may or may not be detected, so there are bounds and no expected value.
    """
    lost = lost_in(outage, cut)
    if gap.low is not None and lost < gap.low:
        return exactly(lost, "s", f"not detected: that takes at least {gap.low:.3g} s. The gap is the outage")
    if gap.high is not None and lost >= gap.high:
        return gap
    low = None if gap.low is None else min(gap.low, lost)
    return Expectation(None, low, gap.high, "s", f"{gap.source}; may end before it is detected")


def _later(first: Callable[[float], float], second: Callable[[float], float], late: float) -> Law:
    """Of the later of two that depend on each other in an unknown way, from not at all to as far as can be."""
    return Law(lambda t: first(t) * second(t), late=late, most=lambda t: min(first(t), second(t)))


def _mean_of_later(first: Detection, second: Detection, steps: int = 400) -> float:
    """Mean of the later of two: the integral of 1 - F1 F2, by the midpoint rule from where it leaves 1."""
    start, end = max(first.low, second.low), max(first.high, second.high)
    width = (end - start) / steps
    instants = (start + (step + 0.5) * width for step in range(steps))
    return start + width * sum(1 - first.by(instant) * second.by(instant) for instant in instants)
