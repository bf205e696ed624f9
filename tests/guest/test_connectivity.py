"""Who reaches whom in the guest: as the plan has it, for its reasons; black holes, and the published table of MTUs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from testbed.boot.runner import Outcome
from testbed.report.page import write_report
from tests.conftest import RunScenario, measured
from tests.guest.test_failover import assert_same_bytes
from tests.theory.test_mtu import AWS_TABLE

pytestmark = pytest.mark.guest
CONNECTIVITY = "scenarios/connectivity.py"
BLACK_HOLE = "topology=topologies/black_hole.py"


def cells(outcome: Outcome) -> list[tuple[str, str]]:
    lines = (outcome.directory / "record" / "events.jsonl").read_text(encoding="utf-8").splitlines()
    found = [event for event in map(json.loads, lines) if event["kind"] == "attempt"]
    return [(cell["reason"], f"{cell['where']} {cell['detail']}".strip()) for cell in found]


def test_guarded_hosts_reach_what_the_rules_say_and_the_rule_is_found(run_scenario: RunScenario) -> None:
    outcome = run_scenario(CONNECTIVITY)
    assert outcome.judgement.verdict.name == "PASS", outcome.judgement.why
    assert measured(outcome)["attempts_as_planned"]["value"] == 4 * 3 * 2 * 4
    assert ("filtered", "vgw network ACL zone-b lan1 in: no rule allows") in cells(outcome)
    assert "matrix-ipv6" in write_report(outcome.directory).read_text(encoding="utf-8")


def test_a_firewall_that_saw_no_question_lets_no_answer_pass(run_scenario: RunScenario) -> None:
    outcome = run_scenario(CONNECTIVITY, f"topology={Path(__file__).parent / 'walled.py'}")
    assert outcome.judgement.verdict.name == "PASS", outcome.judgement.why
    found = cells(outcome)[:4]  # app to store over IPv4
    assert found[0] == ("filtered", "cgw-2 firewall wall lan0 in: no rule allows")
    assert {*found[1:]} == {("filtered", "cgw-1 firewall wall lan0 out: no rule allows")}


def test_two_runs_with_one_seed_leave_the_same_bytes(run_scenario: RunScenario) -> None:
    first, second = (run_scenario(CONNECTIVITY, again=again).directory / "record" for again in (0, 1))
    assert_same_bytes(first, second)


def test_the_black_hole_is_found_and_named(run_scenario: RunScenario) -> None:
    outcome = run_scenario(CONNECTIVITY, BLACK_HOLE)
    assert outcome.judgement.verdict.name == "PASS", outcome.judgement.why
    holes = [where for reason, where in cells(outcome) if reason != "ok"]
    assert sorted(holes) == ["cgw MTU 1446", "cgw MTU 1446", "vgw MTU 1446", "vgw MTU 1446"]


@pytest.mark.parametrize("mend", ["vpn.clamp=yes", "mtu=1446", "icmp=passes"])
def test_clamping_a_lower_mtu_or_icmp_mends_it(run_scenario: RunScenario, mend: str) -> None:
    outcome = run_scenario(CONNECTIVITY, BLACK_HOLE, mend)
    assert outcome.judgement.verdict.name == "PASS", outcome.judgement.why
    assert {reason for reason, _ in cells(outcome)} == {"ok"}


@pytest.mark.parametrize(("suite", "nat", "mtu", "mss4", "mss6"), AWS_TABLE)
def test_each_suite_gives_the_mtu_and_on_the_wire_the_mss_of_the_published_table(
    run_scenario: RunScenario, suite: str, nat: bool, mtu: int, mss4: int, mss6: int
) -> None:
    outcome = run_scenario(
        CONNECTIVITY, BLACK_HOLE, f"vpn.suite={suite}", f"vpn.nat={'yes' if nat else 'no'}", "vpn.clamp=yes"
    )
    assert outcome.judgement.verdict.name == "PASS", outcome.judgement.why
    lines = (outcome.directory / "record" / "events.jsonl").read_text(encoding="utf-8").splitlines()
    events = [*map(json.loads, lines)]
    assert {event["mtu"] for event in events if event["kind"] == "path.mtu"} == {mtu}
    found = {(event["family"], event["mss"]) for event in events if event["kind"] == "mss"}
    assert found == {(4, mss4), (6, mss6)}
