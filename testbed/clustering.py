"""The part of the builder that declares clusters: their nodes become hosts of sites."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from testbed.clusters import CALICO, POD_RANGE, SERVICE_RANGE, VERSION, Cluster, ClusterNode, Taint
from testbed.cni import AnyCni
from testbed.parameters import Parameters
from testbed.values import Named, Values


class Place(Named, Protocol):
    """A site that can have nodes."""

    @property
    def zones(self) -> tuple[str, ...]:
        """Zones to spread nodes over."""

    def host(self, name: str, *, zone: str = "") -> str:
        """Add a host."""


@dataclass(frozen=True)
class ClusterHandle:
    """A cluster of the topology being built: names of its nodes, which are hosts as all others."""

    name: str
    control_plane: tuple[str, ...]
    workers: Mapping[str, tuple[str, ...]]
    """By site."""


class Clustering(Values):
    """Collects clusters."""

    def __init__(self, parameters: Parameters) -> None:
        super().__init__(parameters)
        self._clusters: list[Cluster] = []

    def cluster(
        self, name: str, *, control_plane: Place, workers: Mapping[Place, int], version: str = VERSION,
        cni: AnyCni = CALICO, taints: Mapping[Place, Taint] | None = None, pods: str = POD_RANGE,
        services: str = SERVICE_RANGE, prefix: str = "",
    ) -> ClusterHandle:  # fmt: skip
        """Add a Kubernetes cluster. Its nodes are called ``SITE-cp``, ``SITE-1``, ``SITE-2`` after ``prefix``.

        A second cluster in a site needs a prefix. Workers are spread over the zones of their site. ``taints``: of the
        workers of a site. The others: :class:`testbed.clusters.Cluster`.
        """
        first = control_plane.host(f"{prefix}{control_plane.name}-cp", zone=control_plane.zones[0])
        made: dict[str, tuple[str, ...]] = {}
        nodes = [ClusterNode(host=first, site=control_plane.name, control_plane=True)]
        for site, count in workers.items():
            zones = site.zones
            made[site.name] = tuple(
                site.host(f"{prefix}{site.name}-{number + 1}", zone=zones[number % len(zones)])
                for number in range(count)
            )
            nodes += [ClusterNode(host=host, site=site.name, control_plane=False) for host in made[site.name]]
        self._clusters.append(
            Cluster(
                name=name, version=version, cni=cni, nodes=tuple(nodes), pods=pods, services=services,
                taints=tuple((site.name, taint) for site, taint in (taints or {}).items()),
            )
        )  # fmt: skip
        return ClusterHandle(name, (first,), made)
