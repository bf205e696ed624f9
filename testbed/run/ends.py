"""What all probes of a lab share: the names of their ends, their ports, and how their begin and end are noted."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from pathlib import Path

from testbed.check.measured import Measured
from testbed.clock import Waiter
from testbed.errors import InputError, Problem, known
from testbed.history import Recorder
from testbed.net.namespace import Namespaces
from testbed.plan.paths import address, seen
from testbed.plan.plan import Node, Plan
from testbed.probe import udp as udp_streams
from testbed.probe.flow import Family
from testbed.probe.place import Place
from testbed.units import Duration


class Ends:
    """Knows where probes begin and end."""

    def __init__(self, plan: Plan, namespaces: Namespaces, recorder: Recorder, waiter: Waiter, scratch: Path) -> None:
        self._plan = plan
        self._namespaces = namespaces
        self._recorder = recorder
        self._waiter = waiter
        self._scratch = scratch
        self._ports = count(udp_streams.PORT + 1)
        self._aliases: dict[str, Place] = {}
        self.tail = Duration(0)
        """How long streams and pings go on after their block: so long they see what comes after a fault in it."""

    def alias(self, name: str, place: Place) -> None:
        """Let probes know a further place, with an IPv4 address, by a name of its own."""
        self._aliases[name] = place

    def _port(self, target: str = "") -> int:
        """The only port that a target has, or one that no other probe of this lab uses."""
        return (target in self._aliases and self._aliases[target].port) or next(self._ports)

    def _begin(self, name: str, kind: str, source: str, target: str) -> None:
        self._recorder.event("probe.start", probe=name, source=source, target=target, sort=kind)

    def _measured(self, found: Measured) -> None:
        self._recorder.event("measured", **found.fields())

    def _end(self, name: str, columns: tuple[str, ...], rows: Sequence[tuple[int | None, ...]]) -> None:
        self._recorder.event("probe.stop", probe=name)
        self._recorder.samples(name, columns, rows)

    def _ends(self, source: str, target: str, family: Family) -> tuple[Place, Place]:
        """Both ends of a probe, each as the other knows it."""
        far = self.place(target, source, family)
        if not far.node:
            what = "its pods answer for themselves, which only tcp() can do with"
            raise InputError(
                Problem(f"probe to {target}", what, "name the pod behind it: lab.pods.service(NAME, pod=)")
            )
        return self.place(source, target, family), far

    def place(self, name: str, seen_from: str = "", family: Family = 4) -> Place:
        """A node as an end of a probe; ``seen_from``: who may know it by another address."""
        if name in self._aliases:
            return self._aliases[name]
        node = self._node(name)
        here = self._node(seen_from) if seen_from and seen_from not in self._aliases else None
        return Place(node.name, address(node, family), seen(self._plan, here, node, family) if here else "")

    def _node(self, name: str) -> Node:
        try:
            return self._plan.node(name)
        except KeyError:
            names = [node.name for node in self._plan.nodes]
            raise InputError(Problem(f"node {name}", "no such node", known(name, names))) from None
