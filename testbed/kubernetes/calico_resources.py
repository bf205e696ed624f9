"""Calico's own settings, as the resources that it reads from the cluster. Pure.

Source of every name: Calico 3.28, resource definitions, and the schemas in its ``manifests/calico.yaml``.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network
from typing import Any

from testbed.cni import AnyCni, Calico
from testbed.plan.clusters import Peering, PlannedCluster

VERSION = "crd.projectcalico.org/v1"
GROUPS = IPv4Network("244.0.0.0/16")
"""Numbers of groups of reflectors look like addresses; these are nobody's, as in Calico's own examples."""
OWN_POOL = "default-ipv4-ippool"
"""What Calico itself calls it."""
DEFAULT = "default"
"""The name of what holds for all nodes."""
OWN_AS_SEEN = 1
"""How often a node's own AS may be in the path to other nodes' pods: all nodes are in it, and routers between them."""


def resources(cluster: PlannedCluster) -> list[dict[str, Any]]:
    """What is to be there before Calico starts."""
    return [*_felix(cluster.joined_by), *_pools(cluster), *_bgp(cluster)]


def _felix(cni: AnyCni) -> Iterator[dict[str, Any]]:
    if isinstance(cni, Calico):
        asked: dict[str, Any] = {"wireguardEnabled": True} if cni.wireguard else {}
        asked |= {"iptablesBackend": "NFT"} if cni.dataplane == "nftables" else {}
        if asked:
            yield _resource("FelixConfiguration", DEFAULT, asked)


def _pools(cluster: PlannedCluster) -> Iterator[dict[str, Any]]:
    """Where routers know the way to other clusters' pods, these see our pods' own addresses.

    What leaves for an address that no pool has gets its node's; so theirs is a pool, though a disabled one, of which no
    pod is given an address. Calico makes its own pool only where there is none, so that has to be said, too.
    Source: Calico 3.28, IP pools, ``natOutgoing`` and ``disabled``.
    """
    if not cluster.neighbours:
        return
    plain = {"ipipMode": "Never", "vxlanMode": "Never", "nodeSelector": "all()"}
    own = {"cidr": cluster.pods, "blockSize": cluster.joined_by.node_block, "natOutgoing": True}
    yield _resource("IPPool", OWN_POOL, own | plain | {"allowedUses": ["Workload", "Tunnel"]})
    for number, pods in enumerate(cluster.neighbours, start=1):
        yield _resource("IPPool", f"neighbour-{number}", {"cidr": pods, "disabled": True} | plain)


def _bgp(cluster: PlannedCluster) -> Iterator[dict[str, Any]]:
    if not cluster.peerings:
        return
    # The routers know the way to each node's pods, so nodes need not know each other.
    mesh = {"nodeToNodeMeshEnabled": False, "asNumber": cluster.joined_by.speaks_as, "logSeverityScreen": "Info"}
    yield _resource("BGPConfiguration", DEFAULT, mesh)
    yield from (_peer(cluster, peering) for peering in cluster.peerings)
    yield from _reflecting(cluster)


def _reflecting(cluster: PlannedCluster) -> Iterator[dict[str, Any]]:
    """Nodes are there already; they are marked. Those of a site are one group: what one passed on no other takes."""
    sites = list(dict.fromkeys(node.site for node in cluster.nodes))
    for name in cluster.reflectors:
        group = GROUPS[1 + sites.index(cluster.node(name).site)]
        annotations = {"projectcalico.org/RouteReflectorClusterID": str(group)}
        yield {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "annotations": annotations}}


def _peer(cluster: PlannedCluster, peering: Peering) -> dict[str, Any]:
    spec: dict[str, Any] = {
        "node": peering.node,
        "peerIP": peering.peer,
        "asNumber": peering.peer_as,
        "numAllowedLocalASNumbers": OWN_AS_SEEN,
    }
    if peering.node in cluster.reflectors and peering.peer_as != cluster.joined_by.speaks_as:
        # The router is told of each node by its own address, and sends to it, not by way of the reflector.
        spec["keepOriginalNextHop"] = True
    return _resource("BGPPeer", f"{peering.node}-{peering.peer.replace('.', '-')}", spec)


def _resource(kind: str, name: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": VERSION, "kind": kind, "metadata": {"name": name}, "spec": spec}


def endpoint(cluster: PlannedCluster) -> dict[str, Any]:
    """Where Calico finds the API server. Source: Calico 3.28, eBPF, ``kubernetes-services-endpoint``."""
    host, _, port = cluster.endpoint.partition(":")
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "kubernetes-services-endpoint", "namespace": "kube-system"},
        "data": {"KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": port},
    }
