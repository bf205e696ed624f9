"""What theory says of each failure before anything was measured: gap, who notices, which way traffic goes. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from testbed.check.cases import Case, chain, far_router, first_tunnel, tunnel_of
from testbed.plan.plan import Plan, PlannedLink, PlannedTunnel
from testbed.theory import dpd, failover
from testbed.theory.interval import Expectation, exactly
from testbed.theory.timers import TIMERS
from testbed.units import Duration

HANDLING = Duration.parse("20 ms")
"""Arbitrary: what daemon and kernel may take from noticing to forwarding. BIRD was seen to take under 5 ms."""


@dataclass(frozen=True)
class Forecast:
    """What theory says. ``None``: no theory.

    Attributes:
        gap: of traffic that goes there and back.
        noticed: when the later end knows; ``None`` also where nobody ever does.
        path: what carries traffic meanwhile; empty: nothing.
        moves: whether traffic goes another way meanwhile.
    """

    gap: Expectation | None = None
    noticed: Expectation | None = None
    path: tuple[str, ...] | None = None
    moves: bool | None = None


def _delay(plan: Plan, name: str) -> Duration:
    return Duration(sum(link.a_to_b.delay for link in chain(plan, (name,))))


def _cut(case: Case, silent: Literal["both", "a_to_b", "b_to_a"] = "both") -> failover.Cut:
    return failover.Cut(silent=silent, delay=_delay(case.plan, case.link), handling=_handling(case, held=True))


def _handling(case: Case, *, held: bool = False) -> Duration:
    """What is taken from the end of a session to the kernel's route, at most. ``held``: a hold timer may end it."""
    timers = [TIMERS[case.plan.routing_of(node).daemon] for node in (case.way.near, case.way.far)]
    by_hold = case.session is not None and case.session.bfd is None
    return Duration(HANDLING + max(each.hold_acts if held and by_hold else each.acts for each in timers))


def watch(plan: Plan, name: str, cut: failover.Cut) -> failover.Watch | None:
    """The beats over a link or tunnel, the quickest that is configured; ``None``: no routing protocol runs over it."""
    known_ways: list[PlannedLink | PlannedTunnel] = [*plan.links, *plan.tunnels]
    ends = next(each for each in known_ways if each.name == name)
    try:
        session = plan.session(name)
    except KeyError:
        return None
    a, b = (TIMERS[plan.routing_of(end.node).daemon] for end in (ends.a, ends.b))
    if session.bfd is None:
        return failover.hold_watch(session.hold, session.keepalive, cut, a, b)
    every, times = session.bfd.interval, session.bfd.multiplier
    both = [failover.BfdEnd(transmit=every, receive=every, multiplier=times, timers=timers) for timers in (a, b)]
    return failover.bfd_watch(both[0], both[1], cut)


def silent(case: Case, ways: Literal["both", "a_to_b"] = "both") -> Forecast:
    """The quickest beat over the link expires: BFD's, BGP's hold timer, IKE's dead peer detection."""
    cut = _cut(case, ways)
    found = watch(case.plan, case.link, cut)
    gap, noticed = (found.gap(cut), found.noticed(replace(cut, handling=HANDLING))) if found else _dpd(case, cut)
    lasts = failover.lasting(gap, case.outage, cut)
    if lasts is not gap:
        moves = False if lasts.expected is not None else None
        return Forecast(lasts, None, (case.link,) if moves is False else None, moves)
    return Forecast(gap, noticed, (case.backup,) if case.backup else (), bool(case.backup))


def _dpd(case: Case, cut: failover.Cut) -> tuple[Expectation, Expectation]:
    used = tunnel_of(case.plan, case.link)
    found = dpd.ike_dpd(dpd.dpd_delay(used.dpd), cut, gives_up_s=used.dpd.seconds)
    return found, found


def carrier(case: Case) -> Forecast:
    """Both ends see their interface go down at once."""
    gap, noticed = (failover.carrier(handling, urgent=True) for handling in (_handling(case), HANDLING))
    return Forecast(gap, noticed, (case.backup,) if case.backup else (), bool(case.backup))


def flap(case: Case) -> Forecast:
    """The first gap is a carrier's; where traffic goes afterwards changes with each turn."""
    return replace(carrier(case), path=None, moves=None)


def one_way(case: Case) -> Forecast:
    """Silence from the provider's side to the customer's."""
    return silent(case, "a_to_b")


def nothing(why: str) -> Callable[[Case], Forecast]:
    """Nobody notices, and traffic goes on where it went. ``why``: the source."""

    def forecast(case: Case) -> Forecast:
        return Forecast(exactly(0.0, "s", why), None, (case.link,), moves=False)

    return forecast


def brownout(case: Case) -> Forecast:
    """No theory: whether timers expire is chance."""
    return Forecast()


def killed(case: Case) -> Forecast:
    """The kernel of a daemon that is killed closes its connections, which the peer sees at once."""
    source = "RFC 4271 section 8.2.2, event 18: a TCP connection that ends, ends the session"
    delay = _delay(case.plan, case.link).seconds
    if case.elsewhere:
        gap = Expectation(None, 0.0, delay + _handling(case).seconds, "s", source)
        # Far hosts may send to the killed router, whose kernel goes on forwarding the old way.
        stays = far_router(case) == case.way.far
        return Forecast(gap, gap, None if stays else (case.backup,), moves=True)
    low = max(0.0, case.outage.seconds - delay - HANDLING.seconds)
    return Forecast(Expectation(None, low, None, "s", f"{source}; all paths end there"), None, (), moves=False)


def frozen(case: Case) -> Forecast:
    """Programs stand still and connections stay: a timer has to expire at the peer."""
    cut = _cut(case)
    found = watch(case.plan, case.link, cut)
    if case.elsewhere:
        gap = Expectation(None, 0.0, _handling(case).seconds, "s", "a router without its programs goes on forwarding")
        return Forecast(gap, None, None, moves=None)
    if found is None:
        return Forecast()
    last = max(_latest(case.plan, via, cut) for via in (case.link, case.backup) if via)
    source = "it forwards until the last session with it has expired, and none comes back before it is thawed"
    return Forecast(Expectation(None, max(0.0, case.outage.seconds - last), None, "s", source), None, None, moves=None)


def _latest(plan: Plan, name: str, cut: failover.Cut) -> float:
    found = watch(plan, name, cut)
    high = found.noticed(cut).high if found else None
    return float("inf") if high is None else high


def off(case: Case) -> Forecast:
    """The far site has no power."""
    source = "nobody is there: at least the outage"
    return Forecast(Expectation(None, case.outage.seconds, None, "s", source), None, (), moves=False)


def tunnel(case: Case) -> Forecast:
    """One tunnel is silent, which matters where traffic uses it."""
    if case.link == first_tunnel(case):
        return silent(case)
    return nothing("a tunnel that carries nothing is not missed")(case)
