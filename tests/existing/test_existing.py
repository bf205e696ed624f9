"""Claims about runs on existing clusters that need none: what is refused, and how a record without links is judged."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from testbed.check.judge import EXISTING, NO_RECEIPT_NOTE, judge_run
from testbed.cli.main import main
from testbed.errors import Exit, RunError
from testbed.existing.access import Access
from testbed.existing.line import PodLine, status
from testbed.existing.sites import plan_of
from testbed.history import Recorder
from testbed.load import load_on
from testbed.verdict import Verdict
from tests.conftest import ROOT
from tests.existing.found import HYBRID_CLUSTER

FILE = str(ROOT / "scenarios" / "cluster_paths.py")
ENDED = {"problem": "", "spins": 0}


def call(*words: object) -> Result:
    """The command line."""
    return CliRunner().invoke(main, [*map(str, words)])


@pytest.fixture
def kubeconfig(tmp_path: Path) -> Path:
    """A kubeconfig of a server that nobody is."""
    document = {
        "apiVersion": "v1", "kind": "Config", "current-context": "here",
        "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:9"}}],
        "users": [{"name": "u", "user": {"token": "very-secret"}}],
        "contexts": [{"name": name, "context": {"cluster": "c", "user": "u"}} for name in ("here", "there")],
    }  # fmt: skip
    path = tmp_path / "kubeconfig"
    path.write_text(yaml.safe_dump(document))
    return path


def test_what_the_scenario_asks_for_in_vain_is_told_before_anybody_is_asked(kubeconfig: Path) -> None:
    done = call("run", ROOT / "scenarios" / "cluster_failover.py", "--kubeconfig", kubeconfig)
    assert done.exit_code == Exit.INPUT
    assert (
        "cluster_failover.py: lab.fault: there is no such thing on a cluster that is not the testbed's" in done.stderr
    )
    assert "127.0.0.1" not in done.stderr


def test_a_kubeconfig_that_is_none_and_a_context_that_is_not_in_it_are_told(kubeconfig: Path, tmp_path: Path) -> None:
    done = call("run", FILE, "--kubeconfig", tmp_path / "nothing")
    assert done.exit_code == Exit.INPUT
    assert "cannot be read" in done.stderr
    done = call("run", FILE, "--kubeconfig", kubeconfig, "--context", "where")
    assert done.exit_code == Exit.INPUT
    assert "--context where: no such context" in done.stderr
    assert "known: here, there" in done.stderr


@pytest.mark.parametrize("words", [("run", FILE), ("run", FILE, "--dry-run"), ("clean",)])
def test_a_server_that_does_not_answer_is_told_by_its_name_and_no_secret_is(
    kubeconfig: Path, words: tuple[str, ...]
) -> None:
    done = call(*words, "--kubeconfig", kubeconfig)
    assert done.exit_code == Exit.INPUT
    assert "API server 127.0.0.1 does not answer" in done.stderr
    assert "very-secret" not in done.output + done.stderr


def test_options_that_mean_nothing_there_are_told_at_once(kubeconfig: Path) -> None:
    done = call("run", FILE, "--kubeconfig", kubeconfig, "--kernel", "host", "--seeds", "3")
    assert done.exit_code == Exit.INPUT
    assert [line.split(": ")[1] for line in done.stderr.splitlines() if "error" in line] == ["--kernel", "--seeds"]
    done = call("run", FILE, "--dry-run")
    assert done.exit_code == Exit.INPUT
    assert "--dry-run: is for --kubeconfig" in done.stderr


def test_rights_are_printed_as_yaml_for_the_namespace_that_is_asked_for() -> None:
    done = call("cluster", "rbac", "--namespace", "mine")
    assert done.exit_code == 0
    things = list(yaml.safe_load_all(done.output))
    assert [thing["kind"] for thing in things] == [
        "Namespace", "ServiceAccount", "Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding",
    ]  # fmt: skip
    assert {thing["metadata"].get("namespace", "mine") for thing in things} == {"mine"}


def record_of(folder: Path, *, existing: bool) -> Path:
    """A record in which each probe has seen one packet or connection."""
    recorder = Recorder(folder)
    if existing:
        recorder.event(EXISTING, name="prod", server="x", version="v1", sites={})
    recorder.event("scenario.stop", t_ns=10)
    pods = ("pod-eu-west-1-1", "pod-onprem-1", "pod-onprem-2")
    for source in pods:
        for target in (*pods, "far"):
            recorder.samples(
                f"udp-{source}-{target}", ("seq", "sent_ns", "reached_ns", "returned_ns"), [(0, 1, None, 9)]
            )
            recorder.samples(f"tcp-{source}-{target}", ("seq", "sent_ns", "done_ns", "result"), [(0, 1, 9, 0)])
    recorder.write()
    return folder


def test_a_record_of_an_existing_cluster_is_judged_without_a_receipt_and_says_so(tmp_path: Path) -> None:
    loaded = load_on(FILE, {}, plan_of(HYBRID_CLUSTER))
    found = judge_run(record_of(tmp_path, existing=True), loaded, ended=ENDED)
    assert found.verdict is Verdict.PASS
    assert found.why == (NO_RECEIPT_NOTE,)
    assert "packets_past_the_lab" not in {each.name for each in found.measurements}


def test_what_is_not_so_fails_there_as_everywhere(tmp_path: Path) -> None:
    loaded = load_on(FILE, {}, plan_of(HYBRID_CLUSTER))
    record = record_of(tmp_path, existing=True)
    Recorder(record).samples("tcp-pod-onprem-1-far", ("seq", "sent_ns", "done_ns", "result"), [(0, 1, 9, 2)])
    record_of_events = json.dumps({"t_ns": 0, "kind": EXISTING})
    (record / "events.jsonl").write_text(f'{record_of_events}\n{{"t_ns": 10, "kind": "scenario.stop"}}\n')
    found = judge_run(record, loaded, ended=ENDED)
    assert found.verdict is Verdict.FAIL
    assert "Connections failed pod-onprem-1-far: 1, where theory allows exactly 0" in found.why[0]


def test_a_record_of_a_lab_without_a_receipt_is_still_unknown(tmp_path: Path) -> None:
    loaded = load_on(FILE, {}, plan_of(HYBRID_CLUSTER))
    found = judge_run(record_of(tmp_path, existing=False), loaded, ended=ENDED)
    assert found.verdict is Verdict.UNKNOWN
    assert "no calibration receipt" in found.why


def test_a_program_that_cannot_be_started_is_told_by_its_pod(kubeconfig: Path) -> None:
    with pytest.raises(RunError, match=r"pod client: no program can be started in it: .*refused"):
        PodLine(Access(kubeconfig).programs, "probes", "client", ["ls"])


def test_a_program_s_end_is_read_from_the_last_message() -> None:
    failed = {"status": "Failure", "details": {"causes": [{"reason": "ExitCode", "message": "3"}]}}
    assert [status(json.dumps(said).encode()) for said in ({"status": "Success"}, failed, {"status": "Failure"})] == [
        0, 3, 1,
    ]  # fmt: skip
    assert status(b"") == 1
