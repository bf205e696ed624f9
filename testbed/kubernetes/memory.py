"""Memory that the nodes of clusters take, wherever they run."""

from __future__ import annotations

from testbed.plan.plan import Plan
from testbed.units import Size

MEMORY_OF_ROLE = {"control-plane": Size(2 * 2**30), "worker": Size(2**30)}
"""Of a node of a cluster, with what the kernel keeps of its disk's files; to be measured."""


def memory_of(plan: Plan) -> Size:
    """That of all nodes of a plan's clusters."""
    return Size(sum(MEMORY_OF_ROLE[node.role] for node in plan.cluster_nodes))
