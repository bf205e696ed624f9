"""Fragments of IPv4 packets as a node gets them: counted, or dropped as some firewalls do (RFC 8900 section 3.7).

They are looked at before connection tracking puts them together, which it does on every node of a cluster.
"""

from __future__ import annotations

import json
from typing import Any

from testbed.net import filters
from testbed.net.namespace import Namespaces
from testbed.net.natting import is_fragment

TABLE, CHAIN = "testbed-fragments", "seen"
_OF = {"family": "inet", "table": TABLE}
_BEFORE_DEFRAGMENTATION = -450
"""That is at -400: ``NF_IP_PRI_CONNTRACK_DEFRAG``, include/uapi/linux/netfilter_ipv4.h."""


def table(*, drop: bool) -> str:
    """A table of our own for ``nft -j``, in place of one that is there. Pure."""
    own = {"add": {"table": {"family": "inet", "name": TABLE}}}
    hook = {"type": "filter", "hook": "prerouting", "prio": _BEFORE_DEFRAGMENTATION, "policy": "accept"}
    fragment = [json.loads(is_fragment()), {"counter": {"packets": 0, "bytes": 0}}]
    commands: list[dict[str, Any]] = [
        own, {"delete": own["add"]}, own, {"add": {"chain": {**_OF, "name": CHAIN, **hook}}},
        {"add": {"rule": {**_OF, "chain": CHAIN, "expr": [*fragment, *([{"drop": None}] if drop else [])]}}},
    ]  # fmt: skip
    return json.dumps({"nftables": commands})


def watch(namespaces: Namespaces, node: str, *, drop: bool = False) -> None:
    """Count from now on what comes in fragments, and drop it if asked to."""
    filters.nft(namespaces, node, ["-f", filters.STDIN], table(drop=drop))


def seen(namespaces: Namespaces, node: str) -> int:
    """How many there were since :func:`watch`."""
    (rule,) = filters.read(namespaces, node, TABLE)
    return filters.packets(rule)


def leave(namespaces: Namespaces, node: str) -> None:
    """Let them pass again, and count no more."""
    filters.remove(namespaces, node, TABLE)
