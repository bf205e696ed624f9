"""Names: which host is the DNS server of a site, as a frozen value.

A resolver answers for the names of its site's nodes itself, and asks the resolvers of other sites for theirs:
conditional forwarding, as a Route 53 Resolver does with an inbound and an outbound endpoint and a forwarding rule for
each domain (Route 53 developer guide, resolving DNS queries between VPCs and your network).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from testbed.units import Duration

Result = Literal[
    "answer", "no data", "nxdomain", "servfail", "refused", "other", "timeout", "closed", "unreachable", "wrong"
]
RESULTS: tuple[Result, ...] = get_args(Result)
"""What comes of a question. ``refused`` is what a server says (RFC 1035 section 4.1.1); ``closed``: no program listens
there, or it hung up without an answer; ``unreachable``: the network said so; ``wrong``: not the answer expected."""
TOP_DOMAIN = "internal"
"""Below it lies a site's domain unless it says otherwise. Reserved for private use (ICANN board resolution of
2024-07-29); AWS's own private names end in it, too (VPC user guide, DNS attributes)."""
TTL = Duration(60 * 10**9)
"""Arbitrary. AWS's own resolver hands on at most 300 s (re:Post, how to change TTL of AWS local DNS resolver)."""


@dataclass(frozen=True, kw_only=True)
class Resolver:
    """The DNS server of a site.

    Attributes:
        site: whose names it knows.
        host: where it runs; a host of that site.
        domain: of the names, which are ``NODE.DOMAIN``.
        ttl: how long others may keep an answer.
        forwards_to: the sites whose resolvers it asks for their names; ``None``: every other that has one.
    """

    site: str
    host: str
    domain: str
    ttl: Duration = TTL
    forwards_to: tuple[str, ...] | None = None
