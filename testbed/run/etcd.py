"""etcd in a lab: a cluster that a scenario stretches over hosts, and writes to."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from testbed.clock import Waiter
from testbed.daemons.etcd import Etcd
from testbed.history import Recorder
from testbed.net.namespace import Namespaces
from testbed.plan.plan import Node
from testbed.probe import etcd as probe
from testbed.units import Duration

_LOOK = Duration(10 * 10**6)
"""How often it is looked whether the writes are through; arbitrary."""


class Cluster:
    """A cluster that runs. Its members' logs are in the record, their data are gone with the lab."""

    def __init__(
        self, members: Sequence[Node], heartbeat: Duration, election: Duration, namespaces: Namespaces,
        recorder: Recorder, waiter: Waiter, scratch: Path,
    ) -> None:  # fmt: skip
        self._etcd = Etcd(members, heartbeat, election)
        self._namespaces = namespaces
        self._recorder = recorder
        self._waiter = waiter
        self._scratch = scratch

    def start(self) -> None:
        """Start all members, and watch them. Raises what :meth:`Etcd.start` does."""
        self._etcd.start(self._namespaces, self._recorder.record / "etcd", self._scratch / "etcd")
        for program in self._etcd.programs:
            self._waiter.watch_program(program)

    def write(self, count: int, interval: str | Duration = "50 ms", *, name: str = "etcd") -> None:
        """Write keys at the member that leads, one after the other; note how often the leader changed meanwhile."""
        leader = self._etcd.leader(self._namespaces)
        before = self._etcd.leader_changes(self._namespaces)
        output = self._scratch / f"{name}.rows"
        child = probe.start(
            self._namespaces, self._scratch, name, leader.name, leader.address, Duration.parse(interval), count,
            self._recorder.epoch_ns, output,
        )  # fmt: skip
        self._recorder.event("probe.start", probe=name, source=leader.name, target=leader.name, sort="etcd")
        changes = None
        try:
            while child.running:
                self._waiter.sleep(_LOOK)
            changes = self._etcd.leader_changes(self._namespaces) - before
        finally:
            child.stop()
            self._recorder.event("probe.stop", probe=name, leader_changes=changes)
        self._recorder.samples(name, probe.COLUMNS, probe.rows(output))

    def stop(self) -> None:
        """End it."""
        self._etcd.stop()
