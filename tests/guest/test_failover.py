"""The reference scenario in the guest: each way of failing beside its theory, and the same bytes each time."""

from __future__ import annotations

import filecmp
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT, RunScenario, measured

pytestmark = pytest.mark.guest
FAILOVER = "scenarios/failover.py"
NOBODY = "65534"


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param((), id="BFD 300 ms x 3"),
        pytest.param(("dx.bfd=off", "dx.hold=30s"), id="BGP hold 30/10"),
        pytest.param(("dx.bfd=off",), id="BGP hold 90/30"),
        pytest.param(("fault=carrier",), id="carrier"),
        pytest.param(("vpn.kind=wireguard",), id="BFD, WireGuard as backup"),
        pytest.param(("routing.daemon=frr",), id="BFD, FRR at both ends"),
        pytest.param(("fault=one-way", "detection=hold-3"), id="one direction, BGP hold 3/1"),
        pytest.param(("fault=slow",), id="80 ms more"),
        pytest.param(("fault=flap",), id="flapping"),
        pytest.param(("fault=frozen",), id="router frozen"),
        pytest.param(("fault=site-off",), id="site off"),
        pytest.param(("fault=ike-gone",), id="IKE peer gone"),
        pytest.param(("topology=topologies/two_connections.py",), id="two connections"),
        pytest.param(("topology=topologies/two_connections.py", "fault=bgp-killed"), id="one daemon of two killed"),
        pytest.param(("topology=topologies/two_vpns.py",), id="one of four equal tunnels"),
        pytest.param(
            ("topology=topologies/two_connections.py", "source=dc-1", "target=aws-a", "fault=one-way"),
            id="out through the site's other router",
        ),
        pytest.param(
            ("topology=topologies/hub_and_spoke.py", "source=h1-1", "target=h2-1"), id="over a hub, no other way"
        ),
        pytest.param(("topology=topologies/static_vpn.py",), id="IKE DPD"),
        pytest.param(("topology=topologies/static_vpn.py", "fault=one-way"), id="one direction, IKE DPD"),
    ],
)
def test_the_gap_lies_within_theory_and_traffic_returns(run_scenario: RunScenario, settings: tuple[str, ...]) -> None:
    outcome = run_scenario(FAILOVER, *settings)
    assert outcome.judgement.verdict.name == "PASS", outcome.judgement.why


def test_bfd_keeps_the_gap_within_600_to_900_ms(run_scenario: RunScenario) -> None:
    assert 0.6 <= measured(run_scenario(FAILOVER))["gap"]["value"] <= 0.9


def test_a_fault_that_is_over_before_it_is_noticed_moves_nothing(run_scenario: RunScenario) -> None:
    outcome = run_scenario(FAILOVER, "fault.for=100ms")
    found = measured(outcome)
    assert outcome.judgement.verdict.name == "PASS", outcome.judgement.why
    assert found["gap"]["source"].startswith("not detected")
    assert "time_to_return" not in found and found["routes_changed"]["value"] == 0


def assert_same_bytes(first: Path, second: Path) -> None:
    names = sorted(str(path.relative_to(first)) for path in first.rglob("*") if path.is_file())
    assert names == sorted(str(path.relative_to(second)) for path in second.rglob("*") if path.is_file())
    same, different, broken = filecmp.cmpfiles(first, second, names, shallow=False)
    assert (different, broken) == ([], [])
    assert len(same) > 10


def test_two_runs_with_one_seed_leave_the_same_bytes(run_scenario: RunScenario) -> None:
    first, second = (run_scenario(FAILOVER, seed=7, again=again).directory / "record" for again in (0, 1))
    assert_same_bytes(first, second)


def test_another_user_with_another_checkout_gets_the_same_bytes(
    run_scenario: RunScenario, guest_kernel: Path, tmp_path: Path
) -> None:
    checkout, out = tmp_path / "a" / "deeper" / "checkout", tmp_path / "out"
    for name in ("testbed", "scenarios", "topologies"):
        shutil.copytree(ROOT / name, checkout / name, ignore=shutil.ignore_patterns("__pycache__"))
    # Somebody with another number and without root's rights, who may still read what is ours.
    become = ["unshare", "--user", f"--map-user={NOBODY}", f"--map-group={NOBODY}"] if os.getuid() == 0 else []
    env = {"PYTHONPATH": str(checkout), "TESTBED_KERNEL": str(guest_kernel), "TMPDIR": str(tmp_path)}
    words = "run", str(checkout / FAILOVER), "--seed", "7", "--out", str(out)
    argv = [*become, sys.executable, "-P", "-m", "testbed", *words]
    done = subprocess.run(argv, cwd=tmp_path, env=os.environ | env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done
    assert_same_bytes(run_scenario(FAILOVER, seed=7).directory / "record", out / "record")


def test_another_seed_changes_the_numbers_and_not_the_topology(run_scenario: RunScenario) -> None:
    seven, eight = run_scenario(FAILOVER, seed=7), run_scenario(FAILOVER, seed=8)
    assert (seven.directory / "plan.json").read_bytes() == (eight.directory / "plan.json").read_bytes()
    events = [(run.directory / "record" / "events.jsonl").read_bytes() for run in (seven, eight)]
    assert events[0] != events[1]


def test_a_run_changes_no_file_of_the_host(run_scenario: RunScenario, tmp_path: Path) -> None:
    """The guest runs as this user, root included, and tries to write where it must not."""
    target = tmp_path / "mine"
    target.write_text("untouched", encoding="ascii")
    scenario = tmp_path / "writes.py"
    scenario.write_text(
        "from pathlib import Path\n"
        "from testbed import Scenario\n"
        f"scenario = Scenario(topology={str(ROOT / 'topologies/hybrid.py')!r}, "
        "question='', hypothesis='', refuted_by='')\n"
        "@scenario.run\n"
        "def run(lab):\n"
        f"    Path({os.fspath(target)!r}).write_text('changed')\n"
        f"    lab.note('wrote', text=Path({os.fspath(target)!r}).read_text())\n",
        encoding="utf-8",
    )
    outcome = run_scenario(str(scenario))
    events = (outcome.directory / "record" / "events.jsonl").read_text(encoding="utf-8").splitlines()
    assert any(json.loads(line).get("text") == "changed" for line in events), "inside the guest the write works"
    assert target.read_text(encoding="ascii") == "untouched"
