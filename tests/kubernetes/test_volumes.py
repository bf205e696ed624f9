"""Claims about volumes of pods in a real cluster of two sites."""

from __future__ import annotations

import pytest

from testbed.verdict import Verdict
from tests.conftest import RunScenario, measured

FILE = "scenarios/cluster_storage.py"
pytestmark = pytest.mark.cluster


def test_a_share_waits_out_an_outage_and_a_zonal_volume_keeps_its_pod(run_scenario: RunScenario) -> None:
    outcome = run_scenario(FILE)
    assert outcome.judgement.verdict is Verdict.PASS, outcome.judgement.why
    found = measured(outcome)
    assert found["lost_after_fsync_cloud"]["value"] == 0
    assert found["longest_call_cloud"]["value"] > 20 > found["longest_call_premises"]["value"]
    assert found["follows_at_pending"]["value"] == found["returns_at_aws"]["value"] == 1
