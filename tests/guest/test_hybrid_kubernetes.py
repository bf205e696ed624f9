"""What a hybrid Kubernetes needs, in the guest: all gets through, and real packets find a rule that is forgotten."""

from __future__ import annotations

import pytest

from testbed.history import History
from testbed.report.flows import flow_sentence
from tests.conftest import RunScenario, measured
from tests.guest.test_failover import assert_same_bytes

pytestmark = pytest.mark.guest
HYBRID_KUBERNETES = "scenarios/hybrid_kubernetes.py"


def test_with_all_rules_every_flow_gets_through(run_scenario: RunScenario) -> None:
    outcome = run_scenario(HYBRID_KUBERNETES)
    assert outcome.judgement.verdict.name == "PASS", outcome.judgement.why
    assert measured(outcome)["flows_that_work"]["value"] == 27
    told = flow_sentence(History(outcome.directory / "record").events)
    assert told == "Rows speak to columns: 27 of 27 attempts get through, so no rule is missing."


@pytest.mark.parametrize(
    ("missing", "named"),
    [
        ("kubelet", "security group nodes lacks 'in tcp 10250 from 10.0.0.0/16' (at node-1, for kubelet)"),
        ("dns", "firewall fw-pods lacks 'out udp 53 to 10.0.0.0/16' (at cgw, for dns-out-udp)"),
        (
            "acl.webhook-answers",
            "network ACL acl lacks 'in tcp 32768-60999 from 10.85.0.0/16', for the answers (at vgw, for webhook)",
        ),
    ],
    ids=["a group's", "a firewall's", "an ACL's, for answers"],
)
def test_a_rule_that_is_forgotten_fails_the_run_and_is_named(
    run_scenario: RunScenario, missing: str, named: str
) -> None:
    outcome = run_scenario(HYBRID_KUBERNETES, f"missing={missing}")
    assert outcome.judgement.verdict.name == "FAIL"
    assert [*measured(outcome)] == ["flows_that_work", named]


def test_two_runs_with_one_seed_leave_the_same_bytes(run_scenario: RunScenario) -> None:
    first, second = (run_scenario(HYBRID_KUBERNETES, "missing=kubelet", again=number) for number in (0, 1))
    assert_same_bytes(first.directory / "record", second.directory / "record")
