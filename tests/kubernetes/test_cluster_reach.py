"""Claims about who reaches whom in a real cluster, and what policies leave of it."""

from __future__ import annotations

import pytest

from testbed.history import History
from testbed.verdict import Verdict
from tests.conftest import RunScenario

FILE = "scenarios/cluster_connectivity.py"
pytestmark = pytest.mark.cluster


def test_everything_reaches_everything_and_policies_stop_what_they_select(run_scenario: RunScenario) -> None:
    outcome = run_scenario(FILE)
    assert outcome.judgement.verdict is Verdict.PASS, outcome.judgement.why
    found = {each.name: each for each in outcome.judgement.measurements}
    stopped = [found[f"{name}_stops"].value for name in ("default_deny", "own_site_only", "egress_to_one_service")]
    assert all(stopped), "a policy that stops nothing has shown nothing"


def test_a_node_reaches_its_own_pods_whatever_the_policy(run_scenario: RunScenario) -> None:
    history = History(run_scenario(FILE).directory / "record")
    own = [
        event.fields["passes"]
        for event in history.of("policy.pair")
        if event.fields["policy"] == "default deny" and event.fields["target"] == f"pod-{event.fields['source']}"
    ]
    assert own and all(own)


def test_pods_whose_packets_are_too_large_for_the_backup_fail_and_the_black_hole_is_named(
    run_scenario: RunScenario,
) -> None:
    outcome = run_scenario(FILE, "pods.mtu=1450B")
    assert outcome.judgement.verdict is Verdict.FAIL
    wrong = [each.name for each in outcome.judgement.measurements if each.verdict is not Verdict.PASS and each.expected]
    assert len(wrong) == 1, wrong
    assert wrong[0].startswith("black hole: pods send up to 1450 B, vpn-1 carries 1396 B in one piece")
