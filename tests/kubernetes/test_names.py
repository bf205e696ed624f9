"""A claim about names: what the cluster does not know, the sites' resolvers answer, to nodes and to pods."""

from __future__ import annotations

import pytest

from testbed.verdict import Verdict
from tests.conftest import RunScenario

pytestmark = pytest.mark.cluster


def test_the_resolver_of_a_site_answers_its_nodes_and_coredns(run_scenario: RunScenario) -> None:
    outcome = run_scenario("tests/kubernetes/names_scenario.py")
    assert outcome.judgement.verdict is Verdict.PASS, outcome.judgement.why
