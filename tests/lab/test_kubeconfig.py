"""Claims about what clients of a cluster are told."""

from __future__ import annotations

import yaml

from testbed.lab import kubeconfig


def kind(*clusters: str) -> str:
    """As kind leaves it after so many clusters."""
    names = [f"kind-{cluster}" for cluster in clusters]
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {"name": name, "cluster": {"server": f"https://127.0.0.1:{6443 + number}"}}
                for number, name in enumerate(names)
            ],
            "contexts": [{"name": name, "context": {"cluster": name, "user": name}} for name in names],
            "users": [{"name": name, "user": {"client-key-data": name}} for name in names],
            "current-context": names[-1],
        }
    )  # fmt: skip


def test_only_what_is_the_clusters_is_left_and_its_context_is_the_current_one() -> None:
    text = kubeconfig.of_cluster(kind("east", "west"), "east")
    assert "west" not in text
    found = yaml.safe_load(text)
    assert found["current-context"] == found["contexts"][0]["name"] == "kind-east"
    assert found["users"][0]["user"] == {"client-key-data": "kind-east"}
    assert kubeconfig.address(text) == ("127.0.0.1", 6443)
    assert kubeconfig.address(kubeconfig.of_cluster(kind("east", "west"), "west")) == ("127.0.0.1", 6444)


def test_elsewhere_it_is_the_same_but_for_the_place() -> None:
    text = kubeconfig.of_cluster(kind("east"), "east")
    moved = kubeconfig.at(text, "127.0.0.1", 40123)
    assert kubeconfig.address(moved) == ("127.0.0.1", 40123)
    assert kubeconfig.at(moved, "127.0.0.1", 6443) == text
