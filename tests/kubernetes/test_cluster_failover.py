"""Claims about a cluster whose sites lose their link, and come to each other by the other one."""

from __future__ import annotations

import pytest

from testbed.boot.runner import Outcome
from testbed.check import clusters
from testbed.history import History
from testbed.verdict import Measurement, Verdict
from tests.conftest import RunScenario

FILE = "scenarios/cluster_failover.py"
pytestmark = pytest.mark.cluster


@pytest.fixture
def outcome(run_scenario: RunScenario) -> Outcome:
    return run_scenario(FILE)


def measured(outcome: Outcome) -> dict[str, Measurement]:
    """Measurements by name."""
    return {each.name: each for each in outcome.judgement.measurements}


def test_nodes_pods_and_services_are_cut_off_no_longer_than_theory_says(outcome: Outcome) -> None:
    assert outcome.judgement.verdict is Verdict.PASS, outcome.judgement.why
    gaps = [measured(outcome)[f"gap_{kind}"] for kind in ("node", "pod", "service")]
    assert all(gap.value and gap.high and gap.value <= gap.high for gap in gaps)


def test_nothing_between_nodes_goes_past_the_lab(outcome: Outcome) -> None:
    counted = list(History(outcome.directory / "record").of("cluster.management"))
    assert [event.fields["stray"] for event in counted] == [0] * len(counted)
    assert measured(outcome)["packets_past_the_lab"].value == 0


def test_no_node_is_held_for_lost_in_a_second(outcome: Outcome) -> None:
    history = History(outcome.directory / "record")
    assert clusters.not_ready(history, history.instant("fault.start")) == {}
