"""Claims about where pods come to be in a real cluster."""

from __future__ import annotations

import pytest

from testbed.history import History
from testbed.verdict import Verdict
from tests.conftest import RunScenario

FILE = "scenarios/placement.py"
pytestmark = pytest.mark.cluster


def test_every_pod_is_where_its_rules_say_or_pending_for_the_reason_they_give(run_scenario: RunScenario) -> None:
    outcome = run_scenario(FILE)
    assert outcome.judgement.verdict is Verdict.PASS, outcome.judgement.why
    reasons = [event.fields["reason"] for event in History(outcome.directory / "record").of("placement")]
    assert sum("untolerated taint" in reason for reason in reasons) >= 3
