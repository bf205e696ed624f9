"""Claims about whom a real cluster lets in, and what can be read on its links."""

from __future__ import annotations

import pytest

from testbed.verdict import Verdict
from tests.conftest import RunScenario, measured

FILE = "scenarios/cluster_security.py"
pytestmark = pytest.mark.cluster


def test_nobody_gets_in_and_only_ipsec_hides_what_pods_say(run_scenario: RunScenario) -> None:
    outcome = run_scenario(FILE)
    assert outcome.judgement.verdict is Verdict.PASS, outcome.judgement.why
    found = measured(outcome)
    assert found["marker_usual_on_dx"]["value"] > 0
    assert found["marker_backup_on_inet_cgw"]["value"] == 0
    assert found["carriers_backup_on_inet_cgw"]["value"] >= found["marker_usual_on_dx"]["value"]
