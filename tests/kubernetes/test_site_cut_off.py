"""Claims about a real cluster one of whose sites is cut off: what is given up, what goes on, and what comes back."""

from __future__ import annotations

import pytest

from testbed.boot.runner import Outcome
from testbed.verdict import Measurement, Verdict
from tests.conftest import RunScenario

FILE = "scenarios/site_cut_off.py"
pytestmark = pytest.mark.cluster


@pytest.fixture
def moved(run_scenario: RunScenario) -> Outcome:
    """Two minutes, of pods that tolerate half a minute, and names at each site."""
    return run_scenario(FILE, "cut.for=2 min", "toleration=30 s", "dns=site", "restart=kube-proxy")


def measured(outcome: Outcome) -> dict[str, Measurement]:
    """Measurements by name."""
    return {each.name: each for each in outcome.judgement.measurements}


def test_each_step_comes_when_the_controllers_timers_say(moved: Outcome) -> None:
    assert moved.judgement.verdict is Verdict.PASS, moved.judgement.why
    found = measured(moved)
    lost, removed, tainted, evicted = (
        found[name].value for name in ("not_ready", "endpoints_removed", "no_execute", "evicted")
    )
    assert lost is not None
    assert removed is not None
    assert tainted is not None
    assert evicted is not None
    assert lost < tainted < evicted
    assert lost < removed < evicted


def test_pods_that_do_not_wait_are_started_elsewhere_and_stay_there(moved: Outcome) -> None:
    found = measured(moved)
    assert (found["pods_evicted"].value, found["endpoints_at_the_end"].value) == (found["pods_at_site"].value, 4)
    assert found["pods_at_site_after"].value == 0


def test_what_is_in_the_site_goes_on_and_so_do_names_that_are_there(moved: Outcome) -> None:
    found = measured(moved)
    assert (found["lost_within_site"].value, found["names_failed"].value) == (0, 0)


def test_a_control_plane_that_is_lost_gives_up_nothing_until_it_is_back(run_scenario: RunScenario) -> None:
    outcome = run_scenario(FILE, "cut.for=90 s", "toleration=10 s", "control-plane=lost")
    assert outcome.judgement.verdict is Verdict.PASS, outcome.judgement.why
    found = measured(outcome)
    assert (found["pods_evicted"].value, found["endpoints_at_the_end"].value) == (0, 4)
