"""Claims about names in the guest, each with real DNS servers that ask each other across links."""

from __future__ import annotations

import pytest

from testbed.check.lookups import lookups, results
from testbed.history import History
from testbed.verdict import Verdict
from tests.conftest import RunScenario, measured
from tests.guest.test_failover import assert_same_bytes

pytestmark = pytest.mark.guest
BROKEN = "tests/guest/names_scenario.py"
SHORT = ("dns.ttl=10s", "outage=35s")


@pytest.fixture
def history(run_scenario: RunScenario) -> History:
    found = History(run_scenario(BROKEN).directory / "record")
    assert list(found.of("run.failed")) == []
    return found


def said(history: History, what: str) -> dict[tuple[str, str], set[str]]:
    """What was said of each pair, over both families."""
    found: dict[tuple[str, str], set[str]] = {}
    for event in history.of("looked"):
        if event.fields["what"] == what:
            pair = event.fields["source"], event.fields["target"]
            found.setdefault(pair, set()).add(event.fields["said"])
    return found


def test_names_of_other_sites_are_known_where_there_is_a_rule_for_them(history: History) -> None:
    known = ("a", "b"), ("b", "a"), ("a", "c"), ("a", "a-dns")
    # The second site's addresses are mapped, and a wrong one would be told.
    assert said(history, "nothing") == {pair: {"ok"} for pair in known} | {("c", "a"): {"no record c-dns refused"}}


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        ("kill", "resolver down b-dns"),
        ("freeze", "resolver down b-dns"),
        ("silent", "timeout"),
        ("carrier", "no route gw-a"),
    ],
)
def test_what_is_broken_is_found_and_the_own_sites_names_go_on(history: History, fault: str, why: str) -> None:
    found = said(history, fault)
    assert found["a", "b"] == {why} and found["a", "a"] == {"ok"}
    assert fault != "kill" or found["b", "a"] == {why}


def test_a_probe_tells_answers_their_age_and_that_nobody_listens(history: History) -> None:
    over_udp, over_tcp, closed = (lookups(history, name) for name in ("dns-a-b", "tcp", "closed"))
    for some in (over_udp, over_tcp):
        assert set(results(some)) == {"answer"} and len(some) >= 9
    assert {each.ttl for each in over_udp} <= {0, 1}
    assert set(results(closed)) == {"closed"}


def test_two_runs_with_one_seed_leave_the_same_bytes(run_scenario: RunScenario) -> None:
    first, second = (run_scenario(BROKEN, again=again).directory / "record" for again in (0, 1))
    assert_same_bytes(first, second)


@pytest.mark.parametrize("cause", ["link", "resolver"])
def test_names_cost_what_theory_says_and_outlive_link_and_resolver_for_their_ttl(
    run_scenario: RunScenario, cause: str
) -> None:
    outcome = run_scenario("scenarios/names.py", *SHORT, f"cause={cause}")
    assert outcome.judgement.verdict is Verdict.PASS, outcome.judgement.why
    found = measured(outcome)
    assert found["kept_for"]["low"] == 8 and found["lookup_there_p50"]["expected"] == pytest.approx(11.5)
    assert found["program_told_after"]["expected"] == 20
    printed = (outcome.directory / "record" / "programs" / "getent-well.out").read_text(encoding="utf-8")
    assert printed.startswith("192.168.1.10 ")


def test_the_matrix_names_the_group_that_forgets_the_other_site(run_scenario: RunScenario) -> None:
    outcome = run_scenario("scenarios/connectivity.py", "topology=topologies/names.py", "dns.mistake=group")
    assert outcome.judgement.verdict is Verdict.PASS, outcome.judgement.why
    cells = [event.fields for event in History(outcome.directory / "record").of("attempt")]
    failed = {(c["source"], c["where"], c["detail"]) for c in cells if c["sort"] == "dns" and c["reason"] == "filtered"}
    rule = "security group inbound in: no rule allows"
    assert failed == {("dc-1", "aws-dns", rule), ("dc-dns", "aws-dns", rule)}
