"""Carry out the part of a plan that is netlink: namespaces, cables, links, addresses and routes.

Nothing here has a name outside this process, so undoing is letting go: :meth:`Network.close`.
"""

from __future__ import annotations

import hashlib
import resource
from collections import defaultdict
from collections.abc import Iterator, Mapping

from testbed.errors import InputError, Problem, RunError
from testbed.job import NO_IMPAIRMENTS
from testbed.model import Impairment
from testbed.net import blackholes, messages, netem, shaping, sysctls, tc
from testbed.net import overlay as overlays
from testbed.net.namespace import Namespaces
from testbed.net.netlink import Netlink, Request
from testbed.plan import sizes
from testbed.plan.plan import DIRECTIONS, FABRIC, Direction, Plan, PlannedLink, Shaper
from testbed.units import Duration, Rate, Size

UNSHAPED_QUEUE = Duration(50 * 10**6)
"""Queue of a link that had no rate and is given one: what the model takes where nothing else is said."""


def derive(seed: int, *names: str) -> int:
    """A 63-bit number for one purpose, from the run's seed."""
    digest = hashlib.blake2b("/".join((str(seed), *names)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


class Network:
    """The namespaces of a lab, and what may be changed in them while traffic flows.

    Args:
        plan: what to bring up.
        seed: of loss and jitter.
        impaired: links delay, lose and limit as planned; otherwise they are as the kernel gives them, for a kernel that
            has nothing to do it with, and cannot be changed.
    """

    def __init__(self, plan: Plan, seed: int, *, impaired: bool = True) -> None:
        self.plan = plan
        self.seed = seed
        self.impaired = impaired
        self.namespaces = Namespaces()
        self._channels: dict[str, Netlink] = {}
        # What each direction of each link is set to now; faults lay themselves over the planned values.
        self.impairments: dict[tuple[str, Direction], Impairment] = {}
        self.unplugged: frozenset[int] = frozenset()
        """Ports of the fabric without carrier."""
        self.lost: frozenset[blackholes.Blackhole] = frozenset()
        self._rates: dict[tuple[str, Direction], Rate | None] = {}
        self._wires: dict[tuple[str, Direction], int] = {}

    def channel(self, node: str) -> Netlink:
        """A netlink socket in a node's namespace, kept open."""
        if node not in self._channels:
            with self.namespaces.inside(node):
                self._channels[node] = Netlink()
        return self._channels[node]

    def apply(self) -> None:
        """Bring up everything but tunnels and daemons."""
        _raise_file_limit(len(self.plan.nodes))
        self.namespaces.create(FABRIC)
        with self.namespaces.inside(FABRIC):
            sysctls.write(sysctls.FABRIC)
            sysctls.write(sysctls.FABRIC_IF_THERE, if_there=True)
        fabric = self.channel(FABRIC)
        fabric.send(self._bridges())
        requests = self._node_requests()
        as_hosts = sysctls.namespaces_begin_as_hosts()
        for node in self.plan.nodes:
            self.namespaces.create(node.name)
            with self.namespaces.inside(node.name):
                if node.forwards:
                    sysctls.write(sysctls.ROUTER)
                elif not as_hosts:
                    sysctls.write(sysctls.HOST)
                channel = Netlink()
            channel.send(requests[node.name])
            if node.kind == "host":
                channel.close()  # thousands of hosts would hold thousands of sockets for nothing
            else:
                self._channels[node.name] = channel
        fabric.send(messages.port_up(c.port_index, c.bridge, c.port) for c in self.plan.cables)
        for link in (*self.plan.links, *self.plan.access):
            self._shape(link)
        for node in self.plan.nodes:
            if routes := self._routes(node.name):
                self.send(node.name, routes)

    def send(self, node: str, requests: list[Request]) -> None:
        """Send requests in a node's namespace."""
        if node in self._channels:
            self._channels[node].send(requests)
            return
        with self.namespaces.inside(node):
            channel = Netlink()
        try:
            channel.send(requests)
        finally:
            channel.close()

    def _bridges(self) -> Iterator[Request]:
        for bridge in self.plan.bridges:
            yield messages.create_bridge(bridge)
        for bridge in self.plan.bridges:
            if bridge.trunk:
                yield from messages.create_trunk(bridge)

    def _node_requests(self) -> Mapping[str, list[Request]]:
        requests: dict[str, list[Request]] = defaultdict(list)
        for node in self.plan.nodes:
            requests[node.name].append(messages.set_up(messages.LOOPBACK_INDEX, f"lo of {node.name}"))
        fabric = self.namespaces.fd(FABRIC)
        for cable in self.plan.cables:
            requests[cable.node] += [
                messages.create_cable(cable, fabric),
                *(messages.add_address(cable.index, address, cable.node) for address in cable.addresses),
                messages.set_up(cable.index, f"{cable.interface} of {cable.node}"),
            ]
        for node_name, address in self.plan.loopbacks:
            requests[node_name].append(messages.add_address(messages.LOOPBACK_INDEX, address, node_name))
        return requests

    def _routes(self, node: str) -> list[Request]:
        return [messages.route(r.node, r.prefix, via=r.via) for r in self.plan.routes if r.node == node]

    def _shape(self, link: PlannedLink) -> None:
        """Install queues and, for a wire, the redirection between its two ports."""
        for direction in DIRECTIONS:
            impairment, _ = self.unbroken(link.name, direction)
            self.impairments[link.name, direction] = impairment
            if not self.impaired:
                continue
            self.impair(link.name, direction, impairment, change=False)
            if link.shaper is not None:
                sender, receiver = link.ends(direction)
                # A host's own link has one interface and one port, where netem is already: the shaper goes below it.
                node, index = (sender.node, sender.index) if sender.index else (FABRIC, receiver.port_index)
                parent = shaping.NETEM_CLASS if link.kind == "access" else tc.ROOT
                what = f"{link.name}, {direction}"
                self.send(node, shaping.tbf_messages(index, link.shaper, what, parent=parent))
        if link.kind == "access":
            return
        fabric = self.channel(FABRIC)
        for direction in DIRECTIONS:
            source, target = (end.port_index for end in link.ends(direction))
            if self.impaired:
                police = link.rate if link.policed else None
                fabric.send(shaping.wire_messages(source, target, link.name, police, link.mtu))
            else:
                fabric.send(shaping.plain_wire_messages(source, target, link.name))

    def impair(self, name: str, direction: Direction, impairment: Impairment, *, change: bool = True) -> None:
        """Set what one direction of a link does, in place: packets under way stay under way."""
        self._need_impaired(name)
        link = self.plan.link(name)
        sender, receiver = link.ends(direction)
        # The fabric's port towards the receiver delays what goes there. A host's own link has only one port in the
        # fabric, the host's: the other direction is delayed on the host's interface.
        if receiver.port_index:
            node, index = FABRIC, receiver.port_index
        else:
            node, index = sender.node, sender.index
        request = netem.message(
            index,
            impairment,
            limit_packets=self._limit(link, direction, impairment),
            seed=derive(self.seed, "netem", name, direction),
            change=change,
            what=f"{name} {direction}",
        )
        self.send(node, [request])
        self.impairments[name, direction] = impairment

    def _limit(self, link: PlannedLink, direction: Direction, impairment: Impairment) -> int:
        """As many packets as can be under way: what was planned, or more where more delay is laid over that."""
        rate = self.rate(link.name, direction)
        burst = Size(0) if rate is None or link.policed else Size(_shaper(link, rate).burst_bytes)
        try:
            needed = sizes.packets_in_flight(rate, impairment, burst)
        except ValueError as error:
            raise InputError(Problem(f"link {link.name}", str(error), "ask for less delay, or less rate")) from None
        return max(link.packets_in_flight, needed)

    def rate(self, name: str, direction: Direction) -> Rate | None:
        """The rate of one direction now; ``None``: unshaped."""
        return self._rates.get((name, direction), self.unbroken(name, direction)[1])

    def unbroken(self, name: str, direction: Direction) -> tuple[Impairment, Rate | None]:
        """What one direction is set to where no fault is on: what the plan says, or nothing."""
        link = self.plan.link(name)
        return (link.impairment(direction), link.rate) if self.impaired else (Impairment(), None)

    def reshape(self, name: str, direction: Direction, rate: Rate | None) -> None:
        """Give one direction another rate, in place where it has one; ``None``: none, where none was planned."""
        self._need_impaired(name)
        link = self.plan.link(name)
        sender, receiver = link.ends(direction)
        what = f"{name} {direction}"
        if link.policed:
            priority = self._wires.get((name, direction), 1)
            ports = sender.port_index, receiver.port_index
            self.channel(FABRIC).send(shaping.rewire_messages(*ports, what, rate, link.mtu, priority=priority))
            self._wires[name, direction] = 3 - priority
        else:
            node, index, parent = sender.node, sender.index, tc.ROOT
            if link.kind == "access":
                # netem is the first discipline of a host's link, on its own interface or on the port towards it.
                node, index = (node, index) if index else (FABRIC, receiver.port_index)
                parent = shaping.NETEM_CLASS
            now = self.rate(name, direction)
            if rate is None:
                remove = tc.delete_qdisc(index, handle=shaping.TBF_HANDLE, parent=parent)
                self.send(node, [Request(remove, f"remove shaper of {what}")])
            else:
                shaper = _shaper(link, rate)
                self.send(node, shaping.tbf_messages(index, shaper, what, parent=parent, change=now is not None))
        self._rates[name, direction] = rate

    def _need_impaired(self, link: str) -> None:
        if not self.impaired:
            what = "this lab is without impairments: its links are as the kernel gives them"
            raise RunError(Problem(f"link {link}", what, f"bring it up without {NO_IMPAIRMENTS}"))

    def lay(self, overlay: overlays.Overlay) -> None:
        """Make both ends of an overlay. It goes with its hosts' namespaces."""
        for end in (overlay.a, overlay.b):
            self.send(end.node, overlays.requests(overlay, end))

    @property
    def dark(self) -> frozenset[str]:
        """Links without carrier."""
        links = (*self.plan.links, *self.plan.access)
        return frozenset(link.name for link in links if {link.a.port_index, link.b.port_index} & self.unplugged)

    def unplug(self, ports: frozenset[int]) -> None:
        """Take the carrier from what is plugged into these ports of the fabric, and from nothing else."""
        names = {cable.port_index: cable.port for cable in self.plan.cables}
        changed = sorted(ports ^ self.unplugged)
        self.channel(FABRIC).send(messages.set_up(port, names[port], up=port not in ports) for port in changed)
        self.unplugged = ports

    def lose(self, holes: frozenset[blackholes.Blackhole]) -> None:
        """Let these packets vanish underway, and no others."""
        for hole in sorted(holes ^ self.lost):
            self.send(hole.node, [blackholes.request(hole, on=hole in holes)])
        self.lost = holes

    def close(self) -> None:
        """Remove everything."""
        for channel in self._channels.values():
            channel.close()
        self._channels.clear()
        self.namespaces.close()


def _shaper(link: PlannedLink, rate: Rate) -> Shaper:
    """A token bucket whose queue lasts as long as the planned one's."""
    queue = UNSHAPED_QUEUE
    if link.shaper is not None:
        queue = Duration(link.shaper.limit_bytes * 8 * 10**9 // link.shaper.rate)
    try:
        return sizes.shaper(rate, link.mtu, queue)
    except ValueError as error:
        raise InputError(Problem(f"link {link.name}", str(error), "ask for less rate")) from None


def _raise_file_limit(nodes: int) -> None:
    """A namespace, a netlink socket and two probe sockets a node, and some for the rest."""
    wanted = 4 * nodes + 512
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, max(hard, wanted)))
