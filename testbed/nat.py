"""Network address translation: what a topology says of it.

A NAT gateway lets hosts of some subnets begin connections to elsewhere, and lends them its own address for that: nobody
there sees theirs, and nobody there can begin one (VPC user guide, NAT gateways). It is of AWS's *private* connectivity
type: its address is one of its subnet.

Sites with overlapping ranges are mapped: outside, a site is seen as another range of the same size, address by address
(``seen_as`` of :class:`testbed.model.Site`).
"""

from __future__ import annotations

from dataclasses import dataclass

from testbed.units import Duration

ANYWHERE = "any"


@dataclass(frozen=True, kw_only=True)
class NatGateway:
    """A NAT gateway of a VPC.

    Attributes:
        subnet: where it stands, and has its address from.
        serves: subnets whose hosts go through it.
        to: where these go through it: sites, ranges, or ``any``. Elsewhere they go by the site's own gateway, as to
            their own site.
        idle: after which it forgets a connection that says nothing.
        connections: at most, at once, to each address, port and protocol.
    """

    name: str
    site: str
    subnet: str
    serves: tuple[str, ...]
    to: tuple[str, ...]
    idle: Duration
    connections: int
