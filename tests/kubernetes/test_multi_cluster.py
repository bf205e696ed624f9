"""Claims about two clusters with a link between them: who reaches whom, and that neither needs it for itself.

Those of records that never were need no cluster.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from testbed.check.failures import asked
from testbed.errors import InputError
from testbed.history import History, Recorder
from testbed.load import load
from testbed.scenario import Result
from testbed.verdict import Measurement, Verdict
from tests.conftest import ROOT, RunScenario

FILE = "scenarios/multi_cluster.py"
POD, NODE = "10.244.1.5", "192.168.1.11"


def told(folder: Path, seen: str | None, mode: str, largest: int = 1446) -> dict[str, Measurement]:
    """What is made of a pod that was asked for directly, and saw it come from an address; ``None``: nobody asked."""
    loaded = load(str(ROOT / FILE), {"cni.mode": mode})
    result = Result(
        History(record(folder, seen, largest)), loaded.plan, dict(loaded.parameters.declared), loaded.values
    )
    module: Any = sys.modules["testbed_file_multi_cluster"]
    _, breaks = asked(result.plan, result.parameters, result.values)
    way = module.routed(result)
    return {each.name: each for each in module.reached(result, "pod", "server@premises", breaks, way=way)}


def record(folder: Path, seen: str | None, largest: int) -> Path:
    """Of both clusters, each with a pod of the same name."""
    recorder = Recorder(folder)
    for cluster, address in (("cloud", POD), ("premises", "10.245.1.9")):
        recorder.event("kubernetes.pod", t_ns=1, cluster=cluster, name="client", namespace="default", address=address)
    if seen is not None:
        recorder.event("source", t_ns=2, source="client@cloud", target="server@premises", to="", seen=seen, error=0)
    if seen:
        recorder.event("path.mtu", t_ns=3, source="client@cloud", target="server@premises", family=4, mtu=largest)
    recorder.write()
    return folder


def verdicts(found: dict[str, Measurement]) -> dict[str, Verdict]:
    return {name: each.verdict for name, each in found.items()}


def test_a_routed_pod_that_is_seen_as_itself_with_packets_of_full_size_passes(tmp_path: Path) -> None:
    names = ("pod_reached", "pod_seen_as_the_pod", "pod_largest")
    assert verdicts(told(tmp_path, POD, "bgp")) == dict.fromkeys(names, Verdict.PASS)


@pytest.mark.parametrize("seen", ["10.0.1.11", "10.245.1.9"])
def test_a_routed_pod_that_is_seen_as_somebody_else_fails(tmp_path: Path, seen: str) -> None:
    assert verdicts(told(tmp_path, seen, "bgp"))["pod_seen_as_the_pod"] is Verdict.FAIL


def test_a_packet_that_is_smaller_than_all_on_its_way_take_fails(tmp_path: Path) -> None:
    assert verdicts(told(tmp_path, POD, "bgp", largest=1396))["pod_largest"] is Verdict.FAIL


def test_a_routed_pod_that_is_not_reached_and_one_that_is_reached_without_a_route_fail(tmp_path: Path) -> None:
    assert verdicts(told(tmp_path / "a", "", "bgp"))["pod_reached"] is Verdict.FAIL
    assert verdicts(told(tmp_path / "b", NODE, "vxlan")) == {"pod_reached": Verdict.FAIL}
    assert verdicts(told(tmp_path / "c", "", "vxlan")) == {"pod_reached": Verdict.PASS}


@pytest.mark.parametrize("mode", ["vxlan", "bgp"])
def test_a_pod_that_nobody_asked_is_unknown(tmp_path: Path, mode: str) -> None:
    assert verdicts(told(tmp_path, None, mode)) == {"pod_reached": Verdict.UNKNOWN}


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"topology": str(ROOT / "topologies/stretched_cluster.py"), "door": "onprem-1"}, "are both of cluster prod"),
        ({"door": "aws-cp"}, "is not of cluster premises, as onprem-1 is"),
        ({"source": "aws-2"}, "node aws-2: no node of a cluster"),
    ],
)
def test_nodes_of_two_clusters_are_asked_for(settings: dict[str, str], words: str) -> None:
    with pytest.raises(InputError, match=words):
        load(str(ROOT / FILE), settings)


@pytest.mark.cluster
@pytest.mark.parametrize("mode", ["vxlan", "bgp"])
def test_a_link_that_dies_between_clusters_costs_what_routing_takes_and_no_node(
    run_scenario: RunScenario, mode: str
) -> None:
    outcome = run_scenario(FILE, f"cni.mode={mode}")
    assert outcome.judgement.verdict is Verdict.PASS, outcome.judgement.why
    found = {each.name: each.value for each in outcome.judgement.measurements}
    assert found["pod_reached"] == float(mode == "bgp")
    assert ("gap_pod" in found) == (mode == "bgp")


@pytest.mark.cluster
def test_what_is_watched_says_which_cluster_said_it(run_scenario: RunScenario) -> None:
    history = History(run_scenario(FILE, "cni.mode=vxlan").directory / "record")
    nodes = {(event.fields["cluster"], event.fields["name"]) for event in history.of("kubernetes.node")}
    assert nodes == {("cloud", "aws-cp"), ("cloud", "aws-1"), ("premises", "onprem-cp"), ("premises", "onprem-1")}
    counted = {event.fields["node"] for event in history.of("cluster.management")}
    assert counted == {"aws-cp", "aws-1", "onprem-cp", "onprem-1"}
