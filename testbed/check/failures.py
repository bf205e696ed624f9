"""How the path between two hosts may fail, and what theory says of it before anything was measured. Pure.

Each failure has a name for ``--set fault=``. What breaks follows from the plan: the link or tunnel that the near
gateway uses, the gateway at the other end, the far site.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from testbed.check import paths
from testbed.errors import Problem, known
from testbed.plan.plan import Direction, Plan, PlannedLink, PlannedTunnel, Session
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


@dataclass(frozen=True)
class Case:
    """One failure of one design.

    Attributes:
        link: the link or tunnel in use.
        backup: what is used next; empty: there is none.
        elsewhere: the backup does not end at the same far gateway.
        outage: how long it lasts.
    """

    plan: Plan
    way: paths.Flow
    link: str
    backup: str
    elsewhere: bool
    outage: Duration

    @property
    def session(self) -> Session | None:
        """The BGP session over the link; ``None``: static routes lead into it."""
        try:
            return self.plan.session(self.link)
        except KeyError:
            return None

    @property
    def beat(self) -> Duration:
        """What the quickest detection waits for: BFD's interval, a KEEPALIVE, IKE's question."""
        if self.session is None:
            return dpd.dpd_delay(tunnel_of(self.plan, self.link).dpd)
        return self.session.bfd.interval if self.session.bfd else self.session.keepalive


@dataclass(frozen=True)
class Failure:
    """One way to fail.

    Attributes:
        kind: of fault.
        words: for a table.
        target: what of a case it breaks.
        forecast: what theory says.
        options: of the fault.
        silent: no carrier changes and no session is closed: only a timer can notice.
    """

    kind: str
    words: str
    target: Callable[[Case], str]
    forecast: Callable[[Case], Forecast]
    direction: Direction | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    silent: bool = True

    @property
    def extra(self) -> Duration:
        """What it adds to the delay each way."""
        return Duration.parse(self.options.get("extra", "0 ms"))


def case(plan: Plan, source: str, target: str, outage: Duration) -> Case:
    """The case of traffic between two hosts."""
    way = paths.flow(plan, source, target)
    reach = next(each for each in plan.reach if each.node == way.near and each.prefix == way.there)
    link = reach.best[0]
    others = [via for via in reach.via if via != link]
    far = paths.other_end(plan, way.near, link)
    backup = others[0] if others else ""
    elsewhere = bool(others) and paths.other_end(plan, way.near, backup) != far
    return Case(plan, way, link, backup, elsewhere, outage)


def asked(plan: Plan, values: Mapping[str, object], *, given: bool) -> tuple[Failure, Case]:
    """The failure that a scenario's parameters ask for, and its case. ``given``: the user said how long it lasts."""
    source, target, outage = str(values["source"]), str(values["target"]), values["fault.for"]
    assert isinstance(outage, Duration), "declared as one"
    session = case(plan, source, target, outage).session
    if session is not None and session.bfd is None and not given:
        outage = max(outage, Duration(2 * session.hold))
    return FAILURES[str(values["fault"])], case(plan, source, target, outage)


def far_router(case: Case) -> str:
    """The gateway at the other end of the link in use."""
    return paths.other_end(case.plan, case.way.near, case.link) or case.way.far


def chain(plan: Plan, names: tuple[str, ...]) -> list[PlannedLink]:
    """The links that packets cross on a path: a tunnel stands for those of its two gateways to the Internet."""
    found = []
    for name in names:
        tunnel = next((each for each in plan.tunnels if each.name == name), None)
        ends = {tunnel.a.node, tunnel.b.node} if tunnel else set()
        found += [
            link
            for link in plan.links
            if link.name == name or (link.kind == "internet" and {link.a.node, link.b.node} & ends)
        ]
    return found


def tunnel_of(plan: Plan, name: str) -> PlannedTunnel:
    """The tunnel of that name. Raises ``StopIteration``."""
    return next(each for each in plan.tunnels if each.name == name)


def problems(plan: Plan, source: str, target: str, failure: str) -> Iterator[Problem]:
    """Why these hosts of this design cannot see that failure."""
    hosts = [host.name for host in plan.hosts]
    if unknown := [name for name in (source, target) if name not in hosts]:
        for name in unknown:
            yield Problem(f"host {name}", "no such host", known(name, hosts))
        return
    if plan.node(source).site == plan.node(target).site:
        yield Problem(f"{source} and {target}", "are of one site", "name a host of each of two sites")
        return
    breaks = case(plan, source, target, Duration(0))
    kinds = {each.kind for each in plan.tunnels}
    if failure == "tunnel" and not plan.tunnels:
        yield Problem("--set fault=tunnel", "this design has no tunnel", "another design, or another failure")
    if failure == "ike-gone" and "ipsec" not in kinds:
        yield Problem("--set fault=ike-gone", "this design has no IPsec tunnel", "another design, or another failure")
    carrier = breaks.link in [link.name for link in plan.links]
    if FAILURES[failure].kind in ("carrier", "flap", "brownout") and not carrier:
        what = f"what carries the traffic, {breaks.link}, is a tunnel: it has no carrier and no netem of its own"
        yield Problem(f"--set fault={failure}", what, "fault=tunnel, or break the link below it")


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


def _silent(case: Case, silent: Literal["both", "a_to_b"] = "both") -> Forecast:
    cut = _cut(case, silent)
    found = watch(case.plan, case.link, cut)
    gap, noticed = (found.gap(cut), found.noticed(replace(cut, handling=HANDLING))) if found else _dpd(case, cut)
    lasts = failover.lasting(gap, case.outage, cut)
    if lasts is not gap:
        moves = False if lasts.expected is not None else None
        return Forecast(lasts, None, (case.link,) if moves is False else None, moves)
    return Forecast(gap, noticed, (case.backup,) if case.backup else (), bool(case.backup))


def _dpd(case: Case, cut: failover.Cut) -> tuple[Expectation, Expectation]:
    tunnel = tunnel_of(case.plan, case.link)
    found = dpd.ike_dpd(dpd.dpd_delay(tunnel.dpd), cut, gives_up_s=tunnel.dpd.seconds)
    return found, found


def _carrier(case: Case) -> Forecast:
    gap, noticed = (failover.carrier(handling, urgent=True) for handling in (_handling(case), HANDLING))
    return Forecast(gap, noticed, (case.backup,) if case.backup else (), bool(case.backup))


def _flap(case: Case) -> Forecast:
    return replace(_carrier(case), path=None, moves=None)


def _one_way(case: Case) -> Forecast:
    return _silent(case, "a_to_b")


def _nothing(why: str) -> Callable[[Case], Forecast]:
    def forecast(case: Case) -> Forecast:
        return Forecast(exactly(0.0, "s", why), None, (case.link,), moves=False)

    return forecast


def _brownout(case: Case) -> Forecast:
    return Forecast()


def _killed(case: Case) -> Forecast:
    source = "RFC 4271 section 8.2.2, event 18: a TCP connection that ends, ends the session"
    delay = _delay(case.plan, case.link).seconds
    if case.elsewhere:
        gap = Expectation(None, 0.0, delay + _handling(case).seconds, "s", source)
        # Far hosts may send to the killed router, whose kernel goes on forwarding the old way.
        stays = far_router(case) == case.way.far
        return Forecast(gap, gap, None if stays else (case.backup,), moves=True)
    low = max(0.0, case.outage.seconds - delay - HANDLING.seconds)
    return Forecast(Expectation(None, low, None, "s", f"{source}; all paths end there"), None, (), moves=False)


def _frozen(case: Case) -> Forecast:
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


def _off(case: Case) -> Forecast:
    source = "nobody is there: at least the outage"
    return Forecast(Expectation(None, case.outage.seconds, None, "s", source), None, (), moves=False)


def _tunnel(case: Case) -> Forecast:
    if case.link == _first_tunnel(case):
        return _silent(case)
    return _nothing("a tunnel that carries nothing is not missed")(case)


def _first_tunnel(case: Case) -> str:
    return next((tunnel.name for tunnel in case.plan.tunnels if tunnel.name == case.link), case.plan.tunnels[0].name)


FAILURES: Mapping[str, Failure] = {
    "silent": Failure("silent", "silent loss", lambda case: case.link, _silent),
    "carrier": Failure("carrier", "carrier down", lambda case: case.link, _carrier, silent=False),
    "one-way": Failure("silent", "one direction silent", lambda case: case.link, _one_way, direction="a_to_b"),
    "brownout-5": Failure(
        "brownout", "brown-out, 5 % loss", lambda case: case.link, _brownout, options={"loss": "5 %"}
    ),
    "brownout-20": Failure(
        "brownout", "brown-out, 20 % loss", lambda case: case.link, _brownout, options={"loss": "20 %"}
    ),
    "slow": Failure(
        "brownout", "brown-out, +80 ms", lambda case: case.link,
        _nothing("a packet that is late by less than a timer is not missed"), options={"extra": "80 ms"},
    ),
    "flap": Failure("flap", "flapping, 10 s", lambda case: case.link, _flap, options={"period": "10 s"}, silent=False),
    "bgp-killed": Failure(
        "kill", "BGP daemon killed",
        lambda case: f"{far_router(case)}/{case.plan.routing_of(far_router(case)).daemon}", _killed, silent=False,
    ),
    "frozen": Failure("freeze", "router frozen", far_router, _frozen),
    "ike-gone": Failure(
        "kill", "IKE peer gone", lambda case: f"{far_router(case)}/charon",
        _nothing("the kernel goes on with the keys it has, until they are to be renewed"),
    ),
    "tunnel": Failure("silent", "one tunnel silent", _first_tunnel, _tunnel),
    "site-off": Failure("off", "whole site off", lambda case: case.plan.node(case.way.far).site, _off, silent=False),
}  # fmt: skip
