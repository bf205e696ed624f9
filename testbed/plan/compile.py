"""From a model to a plan. Pure: one model and one lab id give one plan.

The stages, in order: subnets get ranges; routers and hosts become nodes; subnets become bridges and cables; links
become wires; VPNs become tunnels; sessions become routing; what must be reachable follows from all that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from testbed.model import QUEUE, Host, Impairment, Link, Model, Router, Site, Subnet, Vpn
from testbed.plan import addresses, routing, sizes
from testbed.plan.clusters import NODE_INTERFACE
from testbed.plan.compile_clusters import clusters
from testbed.plan.compile_guards import guards
from testbed.plan.compile_names import resolvers
from testbed.plan.compile_nat import add_gateway, host_routes, mappings, nats, touches
from testbed.plan.draft import Draft, cable_end
from testbed.plan.plan import FABRIC, Bridge, Cable, End, Node, Plan, PlannedLink, PlannedTunnel, Route
from testbed.plan.reach import reach
from testbed.units import Size


def compile_plan(model: Model, lab: str, parameters: Mapping[str, str] | None = None) -> Plan:
    """Decide everything about a lab.

    The model must have passed :func:`testbed.plan.validate.validate`.

    Raises:
        InputError: the preferences of its sessions contradict each other.
    """
    draft = Draft(model, lab, sites_with_ranges(model), {router.name: router for router in model.routers})
    for router in model.routers:
        _add_router(draft, router)
    for gateway in model.nat_gateways:
        add_gateway(draft, gateway)
    for site in draft.sites.values():
        _add_site(draft, site)
    for link in model.links:
        _add_link(draft, link)
    for vpn in model.vpns:
        _add_vpn(draft, vpn)
    planned_clusters = clusters(draft)
    routings = tuple(routing.routing_of(draft, router) for router in model.routers if router.kind != "internet")
    return Plan(
        lab=lab, topology=model.name, about=model.about, parameters=dict(parameters or {}),
        nodes=tuple(draft.nodes.values()), bridges=tuple(draft.bridges), cables=tuple(draft.cables),
        links=tuple(draft.links), access=tuple(draft.access), tunnels=tuple(draft.tunnels),
        loopbacks=tuple(draft.loopbacks), routes=tuple(draft.routes), routing=routings, reach=reach(routings),
        blocks_icmp=tuple(router.name for router in model.routers if router.blocks_icmp), shares=model.shares,
        volumes=model.volumes, guards=guards(draft), nats=nats(draft), mappings=mappings(draft),
        resolvers=resolvers(draft), clusters=planned_clusters,
    )  # fmt: skip


def sites_with_ranges(model: Model) -> dict[str, Site]:
    """The sites by name, each subnet with its ranges."""
    hosts = addresses.hosts_by_subnet(model)
    return {
        site.name: addresses.with_subnet_ranges(
            site, {subnet.name: len(hosts.get((site.name, subnet.name), ())) for subnet in site.subnets}
        )
        for site in model.sites
    }


def _add_router(draft: Draft, router: Router) -> None:
    site = draft.sites.get(router.site)
    address, address6 = "", ""
    if site is not None and site.subnets:
        address, address6 = addresses.router_address(site.subnets[0], draft.siblings(router).index(router))
    draft.nodes[router.name] = Node(
        name=router.name, kind="internet" if router.kind == "internet" else "router", role=router.kind,
        site=router.site, zone="", address=address, address6=address6, forwards=True,
    )  # fmt: skip


def _add_site(draft: Draft, site: Site) -> None:
    by_subnet = addresses.hosts_by_subnet(draft.model)
    mine = [router.name for router in draft.model.routers if router.site == site.name]
    gateways = {router: number for number, router in enumerate(mine)}
    for position, subnet in enumerate(site.subnets):
        hosts = by_subnet.get((site.name, subnet.name), [])
        inside = [gateway for gateway in draft.nats(site.name) if touches(gateway, subnet.name)]
        routers = gateways | {gateway.name: draft.nat_position(gateway) for gateway in inside}
        bridges = _add_bridges(draft, site.mtu, len(hosts) + len(routers))
        for router, number in routers.items():
            with_length = _with_length(subnet, addresses.router_address(subnet, number))
            port = f"{router}.{position}"
            draft.add_cable(router, f"lan{position}", site.mtu, with_length, port, bridges[0].index)
        for number, host in enumerate(hosts):
            bridge = bridges[(number + len(routers)) // addresses.PORTS_PER_BRIDGE]
            _add_host(draft, host, number, subnet, bridge, has_gateway=bool(gateways))


def _with_length(subnet: Subnet, pair: tuple[str, str]) -> tuple[str, ...]:
    ranges = (subnet.cidr, subnet.cidr6)
    return tuple(f"{address}/{range_.rpartition('/')[2]}" for address, range_ in zip(pair, ranges, strict=True))


def _add_bridges(draft: Draft, mtu: int, ports: int) -> list[Bridge]:
    """The switch of a subnet: as many bridges as its ports need, each joined to the first."""
    bridges: list[Bridge] = []
    for number in range(max(1, -(-ports // addresses.PORTS_PER_BRIDGE))):
        index = draft.next_index(FABRIC)
        trunk = None
        if number:
            here, there = draft.next_index(FABRIC), draft.next_index(FABRIC)
            trunk = (f"tr.{index}.0", here, f"tr.{index}.1", there, bridges[0].index)
        # A dot, which no node's name has: a host's port is called like the host.
        bridges.append(Bridge(name=f"br.{index}", index=index, mtu=mtu, trunk=trunk))
    draft.bridges += bridges
    return bridges


def _add_host(draft: Draft, host: Host, number: int, subnet: Subnet, bridge: Bridge, *, has_gateway: bool) -> None:
    address, address6 = addresses.host_address(subnet, number)
    with_length = _with_length(subnet, (address, address6))
    runs_pods = host.name in draft.cluster_nodes
    interface = NODE_INTERFACE if runs_pods else "eth0"
    cable = draft.add_cable(host.name, interface, bridge.mtu, with_length, host.name, bridge.index)
    draft.nodes[host.name] = Node(
        name=host.name, kind="host", role="host", site=host.site, zone=subnet.zone, address=address,
        address6=address6, forwards=runs_pods,
    )  # fmt: skip
    if has_gateway:
        draft.routes += host_routes(draft, host.name, draft.sites[host.site], host.subnet)
        draft.routes.append(Route(node=host.name, prefix="::/0", via=addresses.router_address(subnet, 0)[1]))
    _add_access(draft, host, cable, bridge)


def _add_access(draft: Draft, host: Host, cable: Cable, bridge: Bridge) -> None:
    """A host's own link to its switch: only where asked for, so that thousands of hosts stay cheap."""
    if host.a_to_b is None and host.b_to_a is None and host.rate is None:
        return
    link = Link(
        name=host.name, kind="lan", a=host.name, b=FABRIC, mtu=bridge.mtu, rate=host.rate, queue=QUEUE,
        a_to_b=host.a_to_b or Impairment(), b_to_a=host.b_to_a or Impairment(),
    )  # fmt: skip
    switch = End(node=FABRIC, interface=bridge.name, address="", address6="")
    draft.access.append(planned_link(link, cable_end(cable), switch, kind="access"))


def planned_link(link: Link, a: End, b: End, kind: str) -> PlannedLink:
    """A link with its queues sized. Raises ``ValueError`` where the kernel cannot count that far."""
    shaper = sizes.shaper(link.rate, link.mtu, link.queue) if link.rate is not None and not link.policed else None
    burst = Size(shaper.burst_bytes if shaper else 0)
    return PlannedLink(
        name=link.name, kind=kind, a=a, b=b, mtu=link.mtu, rate=link.rate, policed=link.policed, shaper=shaper,
        a_to_b=link.a_to_b, b_to_a=link.b_to_a,
        packets_in_flight=max(sizes.packets_in_flight(link.rate, i, burst) for i in (link.a_to_b, link.b_to_a)),
    )  # fmt: skip


def _add_link(draft: Draft, link: Link) -> None:
    public = link.kind == "internet"
    pair = addresses.pair(draft.next_pair(), public=public)
    ends: list[End] = []
    for letter, node, (address, address6) in (("a", link.a, pair.a), ("b", link.b, pair.b)):
        with_length = (f"{address}/{pair.prefix[0]}", f"{address6}/{pair.prefix[1]}")
        cable = draft.add_cable(node, link.name, link.mtu, with_length, f"{link.name}.{letter}")
        ends.append(cable_end(cable, address, address6))
        if not draft.nodes[node].address:
            draft.nodes[node] = replace(draft.nodes[node], address=address, address6=address6)
    a, b = ends
    draft.links.append(planned_link(link, a, b, link.kind))
    if public:
        # The gateway reaches every public address through its provider.
        draft.routes.append(Route(node=link.a, prefix=str(addresses.UNDERLAY), via=b.address))
        draft.routes.append(Route(node=link.a, prefix=str(addresses.UNDERLAY6), via=b.address6))
    routing.add_link(draft, link, a, b)


def _add_vpn(draft: Draft, vpn: Vpn) -> None:
    to_a, to_b = (_attachment(draft, gateway, vpn.over) for gateway in (vpn.a, vpn.b))
    for position, name in enumerate(vpn.tunnels):
        number = draft.next_pair()
        # Each tunnel ends at a public address of its own on side a, as the provider's two endpoints do.
        outer_a = addresses.tunnel_endpoint(number)
        draft.loopbacks.append((vpn.a, f"{outer_a}/32"))
        draft.routes.append(Route(node=vpn.over, prefix=f"{outer_a}/32", via=to_a.a.address))
        tunnel = _tunnel(draft, vpn, name, number, outer_a, to_b.a.address, min(to_a.mtu, to_b.mtu))
        draft.tunnels.append(tunnel)
        routing.add_tunnel(draft, vpn, position, tunnel)


def _tunnel(
    draft: Draft, vpn: Vpn, name: str, number: int, outer_a: str, outer_b: str, path_mtu: int
) -> PlannedTunnel:  # fmt: skip
    pair = addresses.pair(number)
    a, b = (
        End(node=node, interface=name, address=address, address6=address6, index=draft.next_index(node))
        for node, (address, address6) in ((vpn.a, pair.a), (vpn.b, pair.b))
    )
    return PlannedTunnel(
        name=name, vpn=vpn.name, kind=vpn.kind, a=a, b=b, outer_a=outer_a, outer_b=outer_b,
        mtu=sizes.tunnel_mtu(vpn, path_mtu), clamp_mss=vpn.clamp_mss, suite=vpn.suite,
        nat_traversal=vpn.nat_traversal, number=number, dpd=vpn.dpd or sizes.DPD,
        ike_lifetime=vpn.ike_lifetime or sizes.IKE_LIFETIME,
        child_lifetime=vpn.child_lifetime or sizes.CHILD_LIFETIME, rate=vpn.rate, packets_per_s=vpn.packets_per_s,
        follows_ike=vpn.follows_ike, secret=addresses.secret(draft.lab, name),
    )  # fmt: skip


def _attachment(draft: Draft, gateway: str, internet: str) -> PlannedLink:
    return next(link for link in draft.links if link.a.node == gateway and link.b.node == internet)
