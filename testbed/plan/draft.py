"""What the stages of :mod:`testbed.plan.compile` fill in, one after the other."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from testbed.model import Model, Router, Site
from testbed.nat import NatGateway
from testbed.plan import addresses
from testbed.plan.plan import FABRIC, Bridge, Cable, End, Node, PlannedLink, PlannedTunnel, Route
from testbed.plan.sessions import PodRouting, Session, StaticVpnRoute


@dataclass
class Draft:
    """A plan in the making, and the numbers given out so far."""

    model: Model
    lab: str
    sites: dict[str, Site]
    routers: dict[str, Router]
    nodes: dict[str, Node] = field(default_factory=dict)
    bridges: list[Bridge] = field(default_factory=list)
    cables: list[Cable] = field(default_factory=list)
    links: list[PlannedLink] = field(default_factory=list)
    access: list[PlannedLink] = field(default_factory=list)
    tunnels: list[PlannedTunnel] = field(default_factory=list)
    loopbacks: list[tuple[str, str]] = field(default_factory=list)
    routes: list[Route] = field(default_factory=list)
    sessions: dict[str, list[Session]] = field(default_factory=dict)
    statics: dict[str, list[StaticVpnRoute]] = field(default_factory=dict)
    pods: dict[str, list[PodRouting]] = field(default_factory=dict)
    indexes: dict[str, int] = field(default_factory=dict)
    """Last interface index given out in each namespace."""
    pairs: int = 0
    """How many point-to-point networks were given out."""

    @cached_property
    def cluster_nodes(self) -> frozenset[str]:
        """Hosts that Kubernetes runs on: they forward what pods send."""
        return frozenset(node.host for cluster in self.model.clusters for node in cluster.nodes)

    def next_index(self, namespace: str) -> int:
        """The next free interface index."""
        first = addresses.FIRST_FABRIC_INDEX if namespace == FABRIC else addresses.FIRST_INDEX
        self.indexes[namespace] = self.indexes.get(namespace, first - 1) + 1
        return self.indexes[namespace]

    def next_pair(self) -> int:
        """Number of the next point-to-point network."""
        self.pairs += 1
        return self.pairs

    def siblings(self, router: Router) -> list[Router]:
        """All routers of a router's site, itself among them; the first is the hosts' gateway."""
        return [other for other in self.model.routers if other.site == router.site] if router.site else [router]

    def originated(self, router: str) -> tuple[str, ...]:
        """What a router announces as its own: its site's ranges, as others see them."""
        site = self.sites.get(self.routers[router].site)
        return () if site is None else (site.seen_as or site.cidr, site.cidr6)

    def nats(self, site: str) -> list[NatGateway]:
        """The NAT gateways of a site."""
        return [gateway for gateway in self.model.nat_gateways if gateway.site == site]

    def nat_position(self, gateway: NatGateway) -> int:
        """Its place among the routers of its site, which decides on its addresses."""
        routers = sum(router.site == gateway.site for router in self.model.routers)
        return routers + self.nats(gateway.site).index(gateway)

    def add_cable(
        self, node: str, interface: str, mtu: int, addresses_: tuple[str, ...], port: str, bridge: int = 0
    ) -> Cable:
        """Add a cable from a node into the fabric."""
        cable = Cable(
            node=node, interface=interface, index=self.next_index(node), mac=addresses.mac(self.lab, node, interface),
            mtu=mtu, addresses=addresses_, port=port, port_index=self.next_index(FABRIC), bridge=bridge,
        )  # fmt: skip
        self.cables.append(cable)
        return cable


def cable_end(cable: Cable, address: str = "", address6: str = "") -> End:
    """The end of a link that a cable is."""
    return End(
        node=cable.node, interface=cable.interface, address=address, address6=address6, port=cable.port,
        port_index=cable.port_index, index=cable.index,
    )  # fmt: skip
