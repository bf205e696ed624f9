"""Nodes that speak BGP, and the routers of their sites: each session as its node and as its router sees it."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator

from testbed.clusters import Cluster
from testbed.model import Model, Router
from testbed.plan import addresses, sizes
from testbed.plan.clusters import Peering
from testbed.plan.draft import Draft
from testbed.plan.sessions import PodRouting, Session
from testbed.units import Duration

NODE_PREF = 400
"""Of what a router's own nodes announce: no way over a link or tunnel comes before it; arbitrary beyond that."""


def peerings(draft: Draft, cluster: Cluster) -> tuple[Peering, ...]:
    """The sessions of a cluster's nodes; the routers' side is added to the draft."""
    asn = cluster.cni.speaks_as
    if asn is None:
        return ()
    reflecting = reflectors(cluster)
    made: list[Peering] = []
    sessions: defaultdict[str, list[Session]] = defaultdict(list)
    for node in cluster.nodes:
        if reflecting and node.host not in reflecting:
            continue
        for router, session in _sessions(draft, node.site, node.host, asn):
            sessions[router.name].append(session)
            made.append(Peering(node=node.host, peer=session.local, peer_as=router.asn))
    for name, found in sessions.items():
        pods = PodRouting(prefix=cluster.pods, asn=asn, sessions=tuple(found))
        draft.pods.setdefault(name, []).append(pods)
    return (*made, *_among_nodes(draft, cluster, asn, reflecting))


def reflectors(cluster: Cluster) -> tuple[str, ...]:
    """The first nodes of each site, workers before those of the control plane."""
    sites = dict.fromkeys(node.site for node in cluster.nodes)
    workers_first = sorted(cluster.nodes, key=lambda node: node.control_plane)
    return tuple(
        node.host
        for site in sites
        for node in [node for node in workers_first if node.site == site][: cluster.cni.reflectors]
    )


def neighbours(model: Model, cluster: Cluster) -> tuple[Cluster, ...]:
    """The other clusters whose pods routers know the way to, if they do to those of this one."""
    if cluster.cni.speaks_as is None:
        return ()
    return tuple(other for other in model.clusters if other != cluster and other.cni.speaks_as is not None)


def _among_nodes(draft: Draft, cluster: Cluster, asn: int, reflecting: tuple[str, ...]) -> Iterator[Peering]:
    """Each node with the reflectors of its site: both call."""
    for a, b in itertools.permutations(cluster.nodes, 2):
        if a.site == b.site and (a.host in reflecting or b.host in reflecting):
            yield Peering(node=a.host, peer=draft.nodes[b.host].address, peer_as=asn)


def _sessions(draft: Draft, site: str, host: str, asn: int) -> Iterator[tuple[Router, Session]]:
    """Of a node with each router of its site, in the node's subnet, as the router sees it."""
    name = next(each.subnet for each in draft.model.hosts if each.name == host)
    names = [subnet.name for subnet in draft.sites[site].subnets]
    position = names.index(name)
    routers = [router for router in draft.model.routers if router.site == site]
    for number, router in enumerate(routers):
        local, _ = addresses.router_address(draft.sites[site].subnets[position], number)
        yield router, Session(
            name=f"node_{host}", interface=f"lan{position}", local=local, peer=draft.nodes[host].address,
            local_as=router.asn, peer_as=asn, hold=sizes.NODE_HOLD, keepalive=Duration(sizes.NODE_HOLD // 3),
            local_pref=NODE_PREF,
        )  # fmt: skip
