"""How long traffic stops when a path dies: by the mechanism that finds out.

A gap is counted in sending time, in seconds: from the cut, when what is sent begins to be lost, until what is sent
arrives again over a backup path that exists already. Detection at one end comes

    timeout - age + delay

after the cut: ``age`` is how long before it the last beat (BFD packet, KEEPALIVE) left the other end, ``delay`` its way
here, since the timer starts when a beat arrives. Beats come at intervals X evenly drawn from [l, h], so the age is that
of a renewal process: between 0 and h, on average E[X^2] / (2 E[X]) (Cox, Renewal Theory, 1962, section 5.2).

Valid for a path that loses nothing before the cut, and a cut that hits at one instant. Traffic with answers needs both
ends to move. They find out independently, and the later one counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from testbed.theory.interval import Expectation, exactly
from testbed.units import Duration

NOTHING = Duration(0)
HANDLING = Duration(250_000_000)
"""Arbitrary: the most that a daemon and the kernel take from noticing to forwarding, on a busy machine."""
LINKWATCH = Duration(1_000_000_000)
"""Linux reports carrier changes at most once per second, except urgent ones (net/core/link_watch.c). A veth is urgent
only if its peer, in the other namespace, has a different interface index (linkwatch_urgent_event)."""
DPD_ROUNDING = Duration(1_000_000_000)
"""strongSwan compares whole seconds (5.9.8 src/libcharon/sa/ike_sa.c:797, send_dpd uses time_t)."""
IKE_RETRANSMIT_TIMEOUT = Duration(4_000_000_000)
"""Source: strongSwan 5.9.8 src/libcharon/sa/task_manager.h:39."""


@dataclass(frozen=True)
class Span:
    """From ``low`` to ``high``: a time in seconds, or the share of a nominal time, evenly drawn."""

    low: float
    high: float

    @property
    def mean(self) -> float:
        """Halfway between them."""
        return (self.low + self.high) / 2

    def times(self, seconds: float) -> Span:
        """Both ends multiplied."""
        return Span(self.low * seconds, self.high * seconds)


@dataclass(frozen=True, kw_only=True)
class Timers:
    """What an implementation makes of the timers it was given, as shares of them.

    Attributes:
        hold: the BGP hold timer, restarted by each KEEPALIVE or UPDATE.
        keepalive: the interval between KEEPALIVEs; ``keepalive_early``: how much sooner still one may come.
        bfd: the interval between BFD packets. (The BFD detection time is exact in each.)
        acts: from the end of a session to the kernel's route, where nothing else is under way; otherwise sooner.
        source: where that can be read.
    """

    hold: Span
    keepalive: Span
    bfd: Span
    source: str
    keepalive_early: Duration = NOTHING
    acts: Duration = NOTHING


BIRD = Timers(
    hold=Span(0.75, 1),
    keepalive=Span(0.75, 1),
    bfd=Span(0.75, 0.9),
    source="BIRD 2.0.12 proto/bgp/bgp.c:343 bgp_start_timer shortens every start of every BGP timer, hold too, by up "
    "to a quarter (the same in 3.3.2); proto/bfd/bfd.c:177 sends after 75-90 % of the interval",
)
FRR = Timers(
    hold=Span(1, 1),
    keepalive=Span(1, 1),
    keepalive_early=Duration(100_000_000),
    bfd=Span(0.75, 1),
    acts=Duration(70_000_000),
    source="FRR 8.4.4 bgpd/bgp_fsm.h:26 BGP_TIMER_ON takes the time as it is; bgpd/bgp_keepalives.c:94 peer_process "
    "sends up to 100 ms early; bfdd/bfd.c:433 ptm_bfd_start_xmt_timer sends after 75-100 % of the interval; "
    "bgpd/bgp_route.c bgp_process_queue_init holds what changed for 50 ms, zebra/zebra_router.h "
    "ZEBRA_RIB_PROCESS_HOLD_TIME 10 ms in each of two passes",
)
RFC = Timers(
    hold=Span(1, 1),
    keepalive=Span(0.75, 1),
    bfd=Span(0.75, 1),
    source="RFC 4271 section 10 jitters the KeepaliveTime and not the HoldTime; RFC 5880 section 6.8.7",
)
TIMERS: Mapping[str, Timers] = {"bird": BIRD, "frr": FRR, "rfc": RFC}
"""By the name that a router's ``daemon`` has in the model."""


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


def bfd(a: BfdEnd, b: BfdEnd, cut: Cut | None = None) -> Expectation:
    """Gap in s with BFD, asynchronous mode: ``b.multiplier x max(a.receive, b.transmit) - age + delay`` at end a.

    Source: RFC 5880 section 6.8.4 (the sender's multiplier x the agreed interval, from the last packet received) and
    6.8.7 (each interval shortened at random to 75-100 %, or 75-90 % if the multiplier is 1; :data:`TIMERS`). If only
    one direction is cut, its receiver detects and says so the other way (section 6.8.6), BIRD 2.0.12 and FRR 8.4.4 at
    once. 300 ms x 3 at both ends: 0.63 to 0.9 s after the cut with BIRD, 0.6 to 0.9 s with FRR, and the delay.
    """
    cut = cut or Cut()
    ends = []
    for here, there in ((a, b), (b, a)):
        agreed = max(here.receive, there.transmit).seconds
        share = there.timers.bfd if there.multiplier > 1 else replace(there.timers.bfd, high=0.9)
        timeout = there.multiplier * agreed
        ends.append(_Detection(Span(timeout, timeout), share.times(agreed), cut.delay.seconds))
    source = "RFC 5880 sections 6.8.4 and 6.8.7: multiplier x agreed interval - age of the last packet"
    return _gap(ends[0], ends[1], cut, told=cut.delay.seconds, source=source)


def bgp_hold(
    hold: Duration, keepalive: Duration, cut: Cut | None = None, *, a: Timers = BIRD, b: Timers = BIRD
) -> Expectation:
    """Gap in s when only BGP's hold timer finds out: ``hold x U - age + delay`` at each end, with the agreed times.

    Source: RFC 4271 section 4.2 (the hold timer restarts with each KEEPALIVE and UPDATE) and section 10 (jitter of the
    keepalive, 0.75 to 1). ``U`` is 1 by the RFC and in FRR, 0.75 to 1 in BIRD, which shortens the hold timer too
    (:data:`TIMERS`). So 90/30 s takes 60 to 90 s between two FRR, 37.5 to 90 s between two BIRD.

    If only one direction is cut, its receiver's hold timer expires. Its NOTIFICATION stands behind KEEPALIVEs that TCP
    has no acknowledgement of, so it may or may not get out: the other end learns between then and the end of its own
    hold timer, which the first KEEPALIVE after the cut restarted. Then there are bounds and no expected value.

    Valid without BFD and graceful restart; the expected value also needs that no UPDATE flows.

    Raises:
        ValueError: a keepalive may take as long as the hold timer, so the session flaps; or a hold time of 0.
    """
    cut = cut or Cut()
    ends = []
    for here, there in ((a, b), (b, a)):
        beat = there.keepalive.times(keepalive.seconds)
        beat = replace(beat, low=beat.low - there.keepalive_early.seconds)
        ends.append(_Detection(here.hold.times(hold.seconds), beat, cut.delay.seconds))
    source = "RFC 4271 sections 4.2 and 10: hold time - age of the last KEEPALIVE, with the daemon's jitter"
    return _gap(ends[0], ends[1], cut, told=None, source=source)


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


def no_detection(outage: Duration | None) -> Expectation:
    """Gap in s of a static route that nothing watches: the outage itself, or without end (``None``)."""
    source = "a static route stays: the gap is the outage"
    return Expectation(None, None, None, "s", source) if outage is None else exactly(outage.seconds, "s", source)


def ike_retransmission_s(timeout: Duration = IKE_RETRANSMIT_TIMEOUT, base: float = 1.8, tries: int = 5) -> float:
    """Seconds until strongSwan gives up an IKE request: ``sum of timeout x base^i, i = 0..tries``; 165.06 by default.

    Source: strongSwan 5.9.8 src/libcharon/sa/task_manager.c:26 and its defaults in task_manager.h:39-49. Valid without
    ``retransmit_limit`` and ``retransmit_jitter``, both off by default.
    """
    return float(sum(timeout.seconds * base**step for step in range(tries + 1)))


def ike_dpd(
    delay: Duration, cut: Cut | None = None, *, gives_up_s: float | None = None, timeout: Duration | None = None,
    idle: bool = False,
) -> Expectation:  # fmt: skip
    """Gap in s until dead peer detection acts: ``delay - age + gives_up_s`` (IKEv2), ``timeout - age`` (IKEv1).

    Source: RFC 7296 section 2.4 leaves the times open. strongSwan 5.9.8 asks ``delay`` after the last inbound packet,
    IKE or ESP (src/libcharon/sa/ike_sa.c:797), and gives up as :func:`ike_retransmission_s` says, which is the default.
    ``timeout`` (``dpd_timeout``) has a meaning for IKEv1 only, counted from the last inbound packet (src/libcharon/sa/
    ikev1/task_manager_v1.c:1881). The age is 0 while traffic flows and up to ``delay`` on an ``idle`` tunnel, whose
    ends last heard of the same exchange. To act within AWS's DPD timeout of 30 s, set shorter retransmissions.

    Valid where the action removes what attracts the traffic; a route that stays moves nothing.

    Raises:
        ValueError: only one direction is cut; then one end still hears ESP, and all depends on the traffic.
    """
    cut = cut or Cut()
    if cut.silent != "both":
        raise ValueError("dead peer detection is modelled for a cut of both directions")
    last = (
        max(timeout, delay).seconds if timeout is not None else delay.seconds + (gives_up_s or ike_retransmission_s())
    )
    age, slack = delay.seconds if idle else 0.0, DPD_ROUNDING.seconds
    source = "strongSwan 5.9.8: DPD delay - age of the last packet + IKE retransmission"
    return Expectation(last - age / 2, max(0.0, last - age - slack), last + slack + cut.handling.seconds, "s", source)


@dataclass(frozen=True)
class _Detection:
    """When one end finds out: timeout - age + delay, in seconds after the cut."""

    timeout: Span
    beat: Span
    delay: float

    def __post_init__(self) -> None:
        if self.beat.low <= 0 or self.timeout.low <= self.beat.high:
            raise ValueError(f"it flaps: beats each {self.beat.high} s, and a timeout after {self.timeout.low} s")

    @property
    def low(self) -> float:
        return self.timeout.low - self.beat.high + self.delay

    @property
    def high(self) -> float:
        return self.timeout.high + self.delay

    @property
    def mean(self) -> float:
        low, high = self.beat.low, self.beat.high
        return self.timeout.mean - (low * low + low * high + high * high) / 3 / (low + high) + self.delay

    def by(self, instant: float, steps: int = 64) -> float:
        """Probability of having found out ``instant`` seconds after the cut: over the timeout, by the midpoint rule."""
        width = (self.timeout.high - self.timeout.low) / steps
        timeouts = (self.timeout.low + (step + 0.5) * width for step in range(steps))
        return sum(self._older(timeout + self.delay - instant) for timeout in timeouts) / steps

    def _older(self, age: float) -> float:
        """Probability that the last beat is older: the integral of the interval's survival function over its mean."""
        low, high, mean = self.beat.low, self.beat.high, self.beat.mean
        if age <= low:
            return 1 - max(0.0, age) / mean
        return (high - age) ** 2 / (2 * (high - low) * mean) if age < high else 0.0


def _gap(a: _Detection, b: _Detection, cut: Cut, *, told: float | None, source: str) -> Expectation:
    """The watched traffic's gap. ``told``: how long after one end the other hears of it; ``None``: maybe never."""
    delay, handling = cut.delay.seconds, cut.handling.seconds
    ways = ("a_to_b", "b_to_a") if cut.traffic == "round_trip" else (cut.traffic,)
    if not any(cut.silent in ("both", way) for way in ways):
        return exactly(0.0, "s", f"{source}; this direction is not cut")
    if cut.silent != "both":
        end = b if cut.silent == "a_to_b" else a  # the receiver finds out, and the sender must move
        if told is None:
            latest = max(each.high + each.beat.high for each in (a, b))
            return Expectation(None, end.low, latest + delay + handling, "s", source)
        return Expectation(end.mean + told, end.low + told, end.high + told + delay + handling, "s", source)
    if cut.traffic != "round_trip":
        end = a if cut.traffic == "a_to_b" else b
        return Expectation(end.mean, end.low, end.high + delay + handling, "s", source)
    # Questions under way at the cut lose their answers: + delay. Answers leave when the question has come over the
    # backup, so the far end may take that much longer.
    answering = replace(b, delay=b.delay - cut.backup_delay.seconds)
    low, high = max(a.low, answering.low), max(a.high, answering.high)
    return Expectation(_mean_of_later(a, answering) + delay, low + delay, high + delay + handling, "s", source)


def _mean_of_later(first: _Detection, second: _Detection, steps: int = 400) -> float:
    """Mean of the later of two: the integral of 1 - F1 F2, by the midpoint rule from where it leaves 1."""
    start, end = max(first.low, second.low), max(first.high, second.high)
    width = (end - start) / steps
    instants = (start + (step + 0.5) * width for step in range(steps))
    return start + width * sum(1 - first.by(instant) * second.by(instant) for instant in instants)
