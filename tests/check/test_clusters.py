"""Claims about which plans scenarios on a cluster take."""

from __future__ import annotations

import pytest

from testbed.errors import InputError
from testbed.load import load
from tests.conftest import ROOT

OF_ONE_CLUSTER = (
    "cluster_connectivity.py", "cluster_failover.py", "cluster_paths.py", "cluster_security.py", "cluster_storage.py",
    "placement.py", "pod_network.py", "site_cut_off.py",
)  # fmt: skip


@pytest.mark.parametrize("name", OF_ONE_CLUSTER)
def test_a_scenario_that_is_about_one_cluster_refuses_several(name: str) -> None:
    with pytest.raises(InputError, match="has the clusters cloud, premises, and this scenario is about one"):
        load(str(ROOT / "scenarios" / name), {"topology": str(ROOT / "topologies" / "two_clusters.py")})
