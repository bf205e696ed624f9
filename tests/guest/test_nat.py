"""Address translation in the guest: idle connections, the limit, whom the far end sees, and the same bytes twice."""

from __future__ import annotations

import json

import pytest

from testbed.boot.runner import Outcome
from tests.conftest import RunScenario, measured
from tests.guest.test_failover import assert_same_bytes

pytestmark = pytest.mark.guest
NAT = "scenarios/nat.py"
SMALL = ("nat.connections=500", "excess=20")


def events(outcome: Outcome, kind: str) -> list[dict[str, object]]:
    lines = (outcome.directory / "record" / "events.jsonl").read_text(encoding="utf-8").splitlines()
    return [event for event in map(json.loads, lines) if event["kind"] == kind]


def test_silence_resets_limits_and_mapped_offices_are_as_published_and_planned(run_scenario: RunScenario) -> None:
    outcome = run_scenario(NAT, *SMALL)
    assert outcome.judgement.verdict.name == "PASS", outcome.judgement.why
    found = measured(outcome)
    assert found["connections_admitted"]["value"] == 500
    assert found["connections_refused"]["value"] == 20
    assert 349 < found["longest_silence_that_goes_on"]["value"] < 350
    assert 350 < found["shortest_silence_that_is_reset"]["value"] < 351
    assert found["far_ends_that_know_nothing_of_it"]["value"] == 2
    assert found["fragments_dropped"]["value"] > 0
    seen = {(event["source"], event["target"]): event["seen"] for event in events(outcome, "source")}
    assert seen["app", "berlin-1"] == "10.0.2.2"
    assert seen["berlin-1", "madrid-1"] == "100.64.1.10"
    assert seen["berlin-1", "app"] == ""


def test_two_runs_with_one_seed_leave_the_same_bytes(run_scenario: RunScenario) -> None:
    first, second = (run_scenario(NAT, *SMALL, again=again).directory / "record" for again in (0, 1))
    assert_same_bytes(first, second)


def test_everybody_reaches_whom_translation_and_guards_let_them_and_the_rule_is_found(
    run_scenario: RunScenario,
) -> None:
    """The plan foretells each cell: who is seen as whom, which guard sees which address, which rule drops."""
    outcome = run_scenario("scenarios/connectivity.py", "topology=tests/guest/translated.py")
    assert outcome.judgement.verdict.name == "PASS", outcome.judgement.why
    reasons = {(event["where"], event["detail"]) for event in events(outcome, "attempt")}
    nat, group = "NAT gateway nat: no such connection", "security group madrid-1 in: no rule allows"
    assert reasons >= {
        ("nat", f"{nat}: reset"), ("nat", f"{nat}: dropped"), ("nat", "network ACL private lan0 in: no rule allows"),
        ("madrid-1", group), ("gw-berlin", "firewall berlin lan0 in: no rule allows"),
    }  # fmt: skip
