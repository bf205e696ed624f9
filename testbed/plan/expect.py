"""What each pair of hosts should get, and why not: from routes, guards and MTUs of the plan alone. Pure.

Answers go to a port of the kernel's own choice, of :data:`OWN_PORTS`; for a rule of a network ACL that cuts that range
in two it is not known which answers pass.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from testbed.plan.guards import Guard, Packet, allows, stopped_by
from testbed.plan.index import index_of
from testbed.plan.nat import DROPPED, RESET, unknown
from testbed.plan.paths import Family, Hop, Path, back, path
from testbed.plan.plan import Plan
from testbed.theory.mtu import mss

Attempt = Literal["icmp", "tcp", "udp", "data"]
ATTEMPTS: tuple[Attempt, ...] = ("icmp", "tcp", "udp", "data")
"""``data``: a TCP connection whose full-size segments arrive, too."""
Protocol = Literal["icmp", "tcp", "udp"]
Reason = Literal[
    "ok", "no route", "filtered", "black hole", "reset", "timeout", "resolver down", "no record", "wrong record"
]
"""The last three are of names alone."""
REACH_PORT = 39_999
"""Where the check of all pairs sends its packets; arbitrary."""
OWN_PORTS = (32_768, 60_999)
"""Ports that Linux chooses from for who asks (ip(7), ``ip_local_port_range``)."""
ANSWERS_TO = 50_000
"""One of them; arbitrary."""
HEADERS = {4: 40, 6: 60}
"""IP and TCP, without options (RFC 791, RFC 8200, RFC 9293)."""


@dataclass(frozen=True)
class Outcome:
    """How an attempt ends: the reason, and the node where; ``detail`` is the guard, or the MTU of a black hole."""

    reason: Reason
    where: str = ""
    detail: str = ""

    @property
    def ok(self) -> bool:
        """It works."""
        return self.reason == "ok"


OK = Outcome("ok")


def expect(plan: Plan, source: str, target: str, family: Family, attempt: Attempt, port: int) -> Outcome:
    """What should become of an attempt."""
    there = path(plan, source, target, family)
    if there.stuck:
        return Outcome("no route", there.stuck)
    answers = back(plan, there, family)
    if answers.stuck:
        return Outcome("no route", answers.stuck)
    protocol: Protocol = "tcp" if attempt == "data" else attempt
    number = 0 if protocol == "icmp" else port
    filtered = (
        blocking(plan, there, protocol, number)
        or _stranger(plan, there, answers, protocol)
        or blocking(plan, answers, protocol, number and ANSWERS_TO, there)
    )
    if filtered is not None:
        return filtered
    return _data(plan, there, answers, family) if attempt == "data" else OK


def _stranger(plan: Plan, there: Path, answers: Path, protocol: Protocol) -> Outcome | None:
    """Answers that pass a NAT gateway which did not see the question.

    Those of TCP and ICMP belong to nothing. Those of UDP are to it a connection that begins, so they come from its own
    address, and nobody waits for them.
    """
    passed = {hop.node for hop in there.hops}
    for hop in answers.hops:
        for nat in plan.nats:
            if nat.node != hop.node or nat.node in passed or ":" in hop.source:
                continue
            if protocol == "udp":
                return Outcome("timeout") if hop.sent_as != hop.source else None
            return Outcome("filtered", nat.node, unknown(nat, RESET if protocol == "tcp" else DROPPED))
    return None


def arrives(plan: Plan, source: str, target: str, family: Family, port: int) -> bool:
    """Whether a UDP packet that nobody answers should arrive."""
    way = path(plan, source, target, family)
    return not way.stuck and blocking(plan, way, "udp", port) is None


def blocking(plan: Plan, way: Path, protocol: Protocol, port: int, question: Path | None = None) -> Outcome | None:
    """What the first guard on a way says that stops a packet. ``question``: as for :func:`meeting`."""
    for guard, hop in meeting(plan, way, question):
        packet = Packet(source=hop.source, target=hop.target, protocol=protocol, port=port)
        if not allows(guard, packet):
            return Outcome("filtered", guard.node, stopped_by(guard, packet))
    return None


def meeting(plan: Plan, way: Path, question: Path | None = None) -> Iterator[tuple[Guard, Hop | Path]]:
    """The guards whose rules decide about a packet on its way, in the order in which it meets them.

    Args:
        plan: where.
        way: of the packet.
        question: it is an answer to what went this way: stateful guards that saw that let it pass.

    Returns:
        Each guard, and what has the packet's addresses there.
    """
    guards = index_of(plan).guards
    saw = {hop.node for hop in question.hops} if question else set()
    for position, hop in enumerate(way.hops):
        came_by = way.hops[position - 1].into if position else ""
        for guard in guards.get(hop.node, ()):
            if guard.at_host:
                meets = question is None and position == 0 and guard.way == "out"
            else:
                near, far = (hop.interface, came_by) if guard.way == "in" else (came_by, hop.interface)
                crosses = guard.interface == near != far
                meets = crosses and not (guard.stateful and guard.node in saw)
            if meets:
                yield guard, hop
    for guard in guards.get(way.hops[-1].next, ()):
        if guard.at_host and question is None and guard.way == "in":
            yield guard, way


def announced(plan: Plan, way: Path, family: Family) -> int:
    """The MSS that a SYN arrives with: of the sender's own MTU, less where a tunnel on its way clamps it."""
    names = {hop.interface for hop in way.hops}
    clamps = [mss(tunnel.mtu, family) for tunnel in plan.tunnels if tunnel.clamp_mss and tunnel.name in names]
    return min([mss(way.hops[0].mtu, family), *clamps])


def segment(plan: Plan, there: Path, answers: Path, family: Family) -> int:
    """The largest packet of a TCP connection: what its ends announce, which is what the other may send."""
    return min(announced(plan, there, family), announced(plan, answers, family)) + HEADERS[family]


def _data(plan: Plan, there: Path, answers: Path, family: Family) -> Outcome:
    """Segments that do not fit need an ICMP message to come back, or they vanish for good (RFC 2923 section 2.1)."""
    size = segment(plan, there, answers, family)
    for position, hop in enumerate(there.hops):
        if hop.mtu < size and not _is_told(plan, there, position, family):
            return Outcome("black hole", hop.node, f"MTU {there.mtu}")
    return OK


def _is_told(plan: Plan, there: Path, position: int, family: Family) -> bool:
    """Whether the message of the router at a position reaches the sender."""
    source = there.hops[0].node
    if any(hop.node in plan.blocks_icmp for hop in there.hops[1 : position + 1]):
        return False
    way = back(plan, there, family, position)
    if way.stuck:
        return False
    told = Packet(source=way.source, target=way.target, protocol="icmp")
    groups = index_of(plan).guards.get(source, ())
    group = next((each for each in groups if each.at_host and each.way == "in"), None)
    if group is not None and not allows(group, told):
        return False
    # A router's own message crosses no ACL of its own: those look at what is forwarded.
    rest = replace(way, hops=way.hops[1:])
    return not rest.hops or blocking(plan, rest, "icmp", 0, there) is None
