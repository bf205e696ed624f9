"""Gate 1: what the kernel has must be what was planned. Everything is read back, and each difference is named.

Looked at, in every namespace: interfaces (name, MAC, MTU, up, carrier, bridge), addresses, static routes, disciplines
(netem, tbf) and the wires between ports; in routers whether they forward. Filters check themselves
(:mod:`testbed.net.filters`), and what a daemon adds is not there yet.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from testbed.errors import Problem, RunError
from testbed.net import dumps, netem, shaping, tc
from testbed.net.apply import Network, derive
from testbed.net.dumps import Found
from testbed.net.messages import LOOPBACK_INDEX
from testbed.net.netlink import Netlink
from testbed.plan.plan import DIRECTIONS, FABRIC, Direction, Plan, PlannedLink, Shaper
from testbed.units import Rate

PROBLEMS_MAX = 50
"""So many differences are told, and how many there are; arbitrary."""
FORWARDING = ("net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding")
_DISCIPLINES = ("netem", "tbf")


@dataclass(frozen=True)
class Port:
    """An interface as planned; ``mac`` empty: any."""

    index: int
    name: str
    mtu: int
    mac: str = ""
    master: int = 0


@dataclass
class Wanted:
    """One namespace as planned."""

    ports: list[Port] = field(default_factory=list)
    addresses: set[tuple[int, str]] = field(default_factory=set)
    routes: set[tuple[str, str]] = field(default_factory=set)
    netems: dict[int, tuple[PlannedLink, Direction]] = field(default_factory=dict)
    """By interface index."""
    shapers: dict[int, Shaper] = field(default_factory=dict)


def observe(network: Network) -> None:
    """Compare. Raises :class:`RunError` with every difference (at most :data:`PROBLEMS_MAX`)."""
    found = [*differences(network)]
    if found:
        more = len(found) - PROBLEMS_MAX
        rest = [Problem("lab", f"and {more} further differences between plan and kernel")] if more > 0 else []
        raise RunError([*found[:PROBLEMS_MAX], *rest])


def differences(network: Network) -> Iterator[Problem]:
    """Every difference between the plan and the kernel, in the plan's order."""
    wanted = plan_by_namespace(network.plan, impaired=network.impaired)
    for name in (FABRIC, *(node.name for node in network.plan.nodes)):
        found = _read(network, name)
        yield from compare(name, wanted[name], found)
        yield from _disciplines(network, name, wanted[name], found)
    yield from _wires(network)
    for node in network.plan.nodes:
        if node.forwards:
            yield from _forwarding(network, node.name)


def plan_by_namespace(plan: Plan, *, impaired: bool = True) -> Mapping[str, Wanted]:
    """What each namespace must have; ``impaired``: disciplines, too. Pure."""
    wanted: dict[str, Wanted] = defaultdict(Wanted)
    fabric = wanted[FABRIC]
    for bridge in plan.bridges:
        fabric.ports.append(Port(bridge.index, bridge.name, bridge.mtu))
        if bridge.trunk:
            here, here_index, there, there_index, first = bridge.trunk
            fabric.ports.append(Port(here_index, here, bridge.mtu, master=bridge.index))
            fabric.ports.append(Port(there_index, there, bridge.mtu, master=first))
    for cable in plan.cables:
        node = wanted[cable.node]
        node.ports.append(Port(cable.index, cable.interface, cable.mtu, cable.mac))
        node.addresses |= {(cable.index, address) for address in cable.addresses}
        fabric.ports.append(Port(cable.port_index, cable.port, cable.mtu, master=cable.bridge))
    for name, address in plan.loopbacks:
        wanted[name].addresses.add((LOOPBACK_INDEX, address))
    for route in plan.routes:
        wanted[route.node].routes.add((route.prefix, route.via))
    for link in (*plan.links, *plan.access) if impaired else ():
        for direction in DIRECTIONS:
            sender, receiver = link.ends(direction)
            # As in Network.impair: at the fabric's port towards the receiver, or at a host's own interface.
            place = (FABRIC, receiver.port_index) if receiver.port_index else (sender.node, sender.index)
            wanted[place[0]].netems[place[1]] = link, direction
            if link.shaper is not None:
                # As in Network.reshape: on the interface of the sender, or on the port towards a host.
                place = (sender.node, sender.index) if sender.index else (FABRIC, receiver.port_index)
                wanted[place[0]].shapers[place[1]] = link.shaper
    return wanted


def compare(where: str, wanted: Wanted, found: Found) -> Iterator[Problem]:
    """Interfaces, addresses and routes of one namespace. Pure."""
    place = "fabric" if where == FABRIC else f"node {where}"
    loopback = found.links.get(LOOPBACK_INDEX)
    if where != FABRIC and (loopback is None or not loopback.up):
        yield Problem(place, "its loopback interface is not up")
    for port in wanted.ports:
        yield from _port(place, port, found)
    names = {link.index: link.name for link in found.links.values()}
    have = {one for one in found.addresses if one[0] != LOOPBACK_INDEX or not _is_loopback(one[1])}
    for problem, some in (("is missing", wanted.addresses - have), ("was not planned", have - wanted.addresses)):
        for index, address in sorted(some):
            yield Problem(f"{place}, {names.get(index, f'#{index}')}", f"address {address} {problem}")
    routes = {(prefix, via) for prefix, via, _ in found.routes}
    for problem, lacking in (("is missing", wanted.routes - routes), ("was not planned", routes - wanted.routes)):
        for prefix, via in sorted(lacking):
            yield Problem(place, f"static route {prefix} via {via} {problem}")


def _port(place: str, port: Port, found: Found) -> Iterator[Problem]:
    link = found.links.get(port.index)
    if link is None:
        yield Problem(f"{place}, {port.name}", "the interface is missing")
        return
    pairs = [
        ("name", port.name, link.name), ("MTU", port.mtu, link.mtu), ("MAC", port.mac or link.mac, link.mac),
        ("bridge", port.master, link.master), ("up", True, link.up), ("carrier", True, link.carrier),
    ]  # fmt: skip
    for what, asked, held in pairs:
        if asked != held:
            yield Problem(f"{place}, {port.name}", f"{what}: planned {asked}, the kernel has {held}")


def _is_loopback(address: str) -> bool:
    return address in ("127.0.0.1/8", "::1/128")


def _disciplines(network: Network, where: str, wanted: Wanted, found: Found) -> Iterator[Problem]:
    place = "fabric" if where == FABRIC else f"node {where}"
    held = {(one.kind, one.index): one for one in found.qdiscs if one.kind in _DISCIPLINES}
    for index, (link, direction) in wanted.netems.items():
        one = held.pop(("netem", index), None)
        if one is None:
            yield Problem(f"link {link.name}, {direction}", f"netem is missing from interface {index} of the {place}")
            continue
        settings = netem.decode(one.decoded())
        asked = netem.encode(
            link.impairment(direction),
            # It may hold more packets than planned, which loses none.
            limit_packets=max(link.packets_in_flight, settings.limit_packets),
            seed=derive(network.seed, "netem", link.name, direction),
        )
        for difference in netem.differences(asked, settings):
            yield Problem(f"link {link.name}, {direction}", f"netem, {difference}")
    for index, shaper in wanted.shapers.items():
        one = held.pop(("tbf", index), None)
        what = f"{place}, interface {index}"
        if one is None:
            yield Problem(what, "its shaper is missing")
        else:
            yield from shaper_differences(what, shaper, shaping.decode_tbf(one.decoded()))
    for kind, index in held:
        yield Problem(f"{place}, interface {index}", f"{kind} is there and was not planned")


def shaper_differences(where: str, asked: Shaper, held: Shaper) -> Iterator[Problem]:
    """The kernel counts whole bytes a second, and a bucket in ticks of 64 ns: within that they must agree. Pure."""
    tick_bytes = asked.rate * tc.TICK_NS // (8 * 10**9) + 1
    for name, want, have, grain in (
        ("rate", asked.rate, held.rate, 8), ("burst_bytes", asked.burst_bytes, held.burst_bytes, tick_bytes),
        ("limit_bytes", asked.limit_bytes, held.limit_bytes, 0),
    ):  # fmt: skip
        if abs(want - have) > grain:
            yield Problem(where, f"shaper, {name}: planned {want}, the kernel has {have}")


def _wires(network: Network) -> Iterator[Problem]:
    fabric = network.channel(FABRIC)
    for link in network.plan.links:
        for direction in DIRECTIONS:
            source, target = link.ends(direction)
            answers = fabric.dump(tc.get_filters(source.port_index, tc.INGRESS_HOOK))
            held = [shaping.decode_wire(one) for one in answers if shaping.is_wire(one)]
            police = link.rate if link.policed and network.impaired else None
            yield from wire_differences(link, direction, target.port_index, police, held)


def wire_differences(
    link: PlannedLink, direction: Direction, target: int, policed: Rate | None, held: Iterable[shaping.Wire]
) -> Iterator[Problem]:
    """A wire leads to the other end, and drops what exceeds its rate where that is policed. Pure."""
    where, wires = f"link {link.name}, {direction}", [*held]
    if len(wires) != 1 or wires[0].target != target:
        yield Problem(where, f"its wire must lead to port {target}, and leads to {[one.target for one in wires]}")
        return
    rate = wires[0].policer.rate
    if (rate is None) != (policed is None) or (rate is not None and policed is not None and abs(rate - policed) > 8):
        yield Problem(where, f"policer: planned {policed or 'none'}, the kernel has {rate or 'none'}")


def _forwarding(network: Network, node: str) -> Iterator[Problem]:
    with network.namespaces.inside(node):
        values = {key: Path("/proc/sys", key).read_text(encoding="ascii").strip() for key in FORWARDING}
    for key, value in values.items():
        if value != "1":
            yield Problem(f"node {node}", f"{key} is {value}, so it does not forward")


def _read(network: Network, name: str) -> Found:
    """Thousands of hosts would hold thousands of sockets for nothing, so this one is closed again."""
    with network.namespaces.inside(name):
        channel = Netlink()
    try:
        return dumps.read(channel)
    finally:
        channel.close()
