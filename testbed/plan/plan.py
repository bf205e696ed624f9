"""The plan: every name, address and number of a lab, decided before anything is touched.

A plan follows from the topology and the lab's id alone, and is a value: it can be printed, compared, kept in a file and
read back. :mod:`testbed.plan.steps` says in which order it is carried out.

Every lab has one namespace a node, and one more, the *fabric*, which holds the far end of every cable: bridges for the
subnets, and for each link a pair of ports between which packets are redirected. Impairments sit in the fabric, so no
node sees them as its own; a link's shaper sits on the router's interface, where a router's queue is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeVar

from testbed.model import Impairment
from testbed.plan.clusters import PlannedCluster, PlannedClusterNode
from testbed.plan.guards import Guard
from testbed.plan.nat import Mapping, PlannedNat
from testbed.plan.resolvers import PlannedResolver
from testbed.plan.sessions import Reach, Routing, Session
from testbed.stores import Share, Volume
from testbed.units import Duration, Rate

FABRIC = "fabric"
"""Name of the namespace that holds bridges and wires. No node may be called so."""

NodeKind = Literal["host", "router", "internet"]
Direction = Literal["a_to_b", "b_to_a"]
DIRECTIONS: tuple[Direction, Direction] = ("a_to_b", "b_to_a")


@dataclass(frozen=True, kw_only=True)
class Node:
    """A namespace.

    ``address`` is what probes use to reach it: a host's own, a router's in its site's first subnet, or, where it has no
    site, on its first link; empty where it has none.
    """

    name: str
    kind: NodeKind
    role: str
    site: str
    zone: str
    address: str
    address6: str
    forwards: bool


@dataclass(frozen=True, kw_only=True)
class Cable:
    """A veth pair from a node's ``interface`` to a ``port`` in the fabric. Indexes are fixed: nothing is looked up."""

    node: str
    interface: str
    index: int
    mac: str
    mtu: int
    addresses: tuple[str, ...]
    port: str
    port_index: int
    bridge: int = 0
    """Index of the bridge that the port belongs to; 0: the port is one end of a wire."""


@dataclass(frozen=True, kw_only=True)
class Bridge:
    """One switch of a subnet. A subnet of more hosts than a bridge has ports gets several, joined to the first."""

    name: str
    index: int
    mtu: int
    trunk: tuple[str, int, str, int, int] | None = None
    """(port here, its index, port on the first bridge, its index, the first bridge's index)."""


@dataclass(frozen=True, kw_only=True)
class End:
    """One end of a link or tunnel."""

    node: str
    interface: str
    address: str
    address6: str
    port: str = ""
    port_index: int = 0
    index: int = 0


@dataclass(frozen=True, kw_only=True)
class Shaper:
    """Token bucket on a sending interface. ``rate`` counts layer-3 bytes and 14 bytes of Ethernet."""

    rate: Rate
    burst_bytes: int
    limit_bytes: int


@dataclass(frozen=True, kw_only=True)
class PlannedLink:
    """A link with everything that faults, receipts and reports need to know of it."""

    name: str
    kind: str
    a: End
    b: End
    mtu: int
    rate: Rate | None
    policed: bool
    shaper: Shaper | None
    a_to_b: Impairment
    b_to_a: Impairment
    packets_in_flight: int
    """netem's limit: as many packets as can be on the way, so that netem itself never drops one."""

    def impairment(self, direction: Direction) -> Impairment:
        """What was asked for one direction."""
        return self.a_to_b if direction == "a_to_b" else self.b_to_a

    def ends(self, direction: Direction) -> tuple[End, End]:
        """(sending end, receiving end)."""
        return (self.a, self.b) if direction == "a_to_b" else (self.b, self.a)


@dataclass(frozen=True, kw_only=True)
class PlannedTunnel:
    """One tunnel of a VPN connection. ``outer_*`` are the underlay's addresses."""

    name: str
    vpn: str
    kind: Literal["ipsec", "wireguard"]
    a: End
    b: End
    outer_a: str
    outer_b: str
    mtu: int
    clamp_mss: bool
    suite: str
    nat_traversal: bool
    number: int
    """Makes the tunnel's if_id, mark and ports; counted over the whole topology from 1."""
    dpd: Duration
    ike_lifetime: Duration
    child_lifetime: Duration
    follows_ike: bool
    """Its interfaces go down and up with its IKE session."""
    secret: str
    """Pre-shared key, or the seed of the WireGuard key pairs. Made from the lab's id; protects nothing."""
    rate: Rate | None
    packets_per_s: int | None


@dataclass(frozen=True, kw_only=True)
class Route:
    """A static route of the kernel. ``via`` empty: the network is on ``interface``."""

    node: str
    prefix: str
    via: str
    interface: str = ""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A whole lab."""

    lab: str
    topology: str
    about: str
    parameters: dict[str, str]
    nodes: tuple[Node, ...]
    bridges: tuple[Bridge, ...]
    cables: tuple[Cable, ...]
    links: tuple[PlannedLink, ...]
    tunnels: tuple[PlannedTunnel, ...]
    loopbacks: tuple[tuple[str, str], ...]
    """(node, address with prefix length)."""
    routes: tuple[Route, ...]
    blocks_icmp: tuple[str, ...]
    routing: tuple[Routing, ...]
    reach: tuple[Reach, ...]
    access: tuple[PlannedLink, ...] = field(default=())
    """The hosts' own links to their subnet, for the hosts that were given an impairment or a rate."""
    shares: tuple[Share, ...] = ()
    volumes: tuple[Volume, ...] = ()
    guards: tuple[Guard, ...] = ()
    """Security groups and network ACLs."""
    nats: tuple[PlannedNat, ...] = ()
    mappings: tuple[Mapping, ...] = ()
    resolvers: tuple[PlannedResolver, ...] = ()
    clusters: tuple[PlannedCluster, ...] = ()

    def node(self, name: str) -> Node:
        """The node of that name. Raises ``KeyError``."""
        return _by_name(self.nodes, name)

    def link(self, name: str) -> PlannedLink:
        """The link of that name. Raises ``KeyError``."""
        return _by_name((*self.links, *self.access), name)

    def share(self, name: str) -> Share:
        """The share of that name. Raises ``KeyError``."""
        return _by_name(self.shares, name)

    def volume(self, name: str) -> Volume:
        """The volume of that name. Raises ``KeyError``."""
        return _by_name(self.volumes, name)

    def routing_of(self, node: str) -> Routing:
        """What a router's daemon is told. Raises ``KeyError``."""
        for routing in self.routing:
            if routing.node == node:
                return routing
        raise KeyError(node)

    def session(self, name: str) -> Session:
        """The BGP session over a link or tunnel, as its side ``a`` sees it. Raises ``KeyError``."""
        for routing in self.routing:
            for session in routing.sessions:
                if session.name == name:
                    return session
        raise KeyError(name)

    @property
    def hosts(self) -> tuple[Node, ...]:
        """The end hosts."""
        return tuple(node for node in self.nodes if node.kind == "host")

    @property
    def cluster_nodes(self) -> tuple[PlannedClusterNode, ...]:
        """The nodes of all clusters."""
        return tuple(node for cluster in self.clusters for node in cluster.nodes)


_Named = TypeVar("_Named", Node, PlannedLink, Share, Volume)


def _by_name(values: tuple[_Named, ...], name: str) -> _Named:
    for value in values:
        if value.name == name:
            return value
    raise KeyError(name)
