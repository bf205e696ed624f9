"""Probes whose ends are a lab's nodes, and what was given a name besides."""

from __future__ import annotations

from pathlib import Path

from testbed.clock import Waiter
from testbed.errors import InputError, Problem, known
from testbed.history import Recorder
from testbed.net.namespace import Namespaces
from testbed.plan.paths import address, seen
from testbed.plan.plan import Node, Plan
from testbed.probe.ends import Forked
from testbed.probe.flow import Family
from testbed.probe.place import Place
from testbed.run.plain_probes import PlainProbes


class NodeProbes(PlainProbes):
    """Starts probes between nodes of a lab, each in its namespace."""

    def __init__(self, plan: Plan, namespaces: Namespaces, recorder: Recorder, waiter: Waiter, scratch: Path) -> None:
        super().__init__(Forked(namespaces, scratch), recorder, waiter)
        self._plan = plan
        self._namespaces = namespaces
        self._scratch = scratch

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
