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
DEFAULT = "default"
"""The name of what holds for all nodes."""
OWN_AS_SEEN = 1
"""How often a node's own AS may be in the path to other nodes' pods: all nodes are in it, and routers between them."""


def resources(cluster: PlannedCluster) -> list[dict[str, Any]]:
    """What is to be there before Calico starts."""
    return [*_felix(cluster.joined_by), *_bgp(cluster)]


def _felix(cni: AnyCni) -> Iterator[dict[str, Any]]:
    if isinstance(cni, Calico):
        asked: dict[str, Any] = {"wireguardEnabled": True} if cni.wireguard else {}
        asked |= {"iptablesBackend": "NFT"} if cni.dataplane == "nftables" else {}
        if asked:
            yield _resource("FelixConfiguration", DEFAULT, asked)


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
