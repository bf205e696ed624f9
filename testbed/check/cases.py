"""What breaks when the path between two hosts of a design does: the link in use, what takes over, who notices. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace

from testbed.check import paths
from testbed.plan.plan import Direction, Plan, PlannedLink, PlannedTunnel
from testbed.plan.reach import reach
from testbed.plan.sessions import Reach, Session, StaticVpnRoute
from testbed.theory import dpd
from testbed.units import Duration


@dataclass(frozen=True)
class Case:
    """One failure of one design.

    Attributes:
        there, back: equal ways of the near gateway to the far host's site and of the far gateway back; flows spread.
        outage: how long it lasts.
        spacing: distance of the packets that watch it.
        together: what breaks with the link in use.
    """

    plan: Plan
    way: paths.Flow
    there: tuple[str, ...]
    back: tuple[str, ...]
    outage: Duration
    spacing: Duration
    together: Collection[str] = ()

    @property
    def link(self) -> str:
        """The link or tunnel in use, or one of those."""
        return self.there[0]

    @property
    def far(self) -> str:
        """The gateway at the other end of the link in use."""
        return paths.other_end(self.plan, self.way.near, self.link) or self.way.far

    @property
    def usual(self) -> tuple[str, ...]:
        """The links and tunnels that traffic crosses while nothing is broken; empty: not the same there and back."""
        vias = _vias(self.plan.reach)
        there, back = self._crossed(vias), paths.wide_area(self.plan, vias, self.way.far, self.way.back)
        every = (*self.there, *self.back)
        even = len(every) > 2 and len({delay(self.plan, (via,)) for via in every}) == 1
        return there if even or there == back[::-1] else ()

    @property
    def beyond(self) -> Duration:
        """One way from the far end of the link in use to the far gateway."""
        return delay(self.plan, self._crossed(_vias(self.plan.reach))[1:])

    @property
    def detour(self) -> tuple[str, ...]:
        """What is crossed once nobody uses any more what breaks; empty: there is no other way."""
        broken = {self.link, *self.together}
        return self._crossed(_vias(_without(self.plan, lambda _, each: each.interface in broken)))

    @property
    def around(self) -> tuple[str, ...]:
        """What is crossed once nobody speaks with the gateway at its other end; empty: there is no other way."""
        mine = {session.local for session in self.plan.routing_of(self.far).sessions}
        return self._crossed(
            _vias(_without(self.plan, lambda node, each: node == self.far or getattr(each, "peer", "") in mine))
        )

    def _crossed(self, vias: paths.Vias) -> tuple[str, ...]:
        return paths.wide_area(self.plan, vias, self.way.near, self.way.there)

    @property
    def parallel(self) -> tuple[str, ...]:
        """All links and tunnels between the near gateway and that at the other end of the link in use, with BGP."""
        sessions = self.plan.routing_of(self.way.near).sessions
        found = [each.interface for each in sessions if self._end(each.interface) == self.far]
        return tuple(dict.fromkeys(found))

    def _end(self, via: str) -> str | None:
        return paths.other_end(self.plan, self.way.near, via)

    @property
    def session(self) -> Session | None:
        """The BGP session over the link; ``None``: static routes lead into it."""
        return session_of(self.plan, self.link)

    @property
    def tunnel(self) -> PlannedTunnel | None:
        """The tunnel in use; ``None``: a link is."""
        return next((each for each in self.plan.tunnels if each.name == self.link), None)

    @property
    def dpd(self) -> tuple[Duration, dpd.Retransmission] | None:
        """What IKE waits for before it asks, and then before it gives up; ``None``: no IKE guards what is in use."""
        tunnel = self.tunnel
        return (
            (dpd.dpd_delay(tunnel.dpd), dpd.retransmission(tunnel.dpd)) if tunnel and tunnel.kind == "ipsec" else None
        )

    @property
    def beat(self) -> Duration:
        """What the quickest detection waits for: BFD's interval, a KEEPALIVE, IKE's question; 1 s if there is none."""
        if self.session is not None:
            return self.session.bfd.interval if self.session.bfd else self.session.keepalive
        return self.dpd[0] if self.dpd else Duration(10**9)

    def spared(self, broken: Collection[str], direction: Direction | None = None) -> float:
        """Share of flows that use none of these links and tunnels, which lose packets in a direction, or in both.

        Each of n equal next hops gets 1/n of all hashes (:func:`testbed.theory.ecmp.hit`), and each way by itself.
        """
        share = 1.0
        for ways, start in ((self.there, self.way.near), (self.back, self.way.far)):
            hits = [via for via in ways if via in broken and direction in (None, self._onwards(via, start))]
            share *= 1 - len(hits) / len(ways)
        return share

    def _onwards(self, via: str, start: str) -> Direction:
        """The direction of a link or tunnel that leads away from one of its ends."""
        return "a_to_b" if ends_of(self.plan, via)[0] == start else "b_to_a"


def case(plan: Plan, source: str, target: str, outage: Duration, spacing: Duration = Duration(0)) -> Case:
    """The case of traffic between two hosts."""
    way = paths.flow(plan, source, target)
    there, back = _reach(plan, way.near, way.there), _reach(plan, way.far, way.back)
    return Case(plan, way, there.best[: there.paths], back.best[: back.paths], outage, spacing)


def _without(plan: Plan, gone: Callable[[str, Session | StaticVpnRoute], bool]) -> tuple[Reach, ...]:
    """How everything is reached without some sessions and static routes, which are told by their node."""
    left = [
        replace(
            routing,
            sessions=tuple(each for each in routing.sessions if not gone(routing.node, each)),
            statics=tuple(each for each in routing.statics if not gone(routing.node, each)),
        )
        for routing in plan.routing
    ]
    return reach(left)


def _vias(known: Iterable[Reach]) -> dict[tuple[str, str], tuple[str, ...]]:
    return {(each.node, each.prefix): each.best[:1] for each in known}


def ends_of(plan: Plan, name: str) -> tuple[str, str]:
    """The routers at a link's or tunnel's ends a and b. Raises ``StopIteration``."""
    every: list[PlannedLink | PlannedTunnel] = [*plan.links, *plan.tunnels]
    return next((each.a.node, each.b.node) for each in every if each.name == name)


def _reach(plan: Plan, node: str, prefix: str) -> Reach:
    return next(each for each in plan.reach if each.node == node and each.prefix == prefix)


def session_of(plan: Plan, name: str) -> Session | None:
    """The BGP session over a link or tunnel; ``None``: none runs over it."""
    try:
        return plan.session(name)
    except KeyError:
        return None


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


def below(case: Case) -> str:
    """The link in use; under a tunnel, the one that joins the customer's gateway to the Internet."""
    tunnel = case.tunnel
    if tunnel is None:
        return case.link
    return next(each.name for each in chain(case.plan, (case.link,)) if tunnel.b.node in (each.a.node, each.b.node))


def delay(plan: Plan, names: tuple[str, ...]) -> Duration:
    """One way over links and tunnels."""
    return Duration(sum(link.a_to_b.delay for link in chain(plan, names)))
