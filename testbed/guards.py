"""Security groups, network ACLs and firewalls: what a topology says of them, and how a rule reads.

A rule is a line of words::

    in tcp 443 from any            a security group allows; nothing else gets through
    deny in udp 1-1023 from dc     a network ACL allows or denies, the first rule that fits decides
    out any to 10.0.0.0/16         protocol any has no ports
    in tcp 5432 from group:app     the hosts of a security group, its own or another's; in security groups alone

Whom it names is ``any``, a range, a site, a host or a group. As at AWS (VPC user guide, security groups and network
ACLs) a group is stateful: answers to what it let through pass. An ACL is stateless: answers need a rule of their own. A
firewall, such as a data centre has at its border, stands where an ACL stands and is stateful.

A group belongs to hosts and only allows; what stands at a border belongs to subnets of a site and may deny: two types,
since one of both would have fields that half of its values must leave empty.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Way = Literal["in", "out"]
BorderKind = Literal["network ACL", "firewall"]
Protocol = Literal["any", "icmp", "tcp", "udp"]
WAYS: tuple[Way, ...] = get_args(Way)
PROTOCOLS: tuple[Protocol, ...] = get_args(Protocol)
PORT_MAX = 65535
GROUP = "group:"
"""Before the name of a security group that a rule names."""
EXAMPLES = ("in tcp 443 from any", "out any to 10.0.0.0/16")
EXAMPLE = f"such as {' or '.join(map(repr, EXAMPLES))}"


@dataclass(frozen=True, kw_only=True)
class SecurityGroup:
    """A stateful filter of the hosts that belong to it. Without a rule nothing goes in, and nothing out."""

    name: str
    hosts: tuple[str, ...]
    rules: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class BorderFilter:
    """A filter of what crosses the border of subnets. What no rule allows is denied.

    Attributes:
        kind: a network ACL is stateless, a firewall is stateful.
        subnets: of ``site``; empty: all of them.
    """

    name: str
    kind: BorderKind
    site: str
    subnets: tuple[str, ...]
    rules: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class GuardRule:
    """One rule, read. ``ports`` are (first, last), of the destination; ``None``: all."""

    allow: bool
    way: Way
    protocol: Protocol
    ports: tuple[int, int] | None
    peer: str


def parse(text: str) -> GuardRule:
    """Read a rule. Raises ``ValueError`` with what is wrong."""
    words = text.split()
    allow = words[:1] != ["deny"]
    if words[:1] in (["allow"], ["deny"]):
        words = words[1:]
    if len(words) not in (4, 5):
        raise ValueError("a rule is a way, a protocol, ports where it has any, and from or to whom")
    way = next((each for each in WAYS if each == words[0]), None)
    protocol = next((each for each in PROTOCOLS if each == words[1]), None)
    if way is None:
        raise ValueError(f"{words[0]!r} is no way: in or out")
    if protocol is None:
        raise ValueError(f"{words[1]!r} is no protocol: {', '.join(PROTOCOLS)}")
    if words[-2] != ("from" if way == "in" else "to"):
        raise ValueError(f"{words[-2]!r} does not go with {way!r}: in goes from, out goes to")
    ports = _ports(words[2]) if len(words) == 5 else None
    if ports is not None and protocol not in ("tcp", "udp"):
        raise ValueError(f"{protocol} has no ports")
    return GuardRule(allow=allow, way=way, protocol=protocol, ports=ports, peer=words[-1])


def _ports(text: str) -> tuple[int, int]:
    first, _, last = text.partition("-")
    if not first.isdecimal() or not (last or first).isdecimal():
        raise ValueError(f"{text!r} is no port and no range of ports")
    ports = int(first), int(last or first)
    if not 0 < ports[0] <= ports[1] <= PORT_MAX:
        raise ValueError(f"{text!r}: ports go from 1 to {PORT_MAX}, the lower one first")
    return ports
