"""Claims about days on which a cluster fails: what is said, where its logs are, and that nothing half-made is kept."""

from __future__ import annotations

import pytest

from testbed.boot.states import States
from testbed.cluster.build import ImageBuild
from testbed.errors import MachineError
from testbed.history import History
from testbed.load import load
from testbed.verdict import Verdict
from tests.conftest import ROOT, RunScenario

pytestmark = pytest.mark.cluster
SHUT_OUT = "tests/kubernetes/shut_out.py"


def test_a_node_that_ends_in_the_middle_of_a_run_is_named_and_nothing_is_measured(run_scenario: RunScenario) -> None:
    outcome = run_scenario("tests/kubernetes/killed_scenario.py")
    assert outcome.judgement.verdict is Verdict.UNKNOWN
    assert outcome.judgement.why[0] == "node onprem-1: its container ended in the middle of the run"
    history = History(outcome.directory / "record")
    (ended,) = (event for event in history.of("program.ended") if event.fields["program"] == "container")
    assert 0 <= ended.t_ns - history.instant("scenario.start") < 10**10


def test_kubeadm_that_cannot_join_a_node_is_told_and_every_nodes_logs_are_kept(run_scenario: RunScenario) -> None:
    with pytest.raises(MachineError, match="kind create cluster: ended with status 1") as failed:
        run_scenario(SHUT_OUT)
    (problem,) = failed.value.problems
    image = ImageBuild()
    logs = image.cache / "failed" / "cluster" / "logs"
    assert str(image.cache / "failed") in problem.hint
    for node in ("prod-control-plane", "prod-worker"):
        assert (logs / node / "kubelet.log").is_file(), sorted(logs.rglob("*"))
    states = States(image)
    assert states.kept(load(str(ROOT / SHUT_OUT), {}).plan, states.engine(lambda message: None)) is None
