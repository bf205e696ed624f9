"""What joins pods, laid over a cluster: for each kind of network the file that its project ships, made to fit. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from testbed.kubernetes.calico import CalicoNetwork
from testbed.kubernetes.flannel import FlannelNetwork
from testbed.plan.clusters import PlannedCluster


class Network(Protocol):
    """One kind of network for pods.

    Attributes:
        original: name of the manifest that its project ships, in the engine's tree.
    """

    @property
    def original(self) -> str:
        """See above."""

    def manifest(self, original: str, cluster: PlannedCluster) -> str:
        """What to create on a cluster that has no network yet, in order."""


NETWORKS: Mapping[str, Network] = {"calico": CalicoNetwork(), "flannel": FlannelNetwork()}
"""By the name of :class:`testbed.cni.Cni`."""


def manifest(cluster: PlannedCluster, folder: Path) -> str:
    """What to create on a cluster for its pods to be joined. ``folder``: of the originals."""
    network = NETWORKS[cluster.joined_by.name]
    return network.manifest((folder / network.original).read_text(encoding="utf-8"), cluster)
