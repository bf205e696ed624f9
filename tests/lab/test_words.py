"""Claims about what is printed of a lab's clusters, and offered to shells."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click
import pytest

from testbed.cli import completion, lab_status
from testbed.lab import state
from testbed.lab.state import LabInfo

NODE: dict[str, Any] = {
    "name": "aws-1",
    "role": "worker",
    "site": "aws",
    "ready": True,
    "condition": "True",
    "taints": [],
}
FOUND: dict[str, Any] = {
    "lab": {"name": "l"}, "as_planned": False, "nodes": [], "links": [], "faults": [], "sessions": [], "routes": [],
    "programs": [], "ended": [],
}  # fmt: skip


def said(cluster: dict[str, Any]) -> str:
    """What status prints, without colours."""
    whole = {"name": "prod", "version": "1.34", "pods": 3, "pods_not_ready": [], "kubeconfig": "/run/prod.kubeconfig"}
    return click.unstyle("\n".join(lab_status.lines({**FOUND, "clusters": [whole | cluster]})))


def test_a_cluster_that_is_well_is_told_in_a_line_and_where_it_is_reached() -> None:
    text = said({"nodes": [NODE]})
    assert "cluster prod: Kubernetes 1.34, 1 of 1 nodes ready, 3 of 3 pods ready or done\n" in text
    assert "kubeconfig: /run/prod.kubeconfig" in text
    assert "not ready:" not in text


def test_nodes_and_pods_that_are_not_ready_are_told_with_what_is_known() -> None:
    lost = {**NODE, "name": "dc-1", "ready": False, "condition": "Unknown", "taints": ["unreachable:NoExecute"]}
    pod = {"namespace": "default", "name": "web", "node": "", "phase": "Pending", "deleting": False}
    text = said(
        {"nodes": [NODE, lost], "pods_not_ready": [pod, {**pod, "name": "old", "node": "dc-1", "deleting": True}]}
    )
    assert "1 of 2 nodes ready, 1 of 3 pods ready or done" in text
    assert "not ready: node dc-1: Unknown, unreachable:NoExecute" in text
    assert "not ready: pod default/web on no node: Pending\n" in text
    assert "not ready: pod default/old on dc-1: Pending, being deleted" in text


def test_shells_are_offered_what_the_labs_that_are_up_have(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    held = []
    for name, nodes, clusters in (("one", ("cgw", "vgw"), ()), ("two", ("aws-cp", "cgw"), ("prod",))):
        lab, lock = state.claim(name)
        held.append(lock)
        lab.write_info(
            LabInfo(
                name=name, topology=name, about="", file="", settings={}, kernel="guest", seed=1, since="", nodes=nodes,
                clusters=clusters,
            )
        )  # fmt: skip
    context, any_parameter = click.Context(click.Command("exec")), click.Option(["--x"])
    context.params = {"name": "two"}
    assert completion.nodes(context, any_parameter, "") == ["aws-cp", "cgw"]
    assert completion.clusters(context, any_parameter, "p") == ["prod"]
    context.params = {"name": None}
    assert completion.nodes(context, any_parameter, "c") == ["cgw"]
    assert completion.labs(context, any_parameter, "") == ["one", "two"]
    os.close(held.pop())
    assert completion.labs(context, any_parameter, "") == ["one"]
    os.close(held.pop())
