"""Claims about how networks for pods are installed: one way for each kind, whose original is in the engine's tree."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest

from testbed.cluster.recipe import Recipe
from testbed.cni import AnyCni
from testbed.kubernetes import networks
from tests.kubernetes import test_calico, test_flannel


def test_every_kind_can_be_installed_from_what_the_engines_tree_has() -> None:
    assert set(networks.NETWORKS) == {kind().name for kind in get_args(AnyCni)}
    trees = Recipe.shipped().engine.trees
    assert {f"/testbed/{network.original}" for network in networks.NETWORKS.values()} <= set(trees)


@pytest.mark.parametrize("kind", get_args(AnyCni))
def test_the_manifest_is_that_of_the_clusters_own_kind(kind: type[AnyCni], tmp_path: Path) -> None:
    for network, text in (("calico", test_calico.ORIGINAL), ("flannel", test_flannel.ORIGINAL)):
        (tmp_path / networks.NETWORKS[network].original).write_text(text, encoding="utf-8")
    cluster = replace(test_calico.CLUSTER, cni=kind())
    assert kind().name in networks.manifest(cluster, tmp_path)
    others = {each().name for each in get_args(AnyCni)} - {kind().name}
    assert not any(other in networks.manifest(cluster, tmp_path) for other in others)
