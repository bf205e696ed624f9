"""What systemd on a node says of units that failed: why a cluster could not be made, when kubeadm knows no more."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from testbed.errors import Problem, RunError
from testbed.kubernetes.engine import Engine
from testbed.plan.clusters import PlannedCluster

LINES = 10
"""Of a unit's journal, its last ones; arbitrary."""


def failed(engine: Engine, cluster: PlannedCluster) -> Iterator[Problem]:
    """Every unit that failed on any node, with its last words. A node that does not run says nothing."""
    for node in cluster.nodes:
        with contextlib.suppress(RunError):
            on_node = ("docker", "exec", node.container)
            listed = ("systemctl", "list-units", "--failed", "--plain", "--no-legend", "--no-pager")
            for unit in names(engine.run(f"failed-{node.name}", *on_node, *listed)):
                told = ("journalctl", "--unit", unit, "--lines", str(LINES), "--output", "cat", "--no-pager")
                words = engine.run(f"failed-{node.name}", *on_node, *told).strip()
                yield Problem(f"node {node.name}", f"its unit {unit} failed", words)


def names(listed: str) -> list[str]:
    """The units that ``systemctl list-units --plain --no-legend`` printed. Pure."""
    return [line.split()[0] for line in listed.splitlines() if line.strip()]
