"""Clusters of a plan, as values: every name and address that a node is given before it starts."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Literal

from testbed.clusters import API_PORT, MANAGEMENT_RANGE, Taint
from testbed.cni import AnyCni

NODE_INTERFACE, MANAGEMENT_INTERFACE = "lan0", "eth0"
"""Of a node: in its site, and, as Docker calls it, in Docker's own network."""
MANAGEMENT_GATEWAY = str(IPv4Network(MANAGEMENT_RANGE)[1])
"""Docker's: the first address (docs.docker.com, ``docker network create``)."""
Role = Literal["control-plane", "worker"]


@dataclass(frozen=True, kw_only=True)
class PlannedClusterNode:
    """A node, called like the host whose namespace it lives in.

    Attributes:
        container: what kind calls it.
        labels: by name.
        asks: whether its site has a resolver, which answers it and CoreDNS when nobody in the cluster can.
    """

    name: str
    container: str
    role: Role
    site: str
    address: str
    labels: tuple[tuple[str, str], ...]
    taint: Taint | None = None
    asks: bool = False


@dataclass(frozen=True, kw_only=True)
class Peering:
    """A BGP session that a node opens: with a router of its site, in the node's subnet, or with another node of it."""

    node: str
    peer: str
    peer_as: int


@dataclass(frozen=True, kw_only=True)
class PlannedCluster:
    """A cluster.

    Attributes:
        cni: what joins its pods; ``None``: that is not known of a cluster that exists already.
        pods, services: ranges of addresses; empty: not known.
        mtu: of pods; 0: not known.
        path_mtu: the smallest of any way that a packet may take between two of its nodes, or to those of a neighbour.
        peerings: where nodes speak BGP: with whom.
        reflectors: nodes that pass on to others of their site what they learn; in each site they make one group.
        neighbours: ranges of other clusters' pods that routers know the way to, as they do to this one's.
        port: of the lab's own loopback, where the lab reaches the API server.
    """

    name: str
    version: str
    cni: AnyCni | None
    nodes: tuple[PlannedClusterNode, ...]
    pods: str
    services: str
    path_mtu: int
    mtu: int
    peerings: tuple[Peering, ...] = ()
    reflectors: tuple[str, ...] = ()
    neighbours: tuple[str, ...] = ()
    port: int = API_PORT

    @property
    def joined_by(self) -> AnyCni:
        """What joins its pods, of a cluster that a lab makes."""
        assert self.cni is not None, "it is not the testbed's own"
        return self.cni

    @property
    def control_plane(self) -> PlannedClusterNode:
        """The node whose API server all others talk to."""
        return self.nodes[0]

    @property
    def endpoint(self) -> str:
        """``ADDRESS:PORT`` of the API server, in its site's subnet."""
        return f"{self.control_plane.address}:{API_PORT}"

    def node(self, name: str) -> PlannedClusterNode:
        """The node of that name. Raises ``KeyError``."""
        for node in self.nodes:
            if node.name == name:
                return node
        raise KeyError(name)
