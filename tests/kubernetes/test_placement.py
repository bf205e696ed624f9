"""Claims about what is made of a record of where pods are. Pure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from testbed.history import Event
from testbed.report.placement import placement_matrix, placement_sentence
from testbed.verdict import Measurement, Verdict
from tests.kubernetes.told import measured, wrong

SCENARIO = "placement.py"
TAINT = "eks.amazonaws.com/compute-type:NoExecute"
STAGE = "labels and other pods"


def pod(case: str, site: str, *, stage: str = STAGE, reason: str = "", name: str = "") -> tuple[str, dict[str, Any]]:
    node = {"aws": "aws-1", "onprem": "onprem-1"}.get(site, "")
    return "placement", {
        "stage": stage, "case": case, "why": "a rule", "pod": name or case, "node": node, "site": site,
        "reason": reason, "after_ns": 0,
    }  # fmt: skip


def judged(folder: Path, *told: tuple[str, dict[str, Any]]) -> dict[str, Measurement]:
    """Of a record in which a wish was granted, too, and nothing else was looked at."""
    found = measured(folder, SCENARIO, [pod("rather-hybrid", "onprem"), *told])
    return {name: each for name, each in found.items() if each.value is not None}


def test_pods_where_they_must_be_pass(tmp_path: Path) -> None:
    spread = [pod("spread", site, name=f"spread-{n}") for n, site in enumerate(("aws", "onprem", "aws", "onprem"))]
    found = judged(tmp_path, pod("selected-cloud", "aws"), *spread)
    assert wrong(found) == []
    assert (found["selected_cloud_at_aws"].value, found["spread_at_aws_and_onprem"].value) == (1, 4)


def test_a_pod_elsewhere_fails_and_is_named(tmp_path: Path) -> None:
    found = judged(tmp_path, pod("selected-cloud", "onprem"))
    assert wrong(found) == ["selected_cloud_at_aws", "selected-cloud is at onprem: node selector testbed.site=aws"]


def test_one_site_with_more_than_its_share_fails(tmp_path: Path) -> None:
    spread = [pod("spread", site, name=f"spread-{n}") for n, site in enumerate(("aws", "aws", "aws", "onprem"))]
    assert wrong(judged(tmp_path, *spread)) == ["spread_at_aws_and_onprem"]


def test_what_stays_pending_does_so_for_the_reasons_that_theory_counts(tmp_path: Path) -> None:
    says = (
        "0/3 nodes are available: 1 node(s) had untolerated taint {node-role.kubernetes.io/control-plane: }, "
        "2 node(s) didn't match Pod's node affinity/selector. no new claims to deallocate"
    )
    assert wrong(judged(tmp_path / "right", pod("nowhere", "pending", reason=says))) == []
    other = judged(tmp_path / "other", pod("nowhere", "pending", reason="0/3 nodes are available: 3 Insufficient cpu."))
    (name,) = wrong(other)
    assert name.startswith("nowhere: not '1 node(s) had untolerated taint', but '0/3")


def test_pods_leave_when_their_toleration_ends(tmp_path: Path) -> None:
    def at(second: float, kind: str, **fields: Any) -> tuple[str, dict[str, Any]]:
        return kind, {"t": second, **fields}

    told = [
        at(0, "kubernetes.node", name="onprem-1", taints=[TAINT]),
        at(1, "kubernetes.pod", name="leaves", deleting=True),
    ]
    found = measured(tmp_path, SCENARIO, [pod("rather-hybrid", "onprem"), *told, ("stays", {"ready": True})])
    assert found["leaves_after"].verdict is Verdict.PASS
    assert found["leaves_later_after"].verdict is Verdict.UNKNOWN
    assert (found["leaves_later_after"].low, found["leaves_later_after"].high) == (19, 21)
    assert found["stays_and_is_ready"].verdict is Verdict.PASS


def test_the_picture_has_a_column_for_what_is_on_no_node() -> None:
    nowhere = pod("nowhere", "pending", reason="0/3 nodes: 3 full. More")
    events = [Event(0, *one) for one in (pod("far", "aws"), nowhere, pod("far", "aws", stage="later"))]
    found = placement_matrix(events)
    assert found is not None
    assert found.columns == ("aws-1", "no node")
    assert found.rows == ("far, labels and other pods", "nowhere", "far, later")
    assert found.squares["nowhere", "no node"].small == "3 full"
    assert placement_sentence(events) == "Rows are on columns: 2 pods; on no node: nowhere."
