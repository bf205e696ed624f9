"""Which nodes Kubernetes' scheduler may put a pod on, by labels and taints, and why not the others. Pure.

Source: kubernetes 1.34, pkg/scheduler/framework/plugins (tainttoleration, nodeaffinity), in the order of their filters:
the first one that refuses a node names the reason, which the scheduler's event counts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

TAINTED, UNMATCHED = "untolerated taint", "didn't match Pod's node affinity/selector"
"""Words of the scheduler's event."""
KEEPS_OFF = ("NoSchedule", "NoExecute")
"""Effects that do; ``PreferNoSchedule`` does not."""
CONTROL_PLANE = {"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}
"""What kubeadm taints nodes of the control plane with."""


@dataclass(frozen=True)
class Candidate:
    """A node as the scheduler sees it."""

    name: str
    labels: Mapping[str, str]
    taints: Sequence[Mapping[str, str]] = ()


def refused(pod: Mapping[str, Any], node: Candidate) -> str:
    """Why a pod (its PodSpec) may not be on a node; empty: it may."""
    tolerations = pod.get("tolerations") or ()
    for taint in node.taints:
        if taint["effect"] in KEEPS_OFF and not any(tolerates(each, taint) for each in tolerations):
            return TAINTED
    selector: Mapping[str, str] = pod.get("nodeSelector") or {}
    if not selector.items() <= node.labels.items():
        return UNMATCHED
    affinity = (pod.get("affinity") or {}).get("nodeAffinity") or {}
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution")
    if required and not any(_matches(term, node) for term in required["nodeSelectorTerms"]):
        return UNMATCHED
    return ""


def feasible(pod: Mapping[str, Any], nodes: Sequence[Candidate]) -> tuple[str, ...]:
    """Names of the nodes that a pod may be on."""
    return tuple(node.name for node in nodes if not refused(pod, node))


def reasons(pod: Mapping[str, Any], nodes: Sequence[Candidate]) -> dict[str, int]:
    """How many nodes are refused for each reason."""
    return dict(Counter(reason for node in nodes if (reason := refused(pod, node))))


def tolerates(toleration: Mapping[str, Any], taint: Mapping[str, str]) -> bool:
    """Whether one toleration is for one taint. Source: kubernetes.io, taints and tolerations."""
    if toleration.get("effect") not in (None, "", taint["effect"]):
        return False
    if toleration.get("operator") == "Exists":
        return toleration.get("key") in (None, "", taint["key"])
    return (toleration.get("key"), toleration.get("value", "")) == (taint["key"], taint.get("value", ""))


def _matches(term: Mapping[str, Any], node: Candidate) -> bool:
    return all(_holds(one, node.labels.get(one["key"])) for one in term["matchExpressions"])


def _holds(expression: Mapping[str, Any], value: str | None) -> bool:
    match expression["operator"]:
        case "In":
            return value in expression["values"]
        case "NotIn":
            return value not in expression["values"]
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
    raise ValueError(f"no such operator here: {expression['operator']}")
