"""The case of a failure: what the traffic between two hosts uses, and what else there is. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from testbed.check import paths
from testbed.plan.plan import Plan, PlannedLink, PlannedTunnel, Session
from testbed.theory import dpd
from testbed.units import Duration


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


def first_tunnel(case: Case) -> str:
    """The tunnel in use; where none is, the first of the plan."""
    return next((tunnel.name for tunnel in case.plan.tunnels if tunnel.name == case.link), case.plan.tunnels[0].name)
