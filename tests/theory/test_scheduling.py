"""Claims about where Kubernetes' scheduler may put a pod, after its documentation's examples."""

from __future__ import annotations

from typing import Any

import pytest

from testbed.theory.scheduling import CONTROL_PLANE, TAINTED, UNMATCHED, Candidate, feasible, reasons, tolerates

HYBRID = {"key": "type", "value": "hybrid", "effect": "NoSchedule"}
CP = Candidate("cp", {"site": "aws"}, (CONTROL_PLANE,))
CLOUD = Candidate("cloud", {"site": "aws"})
OFFICE = Candidate("office", {"site": "onprem", "type": "hybrid"}, (HYBRID,))
NODES = (CP, CLOUD, OFFICE)


def affinity(*expressions: dict[str, Any]) -> dict[str, Any]:
    terms = [{"matchExpressions": list(expressions)}]
    return {"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {
        "nodeSelectorTerms": terms,
    }}}}  # fmt: skip


TOLERATES = {"tolerations": [{"key": "type", "value": "hybrid", "effect": "NoSchedule"}]}


@pytest.mark.parametrize(
    ("pod", "where"),
    [
        ({}, ("cloud",)),
        (TOLERATES, ("cloud", "office")),
        ({**TOLERATES, "nodeSelector": {"site": "onprem"}}, ("office",)),
        ({"nodeSelector": {"site": "onprem"}}, ()),
        ({"tolerations": [{"operator": "Exists"}]}, ("cp", "cloud", "office")),
        ({**TOLERATES, **affinity({"key": "type", "operator": "In", "values": ["hybrid"]})}, ("office",)),
        ({**TOLERATES, **affinity({"key": "type", "operator": "NotIn", "values": ["hybrid"]})}, ("cloud",)),
        ({**TOLERATES, **affinity({"key": "type", "operator": "DoesNotExist"})}, ("cloud",)),
        ({**TOLERATES, **affinity({"key": "type", "operator": "Exists"})}, ("office",)),
    ],
)
def test_labels_and_taints_decide(pod: dict[str, Any], where: tuple[str, ...]) -> None:
    assert feasible(pod, NODES) == where


def test_reasons_are_counted_as_the_scheduler_does_the_first_that_refuses() -> None:
    assert reasons({"nodeSelector": {"site": "mars"}}, NODES) == {TAINTED: 2, UNMATCHED: 1}


@pytest.mark.parametrize(
    ("toleration", "does"),
    [
        ({"key": "type", "operator": "Exists"}, True),
        ({"key": "type", "value": "hybrid"}, True),
        ({"key": "type", "value": "other"}, False),
        ({"key": "type", "operator": "Exists", "effect": "NoExecute"}, False),
        ({"operator": "Exists"}, True),
        ({"key": "other", "operator": "Exists"}, False),
    ],
)
def test_a_toleration_is_for_its_taint_alone(toleration: dict[str, Any], does: bool) -> None:
    assert tolerates(toleration, HYBRID) is does
