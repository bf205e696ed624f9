"""What breaks when the path between two hosts of a design does: the link in use, what takes over, who notices. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from testbed.check import paths
from testbed.plan.plan import Direction, Plan, PlannedLink, PlannedTunnel, Reach, Session
from testbed.theory import dpd
from testbed.units import Duration


@dataclass(frozen=True)
class Case:
    """One failure of one design.

    Attributes:
        there, back: equal ways of the near gateway to the far host's site and of the far gateway back; flows spread.
        others: further ways there, used when those are gone, in no order.
        outage: how long it lasts.
        spacing: distance of the packets that watch it.
    """

    plan: Plan
    way: paths.Flow
    there: tuple[str, ...]
    back: tuple[str, ...]
    others: tuple[str, ...]
    outage: Duration
    spacing: Duration

    @property
    def link(self) -> str:
        """The link or tunnel in use, or one of those."""
        return self.there[0]

    @property
    def backup(self) -> str:
        """What is used next; empty: there is nothing."""
        return next(iter((*self.there[1:], *self.others)), "")

    @property
    def far(self) -> str:
        """The gateway at the other end of the link in use."""
        return self._end(self.link) or self.way.far

    @property
    def elsewhere(self) -> str:
        """A way that ends at another gateway than the link in use; empty: there is none."""
        return next((via for via in (*self.there[1:], *self.others) if self._end(via) != self._end(self.link)), "")

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

    @property
    def even(self) -> bool:
        """All equal ways take as long, so that it does not matter which a flow goes."""
        return len({delay(self.plan, via) for via in (*self.there, *self.back)}) == 1 or len(self.there) == 1

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
    used = there.best[: there.paths]
    others = [via for via in dict.fromkeys((*there.best, *there.via)) if via not in used]
    return Case(plan, way, used, back.best[: back.paths], tuple(others), outage, spacing)


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


def delay(plan: Plan, name: str) -> Duration:
    """One way over a link or tunnel."""
    return Duration(sum(link.a_to_b.delay for link in chain(plan, (name,))))
