"""Claims about clusters on a host's kernel that need no cluster: who is refused, and what goes again.

The host is a guest here. A cluster: ``tests/kubernetes/test_host_kernel.py``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from testbed.errors import Exit
from tests.conftest import RunScenario
from tests.guest.inside import run_inside

pytestmark = pytest.mark.guest


@pytest.fixture(scope="module")
def refused(run_scenario: RunScenario, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("refused")
    return dict(json.loads(run_inside(run_scenario, folder, "tests.guest.check_clusters_refused").splitlines()[-1]))


def test_root_is_told_all_that_is_missing_at_once_before_anything_is_touched(refused: dict[str, Any]) -> None:
    said = refused["root"]["said"]
    assert refused["root"]["status"] == Exit.MACHINE, said
    assert "host kernel, clusters.capabilities: taken from root here: 0x20000" in said
    assert "memory: " in said
    assert "the nodes may need 4 GiB" in said
    assert refused["touched"] == [False, False, False]


def test_anybody_else_is_told_that_clusters_need_root(refused: dict[str, Any]) -> None:
    said = refused["nobody"]["said"]
    assert refused["nobody"]["status"] == Exit.MACHINE, said
    assert "clusters.root: not running as root" in said
    assert "--kernel guest" in said


def test_doctor_says_of_each_thing_that_clusters_need_whether_it_is_there(refused: dict[str, Any]) -> None:
    lines = [line.split() for line in refused["doctor"]["said"].splitlines() if " clusters." in line]
    found = {name: there for there, name, *_ in lines}
    assert found.pop("clusters.capabilities") == "no"
    assert set(found.values()) == {"yes"}
    assert set(found) == {f"clusters.{name}" for name in
                          ("root", "overlay", "loop", "cgroups", "nat", "iptables", "bridge-filter")}  # fmt: skip


def test_settings_and_control_groups_are_as_they_were_afterwards(run_scenario: RunScenario, tmp_path: Path) -> None:
    said = run_inside(run_scenario, tmp_path, "tests.guest.check_whole_machine")
    assert said.endswith("all is as it was\n")
