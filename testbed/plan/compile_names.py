"""From declared resolvers to planned ones: each gets the ranges of its site, and whom it asks."""

from __future__ import annotations

from testbed.plan.draft import Draft
from testbed.plan.resolvers import PlannedResolver


def resolvers(draft: Draft) -> tuple[PlannedResolver, ...]:
    """Every resolver, in declared order."""
    declared = draft.model.resolvers
    return tuple(
        PlannedResolver(
            node=mine.host, site=mine.site, domain=mine.domain, ttl=mine.ttl,
            ranges=(draft.sites[mine.site].cidr, draft.sites[mine.site].cidr6),
            forwards_to=tuple(
                other.host
                for other in declared
                if other != mine and (mine.forwards_to is None or other.site in mine.forwards_to)
            ),
        )
        for mine in declared
    )  # fmt: skip
