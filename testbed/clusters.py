"""Kubernetes clusters of a topology, as frozen values: how many nodes in which sites."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from testbed.cni import AnyCni, Calico

CALICO = Calico()
Effect = Literal["NoSchedule", "PreferNoSchedule", "NoExecute"]

VERSION = "1.34"
"""Of Kubernetes: the one that the image for nodes is built of (testbed/cluster/recipe.toml)."""
POD_RANGE, SERVICE_RANGE = "10.244.0.0/16", "10.96.0.0/16"
"""kind's own defaults. Source: kind.sigs.k8s.io, configuration, networking."""
MANAGEMENT_RANGE = "192.0.2.0/24"
"""Docker's own network, on which nothing between nodes may go. Nobody's addresses: RFC 5737, TEST-NET-1."""
API_PORT = 6443
"""Source: kubernetes.io, ports and protocols. Also where the lab itself reaches the first cluster's API server, on its
loopback; the second is at the port after it, and so on."""


@dataclass(frozen=True, kw_only=True)
class Taint:
    """Keeps pods off a node that do not tolerate it. Source: kubernetes.io, taints and tolerations."""

    key: str
    value: str
    effect: Effect


@dataclass(frozen=True, kw_only=True)
class ClusterNode:
    """One node: a host of a site that Kubernetes runs on."""

    host: str
    site: str
    control_plane: bool


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """A Kubernetes cluster.

    Attributes:
        version: of Kubernetes, major and minor.
        cni: what joins its pods.
        nodes: those of the control plane first.
        pods, services: ranges of addresses that no site may have; another cluster may, unless both speak BGP.
        taints: by site, of its workers, as EKS gives hybrid nodes.
    """

    name: str
    version: str = VERSION
    cni: AnyCni = CALICO
    nodes: tuple[ClusterNode, ...] = ()
    pods: str = POD_RANGE
    services: str = SERVICE_RANGE
    taints: tuple[tuple[str, Taint], ...] = ()
