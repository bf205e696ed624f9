"""What each pair of hosts should get, and why not: from routes, guards and MTUs of the plan alone. Pure.

Answers go to a port of the kernel's own choice (ip(7), ``ip_local_port_range``: 32768-60999); for a rule of a network
ACL that cuts that range in two it is not known which answers pass.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from testbed.plan.guards import Packet, allows, stopped_by
from testbed.plan.nat import DROPPED, RESET, unknown
from testbed.plan.paths import Family, Path, back, path
from testbed.plan.plan import Plan
from testbed.theory.mtu import mss

Attempt = Literal["icmp", "tcp", "udp", "data"]
ATTEMPTS: tuple[Attempt, ...] = ("icmp", "tcp", "udp", "data")
"""``data``: a TCP connection whose full-size segments arrive, too."""
Protocol = Literal["icmp", "tcp", "udp"]
Reason = Literal["ok", "no route", "filtered", "black hole", "reset", "timeout"]
REACH_PORT = 39_999
"""Where the check of all pairs sends its packets; arbitrary."""
ANSWERS_TO = 50_000
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
        blocking(plan, there, protocol, number, answers=False)
        or _stranger(plan, there, answers, protocol)
        or blocking(plan, answers, protocol, number and ANSWERS_TO, answers=True)
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
    return not way.stuck and blocking(plan, way, "udp", port, answers=False) is None


def blocking(plan: Plan, way: Path, protocol: Protocol, port: int, *, answers: bool) -> Outcome | None:
    """What the first guard on a way says that stops a packet. Answers pass stateful guards, which saw the question."""
    source, target = way.hops[0].node, way.hops[-1].next
    for position, hop in enumerate(way.hops):
        packet = Packet(source=hop.source, target=hop.target, protocol=protocol, port=port)
        for guard in plan.guards:
            if guard.stateful:
                meets = not answers and guard.node == source == hop.node and guard.way == "out"
            else:
                came_by = way.hops[position - 1].into if position else ""
                meets = guard.node == hop.node and guard.interface == (hop.interface if guard.way == "in" else came_by)
            if meets and not allows(guard, packet):
                return Outcome("filtered", guard.node, stopped_by(guard, packet))
    packet = Packet(source=way.source, target=way.target, protocol=protocol, port=port)
    for guard in plan.guards:
        if guard.stateful and not answers and guard.node == target and guard.way == "in" and not allows(guard, packet):
            return Outcome("filtered", guard.node, stopped_by(guard, packet))
    return None


def segment(plan: Plan, there: Path, answers: Path, family: Family) -> int:
    """The largest packet of a TCP connection: both ends' own MTU, less where a tunnel on the way clamps the MSS."""
    largest = min(there.hops[0].mtu, answers.hops[0].mtu) - HEADERS[family]
    names = {hop.interface for hop in (*there.hops, *answers.hops)}
    clamps = [mss(tunnel.mtu, family) for tunnel in plan.tunnels if tunnel.clamp_mss and tunnel.name in names]
    return min([largest, *clamps]) + HEADERS[family]


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
    group = next((g for g in plan.guards if g.stateful and g.node == source and g.way == "in"), None)
    if group is not None and not allows(group, told):
        return False
    # A router's own message crosses no ACL of its own: those look at what is forwarded.
    rest = replace(way, hops=way.hops[1:])
    return not rest.hops or blocking(plan, rest, "icmp", 0, answers=True) is None
