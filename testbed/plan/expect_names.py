"""Whether a host should learn another's address by its name, and why not: from the plan alone. Pure."""

from __future__ import annotations

from testbed.plan.expect import OK, Outcome, expect
from testbed.plan.names import DNS_PORT, FAMILY_OF_FORWARDING, resolver_of
from testbed.plan.paths import Family
from testbed.plan.plan import Plan


def expect_name(plan: Plan, source: str, target: str, family: Family) -> Outcome | None:
    """What should become of asking for a name over UDP; ``None``: there is nobody to ask, or no name to ask for.

    The host asks its site's resolver in that family, and that one the resolver of the other's site.
    """
    mine, theirs = resolver_of(plan, source), resolver_of(plan, target)
    if mine is None or theirs is None:
        return None
    asked = _reaches(plan, source, mine.node, family)
    if not asked.ok or mine == theirs:
        return asked
    if theirs.node not in mine.forwards_to:
        return Outcome("no record", mine.node, "refused")
    return _reaches(plan, mine.node, theirs.node, FAMILY_OF_FORWARDING)


def _reaches(plan: Plan, source: str, target: str, family: Family) -> Outcome:
    return OK if source == target else expect(plan, source, target, family, "udp", DNS_PORT)
