"""Each design of the shipped comparison in the guest: no flow is gone for longer than its detection allows."""

from __future__ import annotations

import pytest

from testbed.load import read_study
from testbed.study import Cell
from tests.conftest import ROOT, RunScenario, measured
from tests.guest.test_failover import assert_same_bytes

FOUND = read_study(str(ROOT / "scenarios" / "designs.py"))
assert FOUND is not None
CELLS = FOUND[1].cells({"flows": "3"})
pytestmark = pytest.mark.guest


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: str(cell.at["design"]))
def test_no_flow_is_gone_for_longer_than_the_detection_allows(run_scenario: RunScenario, cell: Cell) -> None:
    outcome = run_scenario("scenarios/path_loss.py", *(f"{name}={value}" for name, value in cell.settings.items()))
    assert outcome.judgement.verdict.name == "PASS", outcome.judgement.why
    found = measured(outcome)
    assert found["flows_hit"]["value"] == 3  # in each design the answers of all go over what falls silent
    assert found["longest_gap"]["value"] > 0.5


def test_two_runs_with_one_seed_leave_the_same_bytes(run_scenario: RunScenario) -> None:
    settings = [f"{name}={value}" for name, value in CELLS[0].settings.items()]
    first, second = (run_scenario("scenarios/path_loss.py", *settings, again=number) for number in (0, 1))
    assert_same_bytes(first.directory / "record", second.directory / "record")
