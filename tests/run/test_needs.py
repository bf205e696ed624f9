"""Claims about what a plan needs of the machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from testbed.errors import Exit, MachineError
from testbed.kernel.detect import Capability
from testbed.kubernetes.host_kernel import GUEST, problems
from testbed.load import load
from testbed.run.needs import check, choose, of_the_kernel
from testbed.units import Size
from tests.plan.shipped import plan_of


@pytest.mark.parametrize(
    ("file", "stores"),
    [
        ("topologies/storage.py", {"share share"}),
        ("topologies/volumes.py", {f"volume {name}" for name in ("gp3", "io2", "st1", "stretched")}),
    ],
)
def test_the_machines_own_kernel_is_given_no_stores_and_each_is_named(file: str, stores: set[str]) -> None:
    loaded = load(file, {})
    check(loaded, "guest")
    with pytest.raises(MachineError) as refused:
        check(loaded, "host")
    assert {problem.where for problem in refused.value.problems} == stores
    assert all("--kernel guest" in problem.hint for problem in refused.value.problems)
    assert refused.value.exit is Exit.MACHINE


def test_a_plan_without_stores_may_be_had_in_either_kernel() -> None:
    check(load("topologies/hybrid.py", {}), "host")


def test_tunnels_ask_the_machines_own_kernel_for_their_kind_and_links_for_what_impairs_them() -> None:
    assert {"netem", "xfrm", "esp"} <= {*of_the_kernel(plan_of("hybrid.py"), impaired=True)}
    assert {"xfrm", "esp"} <= {*of_the_kernel(plan_of("hybrid.py"), impaired=False)}
    assert not {"netem", "xfrm"} & {*of_the_kernel(plan_of("two_connections.py"), impaired=False)}


def test_a_program_that_a_scenario_runs_itself_is_missed_before_it_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("testbed.run.needs.find_program", lambda name, _env: None if name == "etcd" else Path(name))
    check(load("scenarios/failover.py", {}), "guest")
    with pytest.raises(MachineError, match="program etcd: not found on this machine"):
        check(load("scenarios/etcd.py", {}), "guest")


def test_all_that_a_cluster_lacks_on_the_machines_own_kernel_is_told_at_once() -> None:
    found = (Capability("clusters.root", available=True, why="running as root"),
             Capability("clusters.loop", available=False, why="no such device", hint=f"mend loop; {GUEST}"),
             Capability("clusters.nat", available=False, why="not supported", hint=f"mend nat; {GUEST}"))  # fmt: skip
    plan = plan_of("stretched_cluster.py")
    told = [*problems(plan, found, Size.parse("3 GiB"))]
    assert [(each.where, each.what) for each in told] == [
        ("host kernel, clusters.loop", "no such device"), ("host kernel, clusters.nat", "not supported"),
        ("memory", "3 GiB free, and the nodes may need 4 GiB"),
    ]  # fmt: skip
    assert "--kernel guest" in told[0].hint
    assert [*problems(plan, found[:1], Size.parse("4 GiB"))] == []


def test_a_lab_without_clusters_is_asked_nothing_that_only_clusters_need() -> None:
    lacking = (Capability("clusters.loop", available=False, why="no such device"),)
    assert [*problems(plan_of("hybrid.py"), lacking, Size(0))] == []


def test_what_the_machines_own_kernel_lacks_for_any_lab_and_for_this_one_is_told_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("testbed.kernel.detect.capabilities", lambda: ())
    loaded = load("topologies/storage.py", {})
    with pytest.raises(MachineError) as refused:
        choose(loaded, "host", None)
    assert [problem.where for problem in refused.value.problems] == [*["host kernel"] * 3, "share share"]
    with pytest.raises(MachineError) as refused:
        choose(loaded, "guest", None)
    assert [problem.where for problem in refused.value.problems] == ["guest kernel"]
