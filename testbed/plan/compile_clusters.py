"""From declared clusters to planned ones: what kind will call the nodes, their labels, and the MTU of pods."""

from __future__ import annotations

from collections.abc import Iterator

from testbed.clusters import API_PORT, Cluster, ClusterNode
from testbed.plan import compile_peering
from testbed.plan.clusters import PlannedCluster, PlannedClusterNode, Role
from testbed.plan.draft import Draft
from testbed.theory.mtu import tunnel_mtu

ZONE, REGION, SITE = "topology.kubernetes.io/zone", "topology.kubernetes.io/region", "testbed.site"
"""The first two are Kubernetes' well-known labels."""
COMPUTE_TYPE = "eks.amazonaws.com/compute-type"
"""``hybrid`` on nodes that are not in the cloud. Source: EKS user guide, hybrid nodes."""


def clusters(draft: Draft) -> tuple[PlannedCluster, ...]:
    """Every cluster, in declared order."""
    return tuple(_cluster(draft, cluster, number) for number, cluster in enumerate(draft.model.clusters))


def _cluster(draft: Draft, cluster: Cluster, number: int) -> PlannedCluster:
    met = [cluster, *compile_peering.neighbours(draft.model, cluster)]
    path_mtu = min(_mtus(draft, {node.site for each in met for node in each.nodes}))
    mtu = cluster.cni.mtu or tunnel_mtu(path_mtu, cluster.cni.overhead)
    return PlannedCluster(
        name=cluster.name, version=cluster.version, cni=cluster.cni, nodes=tuple(_nodes(draft, cluster)),
        pods=cluster.pods, services=cluster.services, path_mtu=path_mtu, mtu=mtu,
        peerings=compile_peering.peerings(draft, cluster), reflectors=compile_peering.reflectors(cluster),
        neighbours=tuple(other.pods for other in met[1:]), port=API_PORT + number,
    )  # fmt: skip


def _nodes(draft: Draft, cluster: Cluster) -> Iterator[PlannedClusterNode]:
    taints = dict(cluster.taints)
    resolving = {resolver.site for resolver in draft.model.resolvers}
    counts: dict[Role, int] = {"control-plane": 0, "worker": 0}
    for node in cluster.nodes:
        role: Role = "control-plane" if node.control_plane else "worker"
        counts[role] += 1
        number = str(counts[role]) if counts[role] > 1 else ""
        yield PlannedClusterNode(
            name=node.host, container=f"{cluster.name}-{role}{number}", role=role, site=node.site,
            address=draft.nodes[node.host].address, labels=_labels(draft, node),
            taint=taints.get(node.site) if role == "worker" else None, asks=node.site in resolving,
        )  # fmt: skip


def _labels(draft: Draft, node: ClusterNode) -> tuple[tuple[str, str], ...]:
    site, zone = draft.sites[node.site], draft.nodes[node.host].zone
    own = {SITE: site.name, REGION: site.name, ZONE: f"{site.name}-{zone}" if zone else site.name}
    hybrid = {COMPUTE_TYPE: "hybrid"} if site.kind == "lan" else {}
    return tuple((own | hybrid).items())


def _mtus(draft: Draft, sites: set[str]) -> Iterator[int]:
    """Of all that a packet between nodes may cross, whatever fails; what lies below a tunnel is in the tunnel's own."""
    yield from (site.mtu for name, site in draft.sites.items() if name in sites)
    if len(sites) > 1:
        yield from (link.mtu for link in draft.links if link.kind != "internet")
        yield from (tunnel.mtu for tunnel in draft.tunnels)
