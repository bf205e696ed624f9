"""Groups, ACLs and firewalls of a plan: which rules stand where, and what they say to a packet. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Literal

from testbed.guards import BorderKind, Protocol, Way

GuardKind = Literal["security group"] | BorderKind


@dataclass(frozen=True, kw_only=True)
class PlannedRule:
    """A rule with whom it names as ranges of both families. ``text`` are the user's words."""

    text: str
    allow: bool
    protocol: Protocol
    ports: tuple[int, int] | None
    peers: tuple[str, ...]
    """Ranges; empty: everybody."""


@dataclass(frozen=True, kw_only=True)
class Guard:
    """All rules of one way at one place: of a host's groups together, or of one filter at a router's interface.

    Attributes:
        node: a host with security groups, or a router at a subnet with an ACL or a firewall.
        interface: the router's into that subnet; empty at a host.
    """

    name: str
    kind: GuardKind
    node: str
    interface: str
    way: Way
    rules: tuple[PlannedRule, ...]

    @property
    def stateful(self) -> bool:
        """Answers to what was let through pass."""
        return self.kind != "network ACL"

    @property
    def at_host(self) -> bool:
        """It looks at what a host itself sends and takes, not at what crosses a border."""
        return self.kind == "security group"


@dataclass(frozen=True, kw_only=True)
class Packet:
    """What a rule looks at. ``port`` is the destination's; 0 where there is none."""

    source: str
    target: str
    protocol: Protocol
    port: int = 0


def deciding(guard: Guard, packet: Packet) -> PlannedRule | None:
    """The rule that decides about a packet; ``None``: none fits, so it is denied."""
    peer = packet.source if guard.way == "in" else packet.target
    return next((rule for rule in guard.rules if _fits(rule, packet, peer)), None)


def label(guard: Guard) -> str:
    """What a guard is called, the same in the kernel and in reports."""
    place = f" {guard.interface}" if guard.interface else ""
    return f"{guard.kind} {guard.name}{place} {guard.way}"


def dropping(guard: Guard) -> str:
    """Comment of the rule that drops what a guard's rules do not allow: its counter tells who filtered."""
    return f"{label(guard)}: no rule allows"


def rule_comment(guard: Guard, rule: PlannedRule) -> str:
    """Comment of a rule, by which it is known when read back."""
    return f"{label(guard)}: {rule.text}"


def stopped_by(guard: Guard, packet: Packet) -> str:
    """Comment of the rule that drops a packet which a guard does not allow."""
    rule = deciding(guard, packet)
    return dropping(guard) if rule is None else rule_comment(guard, rule)


def allows(guard: Guard, packet: Packet) -> bool:
    """Whether a guard lets a packet through that answers nothing."""
    rule = deciding(guard, packet)
    return rule is not None and rule.allow


def _fits(rule: PlannedRule, packet: Packet, peer: str) -> bool:
    if rule.protocol not in ("any", packet.protocol):
        return False
    if rule.ports is not None and not rule.ports[0] <= packet.port <= rule.ports[1]:
        return False
    address = ip_address(peer)
    return not rule.peers or any(address in ip_network(range_) for range_ in rule.peers)
