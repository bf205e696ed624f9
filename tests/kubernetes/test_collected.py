"""Claims about metrics and logs of a real cluster of two sites, across an outage."""

from __future__ import annotations

import pytest

from testbed.verdict import Verdict
from tests.conftest import RunScenario, measured

FILE = "scenarios/cluster_monitoring.py"
pytestmark = pytest.mark.cluster


def test_what_is_written_comes_late_and_whole_and_what_is_fetched_has_a_hole(run_scenario: RunScenario) -> None:
    outcome = run_scenario(FILE)
    assert outcome.judgement.verdict is Verdict.PASS, outcome.judgement.why
    found = measured(outcome)
    assert found["samples_lost_remote_write_far"]["value"] == 0 < found["scrapes_lost_federation_far"]["value"]
    assert found["lines_lost_tcp_far"]["value"] == found["lines_lost_relp_far"]["value"] == 0
    for late in ("latest_remote_write", "latest_tcp", "latest_relp"):
        assert found[f"{late}_far"]["value"] > 55 > found[f"{late}_near"]["value"]
