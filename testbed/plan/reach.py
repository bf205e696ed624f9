"""Which way each router goes once everything has settled: BGP's own rules, carried out on the plan.

Left out: the origin attribute and everything after the preference of external over internal routes. Ways that are equal
that far all count as best, since a router without ECMP may take any one of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from testbed.errors import InputError, Problem
from testbed.plan.sessions import Reach, Routing, Session

SIBLING_HANDICAP = 50
"""How much less a static VPN route is worth to the other routers of its site, so that two routers that each have one do
not each prefer the other's; arbitrary, less than what lies between the presets for static and for BGP over VPN."""
ROUNDS_MIN = 10
"""Routes settle within as many rounds as there are routers in a row; arbitrary beyond that."""


@dataclass(frozen=True)
class _Way:
    """A route that a router knows. ``path`` are the AS numbers on the way, the nearest first."""

    interface: str
    preference: int
    path: tuple[int, ...]
    med: int = 0
    internal: bool = False


_Ways = dict[str, list[_Way]]
"""By prefix."""


def reach(routings: Sequence[Routing]) -> tuple[Reach, ...]:
    """What each router comes to know of others' ranges.

    Raises:
        InputError: the routers never agree.
    """
    known = _settled(routings)
    ecmp = {routing.node: routing.ecmp for routing in routings}
    return tuple(
        _reach(node, prefix, ways, ecmp[node])
        for node, by_prefix in sorted(known.items())
        for prefix, ways in sorted(by_prefix.items())
    )


def _reach(node: str, prefix: str, ways: Sequence[_Way], ecmp: int) -> Reach:
    best = _best(ways)
    # What BIRD and FRR merge alike: BGP routes of one AS path. A static VPN route stands alone.
    paths = min(ecmp, len(_interfaces(best))) if all(way.path == best[0].path != () for way in best) else 1
    return Reach(node=node, prefix=prefix, via=_interfaces(ways), best=_interfaces(best), paths=paths)


def _interfaces(ways: Sequence[_Way]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(way.interface for way in ways))


def _settled(routings: Sequence[Routing]) -> dict[str, _Ways]:
    """Let one router after the other look at what its neighbours tell it, until none learns anything new."""
    ends = {(s.local, s.peer): (routing, s) for routing in routings for s in routing.sessions}
    known: dict[str, _Ways] = {routing.node: {} for routing in routings}
    for _ in range(max(ROUNDS_MIN, 2 * len(routings))):
        changed = False
        for routing in routings:
            now = _learn(routing, ends, known)
            changed |= now != known[routing.node]
            known[routing.node] = now
        if not changed:
            return known
    raise InputError(
        Problem(
            "routing",
            "the routes never settle: each router prefers a way that goes through another's",
            "give the sessions of a ring of transit routers the same local_pref",
        )
    )


def _learn(routing: Routing, ends: dict[tuple[str, str], tuple[Routing, Session]], known: dict[str, _Ways]) -> _Ways:
    found: defaultdict[str, list[_Way]] = defaultdict(list)
    for static in routing.statics:
        found[static.prefix].append(_Way(static.interface, static.local_pref, ()))
    for session in routing.sessions:
        neighbour, theirs = ends[session.peer, session.local]
        for prefix, told in _told(neighbour, theirs, known[neighbour.node]):
            if prefix in routing.originate or (":" in prefix) != (session.family == 6) or routing.asn in told.path:
                continue
            internal = session.internal
            preference = told.preference if internal else session.local_pref
            found[prefix].append(_Way(session.interface, preference, told.path, told.med, internal))
    return dict(found)


def _told(neighbour: Routing, session: Session, known: _Ways) -> Iterator[tuple[str, _Way]]:
    """What a router announces over a session of its own."""
    internal = session.internal
    head = () if internal else (neighbour.asn,) * (1 + session.prepend)
    if not internal:
        for prefix in neighbour.originate:
            yield prefix, _Way("", 0, head, session.med or 0)
    if not internal and not neighbour.transits:
        return
    for prefix, ways in known.items():
        best = _best(ways)[0]
        if best.interface == session.interface or (internal and best.internal):
            continue
        # A static route has no path, and a sibling takes it for less than it is worth here.
        handicap = SIBLING_HANDICAP if internal and not best.path else 0
        med = best.med if internal else session.med or 0
        yield prefix, _Way("", best.preference - handicap, head + best.path, med)


def _best(ways: Sequence[_Way]) -> list[_Way]:
    """The most preferred ways: highest preference, shortest path, lowest MED of each neighbour, external ones first."""
    preference, length = max((way.preference, -len(way.path)) for way in ways)
    left = [way for way in ways if (way.preference, -len(way.path)) == (preference, length)]
    lowest: dict[tuple[int, ...], int] = {}
    for way in left:
        lowest[way.path[:1]] = min(way.med, lowest.get(way.path[:1], way.med))
    left = [way for way in left if way.med == lowest[way.path[:1]]]
    return [way for way in left if not way.internal] or left
