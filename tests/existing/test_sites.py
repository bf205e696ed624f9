"""Claims about nodes that are mapped to sites by a label, and about what is held against them, all at once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from testbed.errors import InputError
from testbed.existing.sites import plan_of
from testbed.plan.schema import plan_from_json, plan_json
from tests.existing.found import HYBRID_CLUSTER, SERVER, found, node


def test_nodes_have_the_site_that_their_label_says() -> None:
    plan = plan_of(HYBRID_CLUSTER)
    (cluster,) = plan.clusters
    assert [(each.name, each.site, each.role) for each in cluster.nodes] == [
        ("ip-10-0-1-7.eu-west-1.compute.internal", "eu-west-1", "worker"),
        ("mi-0a1b", "onprem", "worker"), ("mi-0c2d", "onprem", "worker"),
    ]  # fmt: skip
    assert [(each.name, each.zone, each.address) for each in plan.hosts][1] == ("mi-0a1b", "onprema", "10.0.0.7")
    assert not (plan.links or plan.tunnels or plan.routing or plan.cables)


def test_the_plan_names_the_cluster_without_an_account_and_says_what_is_where() -> None:
    plan = plan_of(HYBRID_CLUSTER)
    assert plan.topology == plan.clusters[0].name == "prod"
    assert plan.about == f"Kubernetes v1.33.5-eks-113cf36 at {SERVER}: eu-west-1 1 node, onprem 2 nodes"
    assert "111122223333" not in plan_json(plan)
    assert plan_from_json(plan_json(plan)) == plan


def test_everything_that_is_wrong_with_nodes_is_told_at_once() -> None:
    with pytest.raises(InputError) as error:
        plan_of(found(node("a"), node("b", "onprem", ready="False"), node("c", "onprem", ready="Unknown")))
    assert [problem.where for problem in error.value.problems] == ["node a", "node b", "node c"]
    no_label = error.value.problems[0]
    assert "topology.kubernetes.io/region" in no_label.what
    assert "kubectl label node a topology.kubernetes.io/region=SITE" in no_label.hint
    assert "rack" in no_label.hint
    assert "kubernetes.io/hostname" not in no_label.hint


def test_a_cordoned_node_is_left_out_whatever_it_is() -> None:
    plan = plan_of(found(node("a", "onprem"), node("b", ready="False", cordoned=True)))
    assert [host.name for host in plan.hosts] == ["a"]
    with pytest.raises(InputError, match="no node that pods may be put on"):
        plan_of(found(node("b", cordoned=True)))


def test_another_label_makes_other_sites() -> None:
    plan = plan_of(replace(HYBRID_CLUSTER, label="rack"))
    assert {host.site for host in plan.hosts} == {"7"}
