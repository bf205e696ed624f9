"""Every host to every host: what gets through, why the rest does not, and the MTU of each path. Leaves events."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from testbed.plan.expect import ATTEMPTS, HEADERS, OK, Attempt, Outcome
from testbed.plan.paths import Family, back, path
from testbed.plan.plan import Node, Plan
from testbed.probe.attempts import attempt, largest
from testbed.probe.diagnose import black_hole, diagnose
from testbed.probe.place import Place
from testbed.probe.segments import announced
from testbed.probe.tap import Sighting, Taps
from testbed.run.drops import drops, since
from testbed.run.lab import Lab

FAMILIES: tuple[Family, Family] = (4, 6)


def check(lab: Lab, tcp_port: int, udp_port: int) -> None:
    """Try each pair of hosts: events ``attempt``, and for each way ``path.mtu`` and ``mss``."""
    for source, target in itertools.permutations(lab.plan.hosts, 2):
        for family in FAMILIES:
            _pair(lab, source, target, family, tcp_port, udp_port)
            if lab.plan.resolvers:
                _name(lab, source, target, family)


def _pair(lab: Lab, source: Node, target: Node, family: Family, tcp_port: int, udp_port: int) -> None:
    a, b = lab.probe.place(source.name, target.name, family), lab.probe.place(target.name, source.name, family)
    known: dict[Attempt, Outcome] = {}
    for kind in ATTEMPTS:
        port = udp_port if kind == "udp" else tcp_port
        # Without a connection there is no data either, for the same reason.
        failed = known["tcp"] if kind == "data" and not known["tcp"].ok else None
        known[kind] = failed or outcome(lab, kind, a, b, port)
        _note(lab, a.node, b.node, family, kind, known[kind])
    if known["tcp"].ok:
        mss = announced(lab.network.namespaces, a, b, tcp_port)
        lab.note("mss", source=a.node, target=b.node, family=family, mss=mss)
    if known["udp"].ok:
        most = next(cable.mtu for cable in lab.plan.cables if cable.node == a.node)
        mtu = largest(lab.network.namespaces, a, b, udp_port, most)
        lab.note("path.mtu", source=a.node, target=b.node, family=family, mtu=mtu)


def _name(lab: Lab, source: Node, target: Node, family: Family) -> None:
    from testbed.run.names import lookup  # late: the library of DNS is read where a lab has names only

    found = lookup(lab, source, target, family)
    if found is not None:
        _note(lab, source.name, target.name, family, "dns", found)


def _note(lab: Lab, source: str, target: str, family: Family, sort: str, found: Outcome) -> None:
    lab.note(
        "attempt", source=source, target=target, family=family, sort=sort, reason=found.reason, where=found.where,
        detail=found.detail,
    )  # fmt: skip


def outcome(
    lab: Lab, kind: Attempt, a: Place, b: Place, port: int, instead: Callable[[], int] | None = None
) -> Outcome:  # fmt: skip
    """Try; what fails is tried again with taps on every node.

    ``instead``: tries in another way, and returns what :func:`testbed.probe.attempts.attempt` does.
    """
    spaces = lab.network.namespaces
    once = instead or partial(attempt, spaces, kind, a, b, port)
    if once() == 0:
        return OK
    before = drops(lab)
    taps = Taps(spaces, [node.name for node in lab.plan.nodes])
    error = once()
    seen = plain(lab.plan, a, b, taps.take())
    ends = Place(a.node, a.node), Place(b.node, b.node)
    if kind == "data" and error:
        return black_hole(seen, *ends, _passing(lab, a, b, port))
    return diagnose(seen, *ends, error, since(lab, before))


def plain(plan: Plan, a: Place, b: Place, seen: Sequence[Sighting]) -> list[Sighting]:
    """Packets of an attempt with the ends' names as addresses, which routers translate and sites may share. Pure."""
    there = path(plan, a.node, b.node, 6 if ":" in a.address else 4)
    answers = () if there.stuck else back(plan, there, 6 if ":" in a.address else 4).seen
    names = dict.fromkeys(there.seen, (a.node, b.node)) | dict.fromkeys(answers, (b.node, a.node))
    found = ((names.get((one.source, one.target)), one) for one in seen)
    return [one if ends is None else replace(one, source=ends[0], target=ends[1]) for ends, one in found]


def _passing(lab: Lab, a: Place, b: Place, port: int) -> int:
    """The largest packet with which data gets through, by bisection over the segment size: the black hole's MTU."""
    headers = HEADERS[6 if ":" in a.address else 4]
    low, high = 536, max(cable.mtu for cable in lab.plan.cables if cable.node == a.node) - headers
    while low < high:
        middle = (low + high + 1) // 2
        ok = attempt(lab.network.namespaces, "data", a, b, port, mss=middle) == 0
        low, high = (middle, high) if ok else (low, middle - 1)
    return low + headers
