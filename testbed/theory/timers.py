"""What implementations make of the timers that they are given, and when one end finds out by them.

Detection at one end comes

    timeout - age + delay

after the cut: ``age`` is how long before it the last beat (BFD packet, KEEPALIVE) left the other end, ``delay`` its way
here, since the timer starts when a beat arrives. Beats come at intervals X evenly drawn from [l, h], so the age is that
of a renewal process: between 0 and h, on average E[X^2] / (2 E[X]) (Cox, Renewal Theory, 1962, section 5.2).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from testbed.units import Duration

NOTHING = Duration(0)


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
        naps: how much later still after a hold timer, if nothing else wakes the daemon.
        source: where that can be read.
    """

    hold: Span
    keepalive: Span
    bfd: Span
    source: str
    keepalive_early: Duration = NOTHING
    acts: Duration = NOTHING
    naps: Duration = NOTHING


BIRD = Timers(
    hold=Span(0.75, 1),
    keepalive=Span(0.75, 1),
    bfd=Span(0.75, 0.9),
    naps=Duration(3_000_000_000),
    source="BIRD 2.0.12 proto/bgp/bgp.c:343 bgp_start_timer shortens every start of every BGP timer, hold too, by up "
    "to a quarter (the same in 3.3.2); proto/bfd/bfd.c:177 sends after 75-90 % of the interval; "
    "sysdep/unix/io.c:2216 io_loop sleeps after a hold timer",
)
"""BIRD's naps. Each turn of ``io_loop`` runs the events that are queued and notes whether new ones were (``events``),
fires timers, and polls: for no time if ``events``, else to the next timer or packet, at most 3 s. What a timer queues
is thus not noted. The hold timer does: ``bgp_hold_timeout`` to ``proto_notify_state`` logs the end of the session, but
the routes go by an event (``channel_do_flush``, ``rt_schedule_prune``), and so does the NOTIFICATION
(``bgp_schedule_packet``). A session that ends by a packet, BFD or carrier is none of that: these come out of the poll,
and events run next. Nor are KEEPALIVEs, which their timer sends itself. So a nap makes the gap longer and never the
detection, and the keepalive timer of any other session of the router ends it. Mended in 2.14, which notes events after
timers (commit 6a242b3ec, "IO: Fix race condition in event processing": "~3 s latency").
"""
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


@dataclass(frozen=True)
class Detection:
    """When one end finds out: timeout - age + delay, in seconds after the cut."""

    timeout: Span
    beat: Span
    delay: float

    def __post_init__(self) -> None:
        if self.beat.low <= 0 or self.timeout.low <= self.beat.high:
            raise ValueError(f"it flaps: beats each {self.beat.high} s, and a timeout after {self.timeout.low} s")

    @property
    def low(self) -> float:
        """The soonest."""
        return self.timeout.low - self.beat.high + self.delay

    @property
    def high(self) -> float:
        """The latest."""
        return self.timeout.high + self.delay

    @property
    def mean(self) -> float:
        """On average."""
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
