"""Claims about the shipped topologies and the guide's examples: they come up as planned, and hosts reach each other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from testbed.verdict import Verdict
from tests.conftest import RunScenario, measured

ROOT = Path(__file__).parents[2]
FILES = sorted(
    f"topologies/{path.name}"
    for path in (ROOT / "topologies").glob("*.py")
    if "t.cluster(" not in path.read_text(encoding="utf-8")
)
"""Those with clusters come up in tests/kubernetes: they need an image that takes minutes to build."""
SILENT = "topologies/hybrid_kubernetes.py"
"""Its rules let nothing through at the port that a topology by itself is tried at; it has a scenario of its own."""
LOUD = [name for name in FILES if name != SILENT]
WITH_DAEMON = [name for name in FILES if "routing.daemon" in (ROOT / name).read_text(encoding="utf-8")]
pytestmark = pytest.mark.guest


@pytest.mark.parametrize("file", [*LOUD, "topologies/hybrid.yaml"])
def test_every_host_reaches_every_other_by_the_ways_of_the_plan(run_scenario: RunScenario, file: str) -> None:
    outcome = run_scenario(file)
    assert outcome.judgement.verdict is Verdict.PASS, outcome.judgement.why
    assert measured(outcome)["pairs_reached"]["value"] > 0


def test_where_guards_let_nobody_reach_anybody_silence_is_no_pass(run_scenario: RunScenario) -> None:
    outcome = run_scenario(SILENT)
    assert outcome.judgement.verdict is Verdict.UNKNOWN
    assert outcome.judgement.why == ("Pairs reached: not measured",)


@pytest.mark.parametrize("file", WITH_DAEMON)
def test_frr_goes_the_same_ways_as_bird(run_scenario: RunScenario, file: str) -> None:
    """A run does not start before each route is the plan's, so passing says that both daemons agree with it."""
    outcome = run_scenario(file, "routing.daemon=frr")
    assert outcome.judgement.verdict is Verdict.PASS, outcome.judgement.why


def test_the_guides_topology_and_scenario_run_as_they_stand(run_scenario: RunScenario, tmp_path: Path) -> None:
    text = (ROOT / "docs" / "guide.md").read_text(encoding="utf-8")
    for name, block in zip(
        ("mine.py", "brownout.py"), re.findall(r"```python\n(.*?)```", text, re.DOTALL), strict=True
    ):
        (tmp_path / name).write_text(block, encoding="utf-8")
    outcome = run_scenario(str(tmp_path / "brownout.py"), "for=20 s")
    assert outcome.judgement.verdict is Verdict.PASS, outcome.judgement.why
    assert measured(outcome)["lost"]["expected"] == pytest.approx(9.75)
