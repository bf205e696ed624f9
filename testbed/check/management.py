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
    seen = all(node.name in counted for node in plan.cluster_nodes)
    planes = [node.name for node in plan.cluster_nodes if node.role == "control-plane"]
    counting = seen and bool(planes) and all(counted[name]["ours"] > 0 for name in planes)
    stray = sum(fields["stray"] for fields in counted.values()) if counting else None
    yield Measurement("packets_past_the_lab", stray, "packets", 0, 0, 0, SOURCE)
