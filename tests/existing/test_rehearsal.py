"""Claims about scenarios that are rehearsed: what they would make, and what they are refused for before anything is."""

from __future__ import annotations

from pathlib import Path

import pytest

from testbed.errors import InputError
from testbed.existing.asked import refuse
from testbed.existing.rehearsal import ANSWERS, Rehearsed, rehearse
from testbed.existing.sites import plan_of
from testbed.load import load_on
from testbed.probe.agent import TASKS
from tests.conftest import ROOT
from tests.existing.found import FRAME, HYBRID_CLUSTER

PLAN = plan_of(HYBRID_CLUSTER)
HEAD = """
from testbed import Scenario
from testbed.kubernetes import workloads
scenario = Scenario(topology="x.py", question="q", hypothesis="h", refuted_by="r")
"""


def scenario(folder: Path, *lines: str, head: str = "") -> str:
    """A file of a scenario that does this."""
    path = folder / "mine.py"
    body = "".join(f"    {line}\n" for line in lines)
    path.write_text(f"{HEAD}{head}\n@scenario.run\ndef run(lab):\n{body}")
    return str(path)


def rehearsed(file: str, **settings: str) -> Rehearsed:
    """What comes of a rehearsal."""
    return rehearse(load_on(file, settings, PLAN), 1, FRAME)


def test_the_shipped_scenario_is_rehearsed_to_its_end_with_everything_that_it_makes() -> None:
    refuse(str(ROOT / "scenarios" / "cluster_paths.py"))
    found = rehearsed(str(ROOT / "scenarios" / "cluster_paths.py"))
    assert found.open_end == ""
    assert [(thing["kind"], thing["metadata"]["name"]) for thing in found.things] == [
        ("Pod", "pod-eu-west-1-1"), ("Pod", "pod-onprem-1"), ("Pod", "pod-onprem-2"), ("Service", "far"),
    ]  # fmt: skip
    assert not found.host_network


def test_every_task_of_an_agent_has_something_to_say_in_a_rehearsal() -> None:
    assert set(ANSWERS) == set(TASKS)


def test_probes_and_readings_come_to_an_end(tmp_path: Path) -> None:
    file = scenario(
        tmp_path,
        "lab.pods.cluster().apply(workloads.pod('a'), workloads.pod('b', hostNetwork=True))",
        "a, b = lab.pods.pod('a'), lab.pods.pod('b')",
        "with lab.probe.udp(a, b) as flow, lab.probe.ping(a, b) as echo, lab.probe.tcp_stream(a, b):",
        "    lab.sleep('1 h')",
        "assert flow.lost < '1 %' and echo.rtt() < '1 s' and flow.longest_gap < '1 s'",
        "lab.pods.cluster().apply(workloads.pod('c'))",
    )
    found = rehearsed(file)
    assert found.open_end == ""
    assert [thing["metadata"]["name"] for thing in found.things] == ["a", "b", "c"]
    assert found.host_network


def test_what_a_file_asks_for_in_vain_is_told_all_at_once_and_by_name() -> None:
    with pytest.raises(InputError) as error:
        refuse(str(ROOT / "scenarios" / "cluster_failover.py"))
    assert [problem.where for problem in error.value.problems] == [
        "cluster_failover.py: lab.fault", "cluster_failover.py: lab.wait_converged",
    ]  # fmt: skip


def test_probes_that_need_a_lab_are_told_by_name(tmp_path: Path) -> None:
    file = scenario(tmp_path, "with lab.probe.capture_link('dx', 'a_to_b'):", "    lab.command('a', 'ls')")
    with pytest.raises(InputError) as error:
        refuse(file)
    assert [problem.where for problem in error.value.problems] == [
        "mine.py: lab.command",
        "mine.py: lab.probe.capture_link",
    ]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("elsewhere(lab)", "lab.fault"),
        ("lab.pods.cluster().execute('mi-0a1b', 'ls')", r"lab.pods.cluster\(\).execute"),
        ("lab.probe.udp('mi-0a1b', 'mi-0c2d').__enter__()", "probes begin and end in pods"),
        ("lab.pods.cluster().read('v1', 'Service', 'kube-dns', 'kube-system')", "is of namespace kube-system"),
        ("lab.pods.cluster().read('v1', 'Service', 'kubernetes')", "the scenario did not make it"),
        ("lab.pods.cluster('other')", "known: prod"),
    ],
)
def test_what_it_asks_for_in_vain_by_another_way_is_told_when_it_is_rehearsed(
    tmp_path: Path, line: str, told: str
) -> None:
    head = "def elsewhere(there):\n    there.fault.silent('dx')\n"
    with pytest.raises(InputError, match=told):
        rehearsed(scenario(tmp_path, line, head=head))


def test_a_scenario_that_goes_on_by_what_it_measures_is_listed_as_far_as_is_known(tmp_path: Path) -> None:
    file = scenario(
        tmp_path,
        "lab.pods.cluster().apply(workloads.pod('a'))",
        "number = int(lab.pods.cluster().run_in('a', 'nproc'))",
        "lab.pods.cluster().apply(*(workloads.pod(f'b{each}') for each in range(number)))",
    )
    found = rehearsed(file)
    assert [thing["metadata"]["name"] for thing in found.things] == ["a"]
    assert "ValueError" in found.open_end


def test_a_scenario_that_waits_for_ever_is_rehearsed_all_the_same(tmp_path: Path) -> None:
    found = rehearsed(scenario(tmp_path, "while True:", "    lab.sleep('1 s')"))
    assert "waits for what is measured" in found.open_end


def test_a_scenario_that_looks_for_its_topology_is_refused() -> None:
    ends = {"source": "mi-0a1b", "target": "ip-10-0-1-7.eu-west-1.compute.internal"}
    with pytest.raises(InputError, match="looks for what is not there"):
        load_on(str(ROOT / "scenarios" / "cluster_failover.py"), ends, PLAN)


def test_a_topology_and_another_topology_are_refused() -> None:
    with pytest.raises(InputError, match="is a topology, and the network is there already"):
        load_on(str(ROOT / "topologies" / "stretched_cluster.py"), {}, PLAN)
    with pytest.raises(InputError, match="the network is there already"):
        load_on(str(ROOT / "scenarios" / "cluster_paths.py"), {"topology": "topologies/hybrid.py"}, PLAN)
    with pytest.raises(InputError, match=r"dx\.delay"):
        load_on(str(ROOT / "scenarios" / "cluster_paths.py"), {"dx.delay": "5 ms"}, PLAN)
