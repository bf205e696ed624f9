"""How many packets each rule that drops has dropped so far: what tells who filtered."""

from __future__ import annotations

import json
from collections.abc import Iterator

from testbed.net import filters
from testbed.run.lab import Lab


def drops(lab: Lab) -> dict[tuple[str, str], int]:
    """By node and rule, of all nodes that filter."""
    return {key: count for node in filters.nodes(lab.plan) for key, count in _dropped(lab, node)}


def since(lab: Lab, before: dict[tuple[str, str], int]) -> dict[tuple[str, str], int]:
    """The same, since it was ``before``."""
    return {key: count - before[key] for key, count in drops(lab).items()}


def _dropped(lab: Lab, node: str) -> Iterator[tuple[tuple[str, str], int]]:
    """What the rules of a node that drop have dropped so far; those of path MTU discovery are no guards."""
    ends = {"drop", "reject"}
    dropping = {rule.comment for rule in filters.rules(lab.plan, node) if ends & json.loads(rule.action).keys()}
    for comment, count in filters.counts(lab.network.namespaces, node).items():
        if comment in dropping:
            yield (node, comment), count
