"""From a model to a plan. Pure: one model and one lab id give one plan.

The stages, in order: subnets get ranges; routers and hosts become nodes; subnets become bridges and cables; links become
wires; VPNs become tunnels; sessions become routing; what must be reachable follows from all that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from ipaddress import ip_network

from testbed import presets
from testbed.model import Bgp, Host, Impairment, Link, Model, Router, Site, Vpn
from testbed.plan import addresses, sizes
from testbed.plan.plan import (
    FABRIC,
    Bridge,
    Cable,
    End,
    Node,
    Plan,
    PlannedLink,
    PlannedTunnel,
    Reach,
    Route,
    Routing,
    Session,
    StaticVpnRoute,
)
from testbed.units import Duration


@dataclass
class _Draft:
    """What the stages fill in."""

    model: Model
    lab: str
    sites: dict[str, Site]
    nodes: list[Node] = field(default_factory=list)
    bridges: list[Bridge] = field(default_factory=list)
    cables: list[Cable] = field(default_factory=list)
    links: list[PlannedLink] = field(default_factory=list)
    access: list[PlannedLink] = field(default_factory=list)
    tunnels: list[PlannedTunnel] = field(default_factory=list)
    loopbacks: list[tuple[str, str]] = field(default_factory=list)
    routes: list[Route] = field(default_factory=list)
    sessions: dict[str, list[Session]] = field(default_factory=dict)
    statics: dict[str, list[StaticVpnRoute]] = field(default_factory=dict)
    indexes: dict[str, int] = field(default_factory=dict)
    """Last interface index given out in each namespace."""
    pairs: int = 0
    """How many point-to-point networks were given out."""

    def next_index(self, namespace: str) -> int:
        """The next free interface index."""
        first = addresses.FIRST_FABRIC_INDEX if namespace == FABRIC else addresses.FIRST_INDEX
        self.indexes[namespace] = self.indexes.get(namespace, first - 1) + 1
        return self.indexes[namespace]

    def router(self, name: str) -> Router:
        """The router of that name."""
        return next(router for router in self.model.routers if router.name == name)

    def next_pair(self) -> int:
        """Number of the next point-to-point network."""
        self.pairs += 1
        return self.pairs

    def cable(
        self, node: str, interface: str, *, mtu: int, addresses_: tuple[str, ...], port: str, bridge: int = 0
    ) -> Cable:
        """Add a cable from a node into the fabric."""
        cable = Cable(
            node=node, interface=interface, index=self.next_index(node), mac=addresses.mac(self.lab, node, interface),
            mtu=mtu, addresses=addresses_, port=port, port_index=self.next_index(FABRIC), bridge=bridge,
        )  # fmt: skip
        self.cables.append(cable)
        return cable


def compile_plan(model: Model, lab: str, parameters: Mapping[str, str] | None = None) -> Plan:
    """Decide everything about a lab. The model must have passed :func:`testbed.plan.validate.validate`."""
    counts = {subnet: len(hosts) for subnet, hosts in addresses.hosts_by_subnet(model).items()}
    sites = {site.name: addresses.with_subnet_ranges(site, counts) for site in model.sites}
    draft = _Draft(model, lab, sites)
    _add_routers(draft)
    _add_subnets(draft)
    for link in model.links:
        _add_link(draft, link)
    for vpn in model.vpns:
        _add_vpn(draft, vpn)
    routing = tuple(_routing(draft, router) for router in model.routers if router.kind != "internet")
    return Plan(
        lab=lab, topology=model.name, about=model.about, parameters=dict(parameters or {}), nodes=tuple(draft.nodes),
        bridges=tuple(draft.bridges), cables=tuple(draft.cables), links=tuple(draft.links),
        access=tuple(draft.access), tunnels=tuple(draft.tunnels), loopbacks=tuple(draft.loopbacks),
        routes=tuple(draft.routes), routing=routing, reach=_reach(draft),
        blocks_icmp=tuple(router.name for router in model.routers if router.blocks_icmp),
    )  # fmt: skip


def _add_routers(draft: _Draft) -> None:
    for number, router in enumerate(draft.model.routers, start=1):
        site = draft.sites.get(router.site)
        address, address6 = str(addresses.ROUTER_IDS[number]), ""
        if site is not None and site.subnets:
            place = _router_number(draft, router)
            address, address6 = addresses.router_address(site.subnets[0], place)
        draft.nodes.append(
            Node(
                name=router.name, kind="internet" if router.kind == "internet" else "router", role=router.kind,
                site=router.site, zone="", address=address, address6=address6, forwards=True,
            )
        )  # fmt: skip


def _router_number(draft: _Draft, router: Router) -> int:
    return [r.name for r in draft.model.routers if r.site == router.site].index(router.name)


def _add_subnets(draft: _Draft) -> None:
    by_subnet = addresses.hosts_by_subnet(draft.model)
    for site in draft.sites.values():
        routers = [router for router in draft.model.routers if router.site == site.name]
        for position, subnet in enumerate(site.subnets):
            hosts = by_subnet.get(subnet.name, [])
            bridges = _add_bridges(draft, subnet.name, site.mtu, len(hosts) + len(routers))
            length, length6 = subnet.cidr.rpartition("/")[2], subnet.cidr6.rpartition("/")[2]
            for number, router in enumerate(routers):
                address, address6 = addresses.router_address(subnet, number)
                draft.cable(
                    router.name, f"lan{position}", mtu=site.mtu, port=f"{router.name}.{position}",
                    addresses_=(f"{address}/{length}", f"{address6}/{length6}"), bridge=bridges[0].index,
                )  # fmt: skip
            gateway = addresses.router_address(subnet, 0) if routers else None
            for number, host in enumerate(hosts):
                bridge = bridges[(number + len(routers)) // addresses.PORTS_PER_BRIDGE]
                address, address6 = addresses.host_address(subnet, number)
                cable = draft.cable(
                    host.name, "eth0", mtu=site.mtu, port=host.name, bridge=bridge.index,
                    addresses_=(f"{address}/{length}", f"{address6}/{length6}"),
                )  # fmt: skip
                draft.nodes.append(
                    Node(
                        name=host.name, kind="host", role="host", site=site.name, zone=subnet.zone, address=address,
                        address6=address6, forwards=False,
                    )
                )  # fmt: skip
                if gateway is not None:
                    draft.routes += [Route(node=host.name, prefix="0.0.0.0/0", via=gateway[0])]
                    draft.routes += [Route(node=host.name, prefix="::/0", via=gateway[1])]
                _add_access(draft, host, cable, bridge.name)


def _add_bridges(draft: _Draft, name: str, mtu: int, ports: int) -> list[Bridge]:
    count = max(1, -(-ports // addresses.PORTS_PER_BRIDGE))
    bridges: list[Bridge] = []
    for number in range(count):
        index = draft.next_index(FABRIC)
        trunk = None
        if number:
            pair = (draft.next_index(FABRIC), draft.next_index(FABRIC))
            trunk = (f"t{index}.{number}", pair[0], f"t{index}.0", pair[1], bridges[0].index)
        bridges.append(Bridge(name=f"br{index}", index=index, mtu=mtu, trunk=trunk))
    draft.bridges += bridges
    return bridges


def _add_access(draft: _Draft, host: Host, cable: Cable, bridge: str) -> None:
    """A host's own link to its switch: recorded only where asked for, so that thousands of hosts stay cheap."""
    if host.a_to_b is None and host.b_to_a is None and host.rate is None:
        return
    site = draft.sites[host.site]
    a = End(node=host.name, interface="eth0", address="", address6="", port=cable.port, port_index=cable.port_index, index=cable.index)
    b = End(node=FABRIC, interface=bridge, address="", address6="")
    draft.access.append(
        _planned(
            host.name, "access", a, b, site.mtu, host.rate, policed=False, queue=Duration.parse("50 ms"),
            a_to_b=host.a_to_b or Impairment(), b_to_a=host.b_to_a or Impairment(),
        )
    )  # fmt: skip


def _planned(
    name: str, kind: str, a: End, b: End, mtu: int, rate: object, *, policed: bool, queue: Duration,
    a_to_b: Impairment, b_to_a: Impairment,
) -> PlannedLink:  # fmt: skip
    shaper = None if rate is None or policed else sizes.shaper(rate, mtu, queue)  # type: ignore[arg-type]
    in_flight = max(sizes.packets_in_flight(rate, i) for i in (a_to_b, b_to_a))  # type: ignore[arg-type]
    return PlannedLink(
        name=name, kind=kind, a=a, b=b, mtu=mtu, rate=rate, policed=policed, shaper=shaper,  # type: ignore[arg-type]
        a_to_b=a_to_b, b_to_a=b_to_a, packets_in_flight=in_flight,
    )  # fmt: skip


def _add_link(draft: _Draft, link: Link) -> None:
    number = draft.next_pair()
    public = link.kind == "internet"
    net = list((addresses.UNDERLAY if public else addresses.LINK_NET).subnets(new_prefix=30))[number]
    net6 = (addresses.UNDERLAY6 if public else addresses.LINK_NET6)[number << 4]
    ends: list[End] = []
    for letter, node, offset in (("a", link.a, 1), ("b", link.b, 2)):
        address, address6 = str(net[offset]), str(net6 + offset)
        cable = draft.cable(
            node, link.name, mtu=link.mtu, port=f"{link.name}.{letter}",
            addresses_=(f"{address}/30", f"{address6}/126"),
        )  # fmt: skip
        ends.append(
            End(
                node=node, interface=link.name, address=address, address6=address6, port=cable.port,
                port_index=cable.port_index, index=cable.index,
            )
        )  # fmt: skip
    planned = _planned(
        link.name, link.kind, ends[0], ends[1], link.mtu, link.rate, policed=link.policed, queue=link.queue,
        a_to_b=link.a_to_b, b_to_a=link.b_to_a,
    )  # fmt: skip
    draft.links.append(planned)
    if public:
        # The gateway reaches every public address through its provider.
        draft.routes.append(Route(node=link.a, prefix=str(addresses.UNDERLAY), via=ends[1].address))
        draft.routes.append(Route(node=link.a, prefix=str(addresses.UNDERLAY6), via=ends[1].address6))
    if link.bgp is not None:
        _add_sessions(draft, link.name, ends[0], ends[1], link.bgp)


def _add_sessions(draft: _Draft, name: str, a: End, b: End, bgp: Bgp) -> None:
    asn = {end.node: draft.router(end.node).asn for end in (a, b)}
    for side, (here, there) in enumerate(((a, b), (b, a))):
        for local, peer in ((here.address, there.address), (here.address6, there.address6)):
            draft.sessions.setdefault(here.node, []).append(
                Session(
                    name=f"{name}{'_6' if ':' in peer else ''}", interface=here.interface, local=local, peer=peer,
                    local_as=asn[here.node], peer_as=asn[there.node], hold=bgp.hold, keepalive=bgp.keepalive,
                    local_pref=bgp.local_pref, bfd=bgp.bfd, med=bgp.med[side], prepend=bgp.prepend[side],
                    communities=bgp.communities, prefix_limit=bgp.prefix_limit,
                )
            )  # fmt: skip


def _add_vpn(draft: _Draft, vpn: Vpn) -> None:
    outer_b = _outer(draft, vpn.b, vpn.over).a.address
    to_a = _outer(draft, vpn.a, vpn.over)
    for position, name in enumerate(vpn.tunnels):
        number = draft.next_pair()
        # Each tunnel ends at a public address of its own on side a, as the provider's two endpoints do.
        outer_a = str(addresses.UNDERLAY[-1 - number])
        draft.loopbacks.append((vpn.a, f"{outer_a}/32"))
        draft.routes.append(Route(node=vpn.over, prefix=f"{outer_a}/32", via=to_a.a.address))
        net = list(addresses.LINK_NET.subnets(new_prefix=30))[number]
        net6 = addresses.LINK_NET6[number << 4]
        a = End(node=vpn.a, interface=name, address=str(net[1]), address6=str(net6 + 1), index=draft.next_index(vpn.a))
        b = End(node=vpn.b, interface=name, address=str(net[2]), address6=str(net6 + 2), index=draft.next_index(vpn.b))
        draft.tunnels.append(
            PlannedTunnel(
                name=name, vpn=vpn.name, kind=vpn.kind, a=a, b=b, outer_a=outer_a, outer_b=outer_b,
                mtu=sizes.tunnel_mtu(vpn),
                clamp_mss=vpn.clamp_mss, suite=vpn.suite, nat_traversal=vpn.nat_traversal, number=number,
                dpd=vpn.dpd or sizes.DPD, ike_lifetime=vpn.ike_lifetime or sizes.IKE_LIFETIME,
                child_lifetime=vpn.child_lifetime or sizes.CHILD_LIFETIME, rate=vpn.rate,
                packets_per_s=vpn.packets_per_s, secret=addresses.secret(draft.lab, name),
            )
        )  # fmt: skip
        _add_tunnel_routing(draft, vpn, position, a, b)


def _outer(draft: _Draft, gateway: str, internet: str) -> PlannedLink:
    return next(link for link in draft.links if link.a.node == gateway and link.b.node == internet)


def _add_tunnel_routing(draft: _Draft, vpn: Vpn, position: int, a: End, b: End) -> None:
    if vpn.routing == "bgp" and vpn.bgp is not None:
        # The provider steers with MED to one tunnel (VPN user guide, routing); equal ones only under ECMP.
        equal = draft.router(vpn.a).ecmp > 1
        med = None if equal else 100 * (position + 1)
        _add_sessions(draft, a.interface, a, b, replace(vpn.bgp, med=(med, med)))
        return
    for here, there in ((a, b), (b, a)):
        for prefix in _originated(draft, there.node):
            draft.statics.setdefault(here.node, []).append(
                StaticVpnRoute(prefix=prefix, interface=here.interface, local_pref=presets.LOCAL_PREF_VPN_STATIC.value - position)
            )


def _originated(draft: _Draft, router: str) -> tuple[str, ...]:
    site = draft.sites.get(draft.router(router).site)
    return () if site is None else (site.cidr, site.cidr6)


def _routing(draft: _Draft, router: Router) -> Routing:
    site = draft.sites[router.site]
    sessions = list(draft.sessions.get(router.name, ()))
    siblings = [r for r in draft.model.routers if r.site == router.site and r.name != router.name]
    for sibling in siblings:
        sessions += _internal_sessions(draft, site, router, sibling)
    lans = tuple(c.interface for c in draft.cables if c.node == router.name and c.bridge)
    return Routing(
        node=router.name, daemon=router.daemon, asn=router.asn, ecmp=router.ecmp, sessions=tuple(sessions),
        router_id=str(addresses.ROUTER_IDS[1 + [r.name for r in draft.model.routers].index(router.name)]),
        originate=_originated(draft, router.name), statics=tuple(draft.statics.get(router.name, ())),
        ospf=lans if site.ospf else (),
    )  # fmt: skip


def _internal_sessions(draft: _Draft, site: Site, router: Router, sibling: Router) -> list[Session]:
    """IBGP between the routers of one site, over its first subnet."""
    here = addresses.router_address(site.subnets[0], _router_number(draft, router))
    there = addresses.router_address(site.subnets[0], _router_number(draft, sibling))
    return [
        Session(
            name=f"ibgp_{sibling.name}{'_6' if ':' in peer else ''}".replace("-", "_"), interface="lan0", local=local,
            peer=peer, local_as=router.asn, peer_as=sibling.asn, hold=sizes.IBGP_HOLD,
            keepalive=Duration(sizes.IBGP_HOLD // 3), local_pref=100,
        )
        for local, peer in zip(here, there, strict=True)
    ]  # fmt: skip


def _reach(draft: _Draft) -> tuple[Reach, ...]:
    """Each router must come to know what its direct BGP or static neighbours originate, by the most preferred way."""
    ways: dict[tuple[str, str], list[tuple[tuple[int, int], str]]] = {}
    both = [(link.a, link.b) for link in (*draft.links, *draft.tunnels)]
    peers = {(here.node, here.interface): there.node for a, b in both for here, there in ((a, b), (b, a))}
    for node, sessions in draft.sessions.items():
        for session in sessions:
            for prefix in _originated(draft, peers[node, session.interface]):
                if ip_network(prefix).version == session.family:
                    # A peer's MED is what it attaches; both ends attach the same, see _add_tunnel_routing.
                    rank = (-session.local_pref, session.med or 0)
                    ways.setdefault((node, prefix), []).append((rank, session.interface))
    for node, statics in draft.statics.items():
        for static in statics:
            ways.setdefault((node, static.prefix), []).append(((-static.local_pref, 0), static.interface))
    return tuple(
        Reach(
            node=node, prefix=prefix, via=tuple(dict.fromkeys(interface for _, interface in found)),
            best=tuple(dict.fromkeys(interface for rank, interface in found if rank == min(r for r, _ in found))),
        )
        for (node, prefix), found in sorted(ways.items())
    )  # fmt: skip
