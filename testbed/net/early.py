"""Who speaks to a service before its node's kube-proxy has rules is refused, and asks again at once.

A packet that nobody translated leaves for where no such address is, and its connection is remembered untranslated: it
tries in vain until it gives up, after half a minute, though rules came a moment later. Where nodes of a cluster that
was kept start all at once, that is what most of a start is spent on.
"""

from __future__ import annotations

import json

from testbed.net import filters
from testbed.net.namespace import Namespaces
from testbed.net.nft import match
from testbed.plan.clusters import PlannedCluster

TABLE, CHAIN = "testbed-early", "forward"
_PLACE = {"family": "inet", "table": TABLE}
_HOOK = {"type": "filter", "hook": "forward", "prio": -150, "policy": "accept"}


def refuse(cluster: PlannedCluster, namespaces: Namespaces) -> None:
    """Begin to. Raises :class:`RunError` where nft refuses."""
    for node in cluster.nodes:
        filters.nft(namespaces, node.name, ["-f", filters.STDIN], rules(cluster))


def allow(cluster: PlannedCluster, namespaces: Namespaces) -> None:
    """End it: nothing of it is left. Raises :class:`RunError` where nft refuses."""
    for node in cluster.nodes:
        filters.remove(namespaces, node.name, TABLE)


def rules(cluster: PlannedCluster) -> str:
    """For ``nft -j -f -``. Pure."""
    address, _, length = cluster.services.partition("/")
    services = {"prefix": {"addr": address, "len": int(length)}}
    # What is translated has another destination by now.
    untranslated = json.loads(match("==", {"payload": {"protocol": "ip", "field": "daddr"}}, services))
    commands: list[dict[str, object]] = [
        {"add": {"table": {"family": "inet", "name": TABLE}}},
        {"add": {"chain": {**_PLACE, "name": CHAIN, **_HOOK}}},
    ]
    for protocol, answer in (("tcp", {"type": "tcp reset"}), ("udp", {"type": "icmp", "expr": "port-unreachable"})):
        spoken = json.loads(match("==", {"meta": {"key": "l4proto"}}, protocol))
        commands.append(
            {"add": {"rule": {**_PLACE, "chain": CHAIN, "expr": [spoken, untranslated, {"reject": answer}]}}}
        )
    return json.dumps({"nftables": commands})
