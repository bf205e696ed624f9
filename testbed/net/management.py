"""Counters of what crosses Docker's own network, where nothing between nodes may go. Pure.

A node's end of it is ``eth0``. What comes from there, or goes there, is between the testbed and the node: its other end
is the gateway. Every other packet would be one between nodes, or of a pod, that did not cross the lab.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from testbed.net.nft import Rule, match
from testbed.plan.clusters import MANAGEMENT_GATEWAY, MANAGEMENT_INTERFACE
from testbed.plan.plan import Plan

OURS, STRAY = "management: with the testbed", "management: between nodes"
_CONTINUE = json.dumps({"continue": None})
_HOOKS = (("input", "iifname", "saddr"), ("output", "oifname", "daddr"), ("forward", "oifname", "daddr"))
_MULTICAST = {"prefix": {"addr": "ff00::", "len": 8}}
"""Where to a kernel tells of itself, a bridge's too: RFC 4291 section 2.7."""


def nodes(plan: Plan) -> set[str]:
    """Hosts that are nodes of a cluster."""
    return {node.name for node in plan.cluster_nodes}


def rules(plan: Plan, node: str) -> Iterator[Rule]:
    """The counters of a node; none for a host that is no node."""
    if node not in nodes(plan):
        return
    for chain, way, end in _HOOKS:
        crosses = match("==", {"meta": {"key": way}}, MANAGEMENT_INTERFACE)
        address = {"payload": {"protocol": "ip", "field": end}}
        to6 = {"payload": {"protocol": "ip6", "field": "daddr"}}
        yield Rule(chain, f"{OURS}, {chain}", (crosses, match("==", address, MANAGEMENT_GATEWAY)), _CONTINUE)
        yield Rule(chain, f"{STRAY}, {chain}", (crosses, match("!=", address, MANAGEMENT_GATEWAY)), _CONTINUE)
        yield Rule(chain, f"{STRAY}, {chain}, IPv6", (crosses, match("!=", to6, _MULTICAST)), _CONTINUE)
