"""One rule of a packet filter, in nft's JSON (libnftables-json(5))."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

TABLE = "testbed"


@dataclass(frozen=True)
class Rule:
    """One rule, as nft's JSON has it: what must match, and what is done. ``comment`` tells rules apart on read-back."""

    chain: str
    comment: str
    matches: tuple[str, ...]
    """JSON texts."""
    action: str
    """JSON text."""

    def body(self) -> dict[str, object]:
        """The rule for ``nft -j``, with a counter, so that a report can say how many packets it took."""
        expressions = [*map(json.loads, self.matches), {"counter": {"packets": 0, "bytes": 0}}, json.loads(self.action)]
        return {
            "family": "inet", "table": TABLE, "chain": self.chain, "comment": self.comment, "expr": expressions,
        }  # fmt: skip


def match(operator: str, left: Mapping[str, object], right: object) -> str:
    """A comparison, as JSON text."""
    return json.dumps({"match": {"op": operator, "left": left, "right": right}})
