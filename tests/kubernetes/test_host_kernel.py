"""Claims about clusters with ``--kernel host``, where the kernel has all that they need: in the guest, as root.

Its clock is virtual there, so that the load of the machine decides nothing.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from testbed.boot import guest
from testbed.boot.means import memory_for
from testbed.boot.states import States
from testbed.cluster.build import ImageBuild
from testbed.history import History
from testbed.job import Job
from testbed.kubernetes.disk import DISK
from testbed.kubernetes.host_kernel import HINTS
from testbed.load import load
from testbed.plan.plan import Plan
from testbed.run.engine import plan_digest
from testbed.units import Size
from tests.conftest import ROOT, RunScenario
from tests.guest.inside import SCENARIO, TOPOLOGY

pytestmark = pytest.mark.cluster
FILE = "topologies/stretched_cluster.py"
ON_HOST = Path(__file__).with_name("on_host.py")
BESIDE = Size(2**30)
"""Memory of the guest besides that of the cluster and its lab: for the one around it, and files that are read."""
WALL_LIMIT_S = 3000.0


@pytest.fixture(scope="module")
def machine(run_scenario: RunScenario, guest_kernel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder on a machine's disk, after all that is done on its kernel with a cluster (:mod:`.on_host`)."""
    run_scenario(FILE)  # the cluster is kept from then on
    folder = tmp_path_factory.mktemp("machine")
    disk = folder / "disk"
    plan = load(str(ROOT / FILE), {}).plan
    kept(disk / "cache" / "testbed" / "cluster", plan)
    (folder / "topology.py").write_text(TOPOLOGY, encoding="utf-8")
    argv = [sys.executable, "-P", "-m", "tests.kubernetes.on_host", str(DISK)]
    scenario = folder / "scenario.py"
    scenario.write_text(SCENARIO.format(argv=argv, root=str(ROOT)), encoding="utf-8")
    record = folder / "record"
    (record / "samples").mkdir(parents=True)
    loaded = load(str(scenario), {})
    job = Job(
        file=str(scenario), settings={}, lab=loaded.plan.lab, record=str(record), seed=1, kernel="guest",
        clock="virtual", plan_digest=plan_digest(loaded.plan), disk=str(disk),
    )  # fmt: skip
    memory = Size(memory_for(plan) + BESIDE)
    ended = guest.run(guest_kernel, job, memory, None, WALL_LIMIT_S, lambda message: None)
    said = record / "output.txt"
    assert (disk / "found.json").exists(), (ended.problem(), said.read_text() if said.exists() else "")
    return disk


def kept(cache: Path, plan: Plan) -> None:
    """Of this machine's cache, what a run with these clusters starts from."""
    image = ImageBuild()
    engine = image.engine()
    assert engine is not None
    state = States(image).kept(plan, engine)
    assert state is not None
    cache.mkdir(parents=True)
    for there in (engine.parent, state.parent):
        (cache / there.name).symlink_to(there)


@pytest.fixture(scope="module")
def found(machine: Path) -> dict[str, Any]:
    return dict(json.loads((machine / "found.json").read_text(encoding="utf-8")))


def test_doctor_finds_all_that_clusters_need(found: dict[str, Any]) -> None:
    lines = [line.split() for line in found["doctor"].splitlines() if " clusters." in line]
    assert len(lines) == 1 + len(HINTS)
    assert {line[0] for line in lines} == {"yes"}, found["doctor"]


def test_a_stretched_cluster_comes_up_and_its_nodes_reach_each_other(machine: Path, found: dict[str, Any]) -> None:
    assert found["run"].endswith("status 0"), found["run"]
    history = History(machine / "out" / "record")
    ready = {event.fields["name"] for event in history.of("kubernetes.node") if event.fields["ready"]}
    assert ready == {node.name for node in load(str(ROOT / FILE), {}).plan.cluster_nodes}
    assert [event.fields["cluster"] for event in history.of("cluster.ready")] == ["prod"]
    reached = [event.fields["ok"] for event in history.of("reach")]
    assert reached
    assert all(reached)
    environment = json.loads((machine / "out" / "environment.json").read_text(encoding="utf-8"))
    assert (environment["kernel"], environment["clock"]) == ("host", "real")


def test_nothing_between_nodes_crosses_dockers_network(machine: Path, found: dict[str, Any]) -> None:
    assert found["run"].endswith("status 0"), found["run"]
    counted = [*History(machine / "out" / "record").of("cluster.management")]
    assert {event.fields["node"] for event in counted} == {"aws-cp", "aws-1", "onprem-1"}
    assert {event.fields["stray"] for event in counted} == {0}


def test_a_run_leaves_the_machine_as_it_was(found: dict[str, Any]) -> None:
    assert found["after"] == found["before"]


def test_what_a_run_that_is_killed_leaves_is_cleaned_and_nothing_else(found: dict[str, Any]) -> None:
    assert found["left"] != found["before"]
    for what in ("folder ", "disk ", "control groups testbed-"):
        assert f"removed: {what}" in found["clean"], found["clean"]
    assert found["cleaned"] == found["before"]


def test_a_lab_that_is_kept_up_is_as_in_the_guest_and_gone_when_it_is_down(found: dict[str, Any]) -> None:
    assert found["up"].endswith("status 0"), found["up"]
    assert {line for line in found["nodes"].splitlines() if line.startswith("node/")} == {
        "node/aws-cp", "node/aws-1", "node/onprem-1"
    }  # fmt: skip
    assert "calico-node" in found["containers"]
    assert " 0% packet loss" in found["ping"], found["ping"]
    assert found["downed"] == found["before"]
