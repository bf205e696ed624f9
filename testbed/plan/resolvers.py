"""Resolvers of a plan, as values: :mod:`testbed.plan.names` says what they know, this only what they are."""

from __future__ import annotations

from dataclasses import dataclass

from testbed.units import Duration


@dataclass(frozen=True, kw_only=True)
class PlannedResolver:
    """The DNS server of a site, on ``node``.

    Attributes:
        ranges: of the site, one in each family: whose reverse names it knows.
        forwards_to: the nodes of other resolvers, each asked for the names and the ranges of its own site.
    """

    node: str
    site: str
    domain: str
    ranges: tuple[str, str]
    ttl: Duration
    forwards_to: tuple[str, ...]
