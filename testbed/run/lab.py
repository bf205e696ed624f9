"""A lab that is up, as a scenario sees it: probes, faults and time."""

from __future__ import annotations

import contextlib
import itertools
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from testbed.clock import Waiter
from testbed.daemons.base import Daemon, StateChange, place_of
from testbed.daemons.stores import Stores
from testbed.errors import InputError, Problem, RunError
from testbed.fault.faults import Faults
from testbed.fault.programs import Programs
from testbed.history import Recorder
from testbed.net import overlay as overlays
from testbed.net.apply import Network, derive
from testbed.net.routes import RouteWatch
from testbed.parameters import Parameter
from testbed.plan.paths import seen
from testbed.plan.plan import Node
from testbed.probe.place import Place
from testbed.run.commands import Commands
from testbed.run.etcd import Cluster
from testbed.run.notes import Notes
from testbed.run.plain_lab import PlainLab
from testbed.run.pods import Pods
from testbed.run.probes import Probes
from testbed.run.storage import Storage
from testbed.run.way import Way
from testbed.units import Duration

if TYPE_CHECKING:
    from testbed.kubernetes.cluster import Kubernetes


class Lab(PlainLab):
    """What a scenario's ``run`` is given.

    Attributes:
        probe: start probes.
        storage: measure stores.
        fault: start and heal faults.
        baseline: of tests alone: what must be as it was.
    """

    baseline: Notes
    probe: Probes
    clusters: dict[str, Kubernetes]
    pods: Pods[Kubernetes]

    def __init__(
        self, network: Network, recorder: Recorder, waiter: Waiter, routes: RouteWatch, daemons: Sequence[Daemon],
        scratch: Path, parameters: dict[str, Parameter], values: dict[str, object],
    ) -> None:  # fmt: skip
        random = Random(derive(network.seed, "scenario"))
        super().__init__(network.plan, recorder, waiter, parameters, values, random)
        self.network = network
        self.stores = Stores(self.plan, network.namespaces, scratch, network.seed)
        self.fault = Faults(network, recorder, waiter, Programs(daemons, self._restart), self.stores)
        self.routes = routes
        self.daemons = daemons
        self.scratch = scratch
        self.probe = Probes(self.plan, network.namespaces, recorder, waiter, scratch)
        self.storage = Storage(self.stores, network.namespaces, recorder, waiter, scratch, network.seed)
        self._commands = Commands(self.plan, network.namespaces, recorder, waiter, scratch)
        self.clusters = {}
        self.pods = Pods(self.plan, self.clusters, self.probe, waiter, self._enter)
        self._overlays = 0
        self._restarted: dict[tuple[str, str], int] = {}

    def _enter(self, called: str, pod: Mapping[str, Any]) -> str:
        """The namespace of a pod; one of the host network is in its node's."""
        from testbed.kubernetes.pods import open_namespace

        if pod["spec"].get("hostNetwork"):
            return str(pod["spec"]["nodeName"])
        self.network.namespaces.adopt(called, open_namespace(pod["metadata"]["uid"]))
        return called

    def overlay(self, kind: str, a: str, b: str, path_mtu: int) -> tuple[str, str]:
        """Lay a tunnel (``vxlan`` or ``ipip``) between two hosts over a path of that MTU.

        Returns:
            Names of its ends for probes, such as ``aws-a@vxlan0``.
        """
        hosts = [self.plan.node(name) for name in (a, b)]
        self._by_one_address("an overlay", hosts)
        laid = overlays.between(kind, self._overlays, path_mtu, *((host.name, host.address) for host in hosts))
        self.network.lay(laid)
        self._overlays += 1
        for end in (laid.a, laid.b):
            self.probe.alias(f"{end.node}@{end.interface}", Place(end.node, end.address))
        self.recorder.event("overlay", overlay=laid.a.interface, a=a, b=b, mtu=laid.mtu)
        return f"{a}@{laid.a.interface}", f"{b}@{laid.b.interface}"

    def command(self, node: str, *argv: str, within: str | Duration = "60 s", name: str = "") -> int:
        """Run a program of this machine on a node to its end, as ``testbed exec`` does. Returns its exit status.

        It learns names from the node's resolver. What it prints is in the record, below ``programs/``.
        """
        self.probe.place(node)
        return self._commands.run(node, argv, Duration.parse(within), name or argv[0])

    @contextlib.contextmanager
    def etcd(self, members: Sequence[str], heartbeat: Duration, election: Duration) -> Iterator[Cluster]:
        """A cluster of etcd on some hosts, while the block runs; in it a leader has been found."""
        nodes = [self.plan.node(name) for name in members]
        self._by_one_address("etcd", nodes)
        cluster = Cluster(nodes, heartbeat, election, self.network.namespaces, self.recorder, self.waiter, self.scratch)
        try:
            cluster.start()
            yield cluster
        finally:
            cluster.stop()

    def _by_one_address(self, what: str, nodes: Sequence[Node]) -> None:
        """Refuse what knows its ends by their own addresses, where others know them by another."""
        for a, b in itertools.permutations(nodes, 2):
            if seen(self.plan, a, b, 4) != b.address:
                problem = f"{what} between {a.name} and {b.name}, which is in a site with a mapped range"
                raise InputError(Problem(f"node {b.name}", problem, "keep it within a site"))

    def path(self, source: str, target: str) -> Way:
        """The path between two hosts of different sites, there and back, as the routers' kernels have it now."""
        return Way(self.plan, lambda: self.routes.vias, source, target)

    def wait_converged(self, what: str, within: str | Duration = "120 s") -> None:
        """Wait until the network is as the plan wants it with nothing broken."""
        try:
            self.wait_until(self.converged, what, within)
        except RunError as error:
            routes = [f"{r.node} to {r.prefix}" for r in self.plan.reach if not self.routes.satisfied(r)]
            hint = f"not up: {', '.join(self.missing()) or 'none'}; not the best route: {', '.join(routes) or 'none'}"
            raise RunError(Problem(p.where, p.what, hint) for p in error.problems) from None

    def converged(self) -> bool:
        """True when every router has every route by its best way, and every session and tunnel is up."""
        return all(self.routes.satisfied(reach) for reach in self.plan.reach) and not self.missing()

    def missing(self) -> list[str]:
        """Sessions and tunnels of the plan that are not up, as the daemons' logs have it."""
        return [" ".join(key) for key, last in self.sessions().items() if last is None or last.state != "up"]

    def sessions(self) -> dict[tuple[str, str, str], StateChange | None]:
        """The last change of each session and tunnel of the plan, by node, protocol and name."""
        last: dict[tuple[str, str, str], StateChange] = {}
        for daemon in self.daemons:
            # One that was killed said nothing of its sessions' end: what it said before it was started anew is void.
            since = self._restarted.get((daemon.node, daemon.name), 0)
            for change in daemon.changes():
                if change.t_ns >= since:
                    last[daemon.node, change.protocol, change.session] = change
        return {key: last.get(key) for key in self._wanted()}

    def _restart(self, daemon: Daemon) -> None:
        self._restarted[daemon.node, daemon.name] = time.time_ns()
        place = place_of(daemon, self.recorder.record, self.scratch)
        self.waiter.watch_program(daemon.start(self.network.namespaces, place))

    def _wanted(self) -> Iterator[tuple[str, str, str]]:
        for routing in self.plan.routing:
            # Nodes speak when their cluster is up.
            for session in (*routing.sessions, *(routing.node_sessions if self.clusters else ())):
                yield routing.node, "bgp", session.name
                if session.bfd is not None:
                    yield routing.node, "bfd", session.name
        for tunnel in self.plan.tunnels:
            if tunnel.kind == "ipsec":
                yield tunnel.a.node, "ike", tunnel.name
                yield tunnel.b.node, "ike", tunnel.name
