"""Pods that say where they want to be: put on a cluster, and seen where they come to be, or why they do not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from testbed.check.placement import PENDING, Asked
from testbed.run.lab import Lab
from testbed.units import Duration

if TYPE_CHECKING:
    from testbed.kubernetes.cluster import Kubernetes

WITHIN = Duration.parse("60 s")
"""For all pods of a stage to be where they must be; arbitrary."""


def place(lab: Lab, cluster: Kubernetes, stage: str, cases: Sequence[Asked], *, new: bool = True) -> None:
    """Make the pods, wait until each is where it must be or time is up, and note where they are: ``placement``."""
    begun = lab.now_ns()
    for case in cases if new else ():
        cluster.apply(*(dict(thing) for thing in case.things))
    deadline = begun + WITHIN
    while not all(_as_asked(cluster, case) for case in cases) and lab.now_ns() < deadline:
        lab.sleep("100 ms")
    for case in cases:
        for name, pod in _pods(cluster, case.name).items():
            site = _site(cluster, pod)
            lab.note(
                "placement", stage=stage, case=case.name, why=case.why, pod=name, node=pod["spec"].get("nodeName", ""),
                site=site, reason=_reason(cluster, name) if site == PENDING else "", after_ns=lab.now_ns() - begun,
            )  # fmt: skip


def _pods(cluster: Kubernetes, app: str) -> dict[str, Mapping[str, Any]]:
    return {
        name: pod
        for name, pod in cluster.watching.pods("default").items()
        if pod["metadata"]["labels"].get("app") == app
    }


def _as_asked(cluster: Kubernetes, case: Asked) -> bool:
    pods = _pods(cluster, case.name)
    found: dict[str, int] = {}
    for name, pod in pods.items():
        site = _site(cluster, pod)
        if not site or (site != PENDING and not cluster.watching.pod_ready(name)):
            return False
        found[site] = found.get(site, 0) + 1
    return bool(pods) and (not case.sites or found == case.sites)


def _site(cluster: Kubernetes, pod: Mapping[str, Any]) -> str:
    """Where a pod is; empty: the scheduler has not looked at it yet."""
    node = pod["spec"].get("nodeName")
    if node:
        return cluster.plan.node(node).site
    conditions = pod["status"].get("conditions") or ()
    return PENDING if any(one.get("reason") == "Unschedulable" for one in conditions) else ""


def _reason(cluster: Kubernetes, pod: str) -> str:
    """What the scheduler said last of a pod, in its own event."""
    chosen = f"involvedObject.name={pod},reason=FailedScheduling"
    events = cluster.watching.core.list_namespaced_event("default", field_selector=chosen).items
    return str(events[-1].message) if events else ""


def taint(cluster: Kubernetes, nodes: Sequence[str], *taints: Mapping[str, str]) -> None:
    """Let nodes have these taints, and no others of ours."""
    for node in nodes:
        spec = {"taints": [dict(each) for each in taints]} if taints else {}
        cluster.apply({"apiVersion": "v1", "kind": "Node", "metadata": {"name": node}, "spec": spec})
