"""What theory says of each way in which the path between two hosts may fail, before anything was measured. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from testbed.check.cases import Case, below, chain, delay, ends_of, session_of
from testbed.plan.plan import Plan
from testbed.theory import dpd, failover, lossy
from testbed.theory.interval import Expectation, exactly
from testbed.theory.timers import TIMERS
from testbed.units import Duration, Ratio

HANDLING = Duration.parse("20 ms")
"""Arbitrary: what daemon and kernel may take from noticing to forwarding. BIRD was seen to take under 5 ms."""
FORWARDS = "a router without its programs goes on forwarding"


@dataclass(frozen=True)
class Forecast:
    """What theory says. ``None``: no theory.

    Attributes:
        gap: of traffic that goes there and back, of a flow that is hit.
        noticed: when the later end knows; ``None`` also where nobody ever does.
        path: what carries traffic meanwhile; empty: nothing.
        spared: share of flows that use another of several equal ways, and lose nothing.
        scattered: what is lost is not one stretch, so nothing follows for TCP.
        returns: from healing until the routes are back, where theory knows.
    """

    gap: Expectation | None = None
    noticed: Expectation | None = None
    path: tuple[str, ...] | None = None
    spared: float = 0.0
    scattered: bool = False
    returns: Expectation | None = None

    def gap_of(self, *, lost: bool) -> Expectation | None:
        """What theory says of a flow of which packets were lost, or none."""
        if self.gap is None or lost or not self.spared:
            return self.gap
        return exactly(0.0, "s", f"a flow over another of several equal ways, as {self.spared:.0%} of all are")


def _cut(case: Case, silent: Literal["both", "a_to_b"] = "both") -> failover.Cut:
    # Answers that are still beyond the link when it is cut are lost too, though their questions were sent before.
    handling = Duration(_handling(case, held=True) + 2 * case.beyond)
    return failover.Cut(silent=silent, delay=delay(case.plan, (case.link,)), handling=handling)


def _handling(case: Case, *, held: bool = False, dying: bool = False) -> Duration:
    """What is taken from the end of a session to the kernel's route, at most.

    ``held``: a hold timer may end it. ``dying``: so it may all other sessions of the gateway.
    """
    by_hold = held and case.session is not None and case.session.bfd is None
    latest = 0
    for node in (case.way.near, case.way.far):
        routing = case.plan.routing_of(node)
        timers = TIMERS[routing.daemon]
        awake = () if dying else [each.keepalive for each in routing.sessions if each.interface != case.link]
        latest = max(latest, timers.acts + (min([timers.naps, *awake]) if by_hold else 0))
    return Duration(HANDLING + latest)


def watch(plan: Plan, name: str, cut: failover.Cut) -> failover.Watch | None:
    """The beats over a link or tunnel, the quickest that is configured; ``None``: no routing protocol runs over it."""
    session = session_of(plan, name)
    if session is None:
        return None
    a, b = (TIMERS[plan.routing_of(end).daemon] for end in ends_of(plan, name))
    if session.bfd is None:
        return failover.hold_watch(session.hold, session.keepalive, cut, a, b)
    every, times = session.bfd.interval, session.bfd.multiplier
    both = [failover.BfdEnd(transmit=every, receive=every, multiplier=times, timers=timers) for timers in (a, b)]
    return failover.bfd_watch(both[0], both[1], cut)


def silent(case: Case, ways: Literal["both", "a_to_b"] = "both") -> Forecast:
    """Packets vanish: whoever waits for them finds out."""
    cut, spared = _cut(case, ways), case.spared({case.link}, None if ways == "both" else ways)
    found = watch(case.plan, case.link, cut)
    if found is None:
        return _static(case, cut, spared)
    gap, noticed = found.gap(cut), found.noticed(replace(cut, handling=HANDLING))
    return _lasting(case, cut, Forecast(gap, noticed, case.detour, spared))


def _lasting(case: Case, cut: failover.Cut, forecast: Forecast) -> Forecast:
    """The same, if it may be over before it is noticed, or if there is no other way."""
    assert forecast.gap is not None, "it is about the gap"
    lasts = failover.lasting(forecast.gap, case.outage, cut)
    if lasts.expected is not None and lasts is not forecast.gap:
        return replace(forecast, gap=lasts, noticed=None, path=case.usual, returns=None)
    if not case.detour:
        return replace(forecast, gap=_alone(case), noticed=forecast.noticed if lasts is forecast.gap else None)
    return forecast if lasts is forecast.gap else replace(forecast, gap=lasts, noticed=None, path=None, returns=None)


def _alone(case: Case) -> Expectation:
    return Expectation(None, case.outage.seconds, None, "s", "there is no other way: at least the outage")


def _static(case: Case, cut: failover.Cut, spared: float) -> Forecast:
    """A static route into a tunnel: IKE may find out, and that moves it or not."""
    if case.dpd is None or case.tunnel is None:
        return Forecast(failover.no_detection(case.outage, cut), None, (), spared)
    wait, again = case.dpd
    found = dpd.ike_dpd(wait, cut, again)
    if not case.tunnel.follows_ike:
        noticed = found if found.high is not None and found.high < case.outage.seconds else None
        return Forecast(failover.no_detection(case.outage, cut), noticed, (), spared)
    forecast = Forecast(found, found, case.detour, spared, returns=_renewed(case, again))
    return _lasting(case, cut, forecast)


def _renewed(case: Case, again: dpd.Retransmission) -> Expectation:
    """The side that initiates asks again within the last of its waits; two exchanges set up the session."""
    round_trips = 2 * 2 * delay(case.plan, (case.link,)).seconds
    high = dpd.renewed_s(again) + round_trips + HANDLING.seconds
    source = "strongSwan: the longest wait between two requests, and RFC 7296 section 1.2: two exchanges"
    return Expectation(None, 0.0, high, "s", source)


def one_way(case: Case) -> Forecast:
    """Packets vanish in one direction."""
    return silent(case, "a_to_b")


def carrier(case: Case) -> Forecast:
    """Both ends see it at once."""
    handling = Duration(_handling(case) + 2 * case.beyond)
    gap, noticed = (failover.carrier(each, urgent=True) for each in (handling, HANDLING))
    return Forecast(gap if case.detour else _alone(case), noticed, case.detour)


def flap(case: Case) -> Forecast:
    """As often as it goes down."""
    found = carrier(case)
    return replace(found, path=None, gap=found.gap if case.detour else None)


def nothing(why: str) -> Callable[[Case], Forecast]:
    """What no traffic feels."""

    def forecast(case: Case) -> Forecast:
        return Forecast(exactly(0.0, "s", why), None, case.usual)

    return forecast


def brownout(loss: Ratio) -> Callable[[Case], Forecast]:
    """More loss: the longest run of lost packets. Where that makes a detection fire, there is a path all the same."""

    def forecast(case: Case) -> Forecast:
        name = below(case)
        broken = [(1 - loss.fraction) if link.name == name else 1.0 for link in chain(case.plan, (case.link,))]
        kept = 1.0
        for link, left in zip(chain(case.plan, (case.link,)), broken, strict=True):
            for way in (link.a_to_b, link.b_to_a):
                if not isinstance(way.loss, Ratio) or way.loss_correlation or not case.spacing:
                    return Forecast(scattered=True)  # a loss with a memory
                kept *= (1 - way.loss.fraction) * left
        packets = -(-case.outage // case.spacing)
        run = lossy.longest_run(1 - kept, packets)
        return Forecast(replace(run.scaled(case.spacing.seconds, "s"), source=run.source), scattered=True)

    return forecast


def killed(case: Case) -> Forecast:
    """A BGP daemon: its sessions end at once."""
    source = "RFC 4271 section 8.2.2, event 18: a TCP connection that ends, ends the session"
    lag = delay(case.plan, (case.link,)).seconds
    if case.around:
        gap = Expectation(None, 0.0, lag + _handling(case).seconds, "s", source)
        # Far hosts may send to the killed router, whose kernel goes on forwarding the old way.
        return Forecast(gap, gap, None if case.far == case.way.far else case.around)
    low = max(0.0, case.outage.seconds - lag - HANDLING.seconds)
    return Forecast(Expectation(None, low, None, "s", f"{source}; all paths end there"), None, ())


def frozen(case: Case) -> Forecast:
    """A router's programs stand still: its kernel forwards until its neighbours hold it for dead."""
    if case.session is None:
        return nothing(f"{FORWARDS}, and IKE does not ask while packets come in")(case)
    if case.around:
        return Forecast(Expectation(None, 0.0, _handling(case).seconds, "s", FORWARDS))
    cut = replace(_cut(case), handling=_handling(case, held=True, dying=True))
    latest = [_latest(case.plan, via, cut) for via in case.parallel]
    if None in latest:
        return Forecast()
    last = max(each for each in latest if each is not None)
    source = "it forwards until the last session with it has expired, and none comes back before it is thawed"
    return Forecast(Expectation(None, max(0.0, case.outage.seconds - last), None, "s", source))


def _latest(plan: Plan, name: str, cut: failover.Cut) -> float | None:
    found = watch(plan, name, cut)
    return found.noticed(cut).high if found else None


def site_off(case: Case) -> Forecast:
    """Nobody is there."""
    source = "nobody is there: at least the outage"
    return Forecast(Expectation(None, case.outage.seconds, None, "s", source), None, ())


def first_tunnel(case: Case) -> str:
    """The tunnel in use, or the first of the design."""
    return case.link if case.tunnel is not None else case.plan.tunnels[0].name


def tunnel(case: Case) -> Forecast:
    """One of several tunnels: felt where it is in use."""
    if case.tunnel is not None:
        return silent(case)
    return nothing("a tunnel that carries nothing is not missed")(case)
