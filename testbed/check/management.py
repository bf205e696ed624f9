"""Whether all that a cluster's nodes said to each other crossed the lab. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from testbed.history import History
from testbed.plan.plan import Plan
from testbed.verdict import Measurement

SOURCE = "counters of every node's end of Docker's network, which is for the testbed alone"


def past_the_lab(history: History, plan: Plan) -> Iterator[Measurement]:
    """Packets between nodes, or of pods, that went by Docker's network; of a lab with clusters.

    The testbed speaks to each control plane by the same way: counters that have not seen that have counted nothing.
    """
    if not plan.clusters:
        return
    counted = {event.fields["node"]: event.fields for event in history.of("cluster.management")}
    nodes = [node for cluster in plan.clusters for node in cluster.nodes]
    seen = [node.name in counted for node in nodes]
    spoken_to = [counted[node.name]["ours"] > 0 for node in nodes if node.role == "control-plane" and all(seen)]
    stray = sum(fields["stray"] for fields in counted.values()) if spoken_to and all(spoken_to) else None
    yield Measurement("packets_past_the_lab", stray, "packets", 0, 0, 0, SOURCE)
