"""Claims about a lab with two clusters that is kept up: each is reached by its name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from kubernetes import client, config

from tests.lab.user import ROOT, User

TWO = str(ROOT / "topologies" / "two_clusters.py")
NODES = {"cloud": {"aws-cp", "aws-1"}, "premises": {"onprem-cp", "onprem-1"}}
WITHIN_S = 1200.0
"""The first time the clusters are made; arbitrary, several times what that takes."""
pytestmark = [pytest.mark.guest, pytest.mark.cluster]


@pytest.fixture(scope="module")
def two(user: User) -> Iterator[User]:
    """The lab, up while this module's tests run."""
    out = user.run("up", TWO, within_s=WITHIN_S)
    for cluster in NODES:
        assert f"cluster {cluster}: export KUBECONFIG={user.lab('two_clusters')}/{cluster}.kubeconfig" in out
    yield user
    user.run("down")
    assert not user.left()


@pytest.mark.parametrize("cluster", NODES)
def test_kubectl_speaks_to_the_cluster_that_it_is_told(two: User, cluster: str) -> None:
    said = two.run("kubectl", "--cluster", cluster, "--", "get", "nodes")
    assert {line.split()[0] for line in said.splitlines()[1:]} == NODES[cluster]


def test_kubectl_that_is_told_none_asks_which(two: User) -> None:
    assert "there are cloud, premises" in two.run("kubectl", "get", "nodes", expect=2)


@pytest.mark.parametrize("cluster", NODES)
def test_each_has_a_kubeconfig_and_a_context_of_its_own(two: User, cluster: str) -> None:
    file = str(two.lab("two_clusters") / f"{cluster}.kubeconfig")
    contexts, current = config.list_kube_config_contexts(file)
    assert [each["name"] for each in contexts] == [current["name"]] == [f"kind-{cluster}"]
    listed: Any = client.CoreV1Api(config.new_client_from_config(file)).list_node()
    assert {node.metadata.name for node in listed.items} == NODES[cluster]


def test_status_tells_of_both(two: User) -> None:
    said = two.run("status")
    assert all(f"cluster {cluster}: Kubernetes 1.34, 2 of 2 nodes ready" in said for cluster in NODES)
