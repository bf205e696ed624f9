"""A cluster as its API server has it: what tests that need none look at."""

from __future__ import annotations

from typing import Any

from testbed.existing.manifests import Frame
from testbed.existing.sites import Found
from testbed.plan.compile_clusters import REGION, ZONE

HYBRID = {"key": "eks.amazonaws.com/compute-type", "value": "hybrid", "effect": "NoSchedule"}
PRESSED = {"key": "node.kubernetes.io/memory-pressure", "effect": "NoSchedule"}
CONTEXT = "arn:aws:eks:eu-west-1:111122223333:cluster/prod"
SERVER = "0123456789ABCDEF.gr7.eu-west-1.eks.amazonaws.com"


def node(name: str, site: str = "", *, ready: str = "True", cordoned: bool = False, taints: Any = ()) -> dict[str, Any]:
    """A node."""
    labels = {REGION: site, ZONE: f"{site}a"} if site else {}
    return {
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name, "rack": "7", **labels}},
        "spec": {"taints": list(taints), **({"unschedulable": True} if cordoned else {})},
        "status": {
            "addresses": [{"type": "Hostname", "address": name}, {"type": "InternalIP", "address": "10.0.0.7"}],
            "conditions": [{"type": "Ready", "status": ready}],
        },
    }


def found(*nodes: dict[str, Any]) -> Found:
    """A cluster of these nodes."""
    return Found(CONTEXT, SERVER, "v1.33.5-eks-113cf36", REGION, nodes)


HYBRID_CLUSTER = found(
    node("ip-10-0-1-7.eu-west-1.compute.internal", "eu-west-1"),
    node("mi-0a1b", "onprem", taints=[HYBRID, PRESSED]), node("mi-0c2d", "onprem", taints=[HYBRID]),
)  # fmt: skip
FRAME = Frame("testbed-probes", "python:3.12-slim", "c0ffee01", REGION, 720, HYBRID_CLUSTER.taints())
