"""Claims about a real cluster in the guest: it lives on its sites' network, and comes up again from what was kept."""

from __future__ import annotations

import pytest

from testbed.history import History
from testbed.load import load
from testbed.verdict import Verdict
from tests.conftest import ROOT, RunScenario

FILE = "topologies/stretched_cluster.py"
pytestmark = pytest.mark.cluster


def test_nodes_of_both_sites_are_ready_and_reach_each_other(run_scenario: RunScenario) -> None:
    outcome = run_scenario(FILE)
    assert outcome.judgement.verdict is Verdict.PASS, outcome.judgement.why
    history = History(outcome.directory / "record")
    nodes = load(str(ROOT / FILE), {}).plan.clusters[0].nodes
    ready = {event.fields["name"] for event in history.of("kubernetes.node") if event.fields["ready"]}
    assert ready == {node.name for node in nodes}
    assert [event.fields["cluster"] for event in history.of("cluster.ready")] == ["prod"]
    reached = [event.fields["ok"] for event in history.of("reach")]
    assert reached
    assert all(reached)


def test_pods_of_the_host_network_have_the_addresses_of_their_sites(run_scenario: RunScenario) -> None:
    history = History(run_scenario(FILE).directory / "record")
    addresses = {node.name: node.address for node in load(str(ROOT / FILE), {}).plan.clusters[0].nodes}
    seen = {
        (event.fields["node"], event.fields["address"])
        for event in history.of("kubernetes.pod")
        if event.fields["name"].startswith("calico-node")
    }
    assert seen == set(addresses.items())
