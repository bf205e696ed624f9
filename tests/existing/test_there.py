"""Claims about runs on a real cluster that is treated as somebody else's: a lab's, by its kubeconfig alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from testbed.check import flows
from testbed.check.judge import NO_RECEIPT_NOTE
from testbed.errors import Exit
from testbed.history import History
from tests.conftest import ROOT, RunScenario
from tests.existing.there import FORBIDDEN, NEW, acts

DIRECT_CONNECT_MS = 10.0
"""There and back, as the topology asks."""
pytestmark = pytest.mark.cluster


@pytest.fixture
def record(run_scenario: RunScenario) -> Path:
    """What the lab's record has, and in it the directory of each run on its cluster."""
    return run_scenario(str(ROOT / "tests" / "existing" / "there.py")).directory / "record"


@pytest.fixture
def done(record: Path) -> dict[str, dict[str, Any]]:
    """Acts by name."""
    found = acts(History(record).events)
    assert "after-clean" in found, [dict(event.fields) for event in History(record).of("run.failed")]
    return found


def test_a_dry_run_lists_what_would_be_made_and_makes_nothing(done: dict[str, dict[str, Any]]) -> None:
    assert done["dry-run"]["status"] == Exit.PASS
    things = list(yaml.safe_load_all(done["dry-run"]["printed"].partition("# A run would make")[2].partition("\n")[2]))
    assert [thing["kind"] for thing in things] == ["Namespace", "Pod", "Pod", "Service"]
    assert done["after-dry-run"]["printed"].strip() == ""


def test_a_run_with_the_shipped_rights_measures_the_lab_s_links_and_leaves_nothing(
    done: dict[str, dict[str, Any]], record: Path
) -> None:
    assert done["run"]["status"] == Exit.PASS, done["run"]["printed"]
    verdict = json.loads((record / "run" / "record" / "verdict.json").read_text(encoding="utf-8"))
    assert (verdict["verdict"], verdict["why"]) == ("PASS", [NO_RECEIPT_NOTE])
    history = History(record / "run" / "record")
    for name in ("udp-pod-aws-1-pod-onprem-1", "udp-pod-onprem-1-pod-aws-1"):
        packets = flows.packets(history, name)
        assert len(packets) > 90
        assert DIRECT_CONNECT_MS <= (flows.rtt_ms(packets) or 0) < 1.2 * DIRECT_CONNECT_MS
        assert {packet.reached_ns for packet in packets} == {None}
    pings = history.samples("ping-pod-aws-1-pod-onprem-1")
    assert None not in pings["returned_ns"][:-1]
    assert done["after-run"]["printed"].strip() == ""


def test_the_report_says_which_cluster_it_was_and_no_secret(done: dict[str, dict[str, Any]], record: Path) -> None:
    page = (record / "run" / "report.html").read_text(encoding="utf-8")
    assert "at 127.0.0.1: aws 2 nodes, onprem 1 node" in page
    for file in (record / "run").rglob("*.*"):
        assert done["token"]["printed"].strip().encode() not in file.read_bytes()


def test_the_clocks_of_nodes_are_those_of_the_one_kernel_that_they_share(
    done: dict[str, dict[str, Any]], record: Path
) -> None:
    clocks = [event.fields for event in History(record / "run" / "record").of("pod.clock")]
    assert len(clocks) == 2
    assert all(abs(clock["ahead_ns"]) <= clock["within_ns"] for clock in clocks)


def test_the_shipped_rights_allow_nothing_else(done: dict[str, dict[str, Any]]) -> None:
    answers = [done["may-" + "-".join(words[:2])]["printed"].split()[-1] for words in FORBIDDEN]
    assert answers == ["no"] * len(FORBIDDEN)


def test_a_run_that_is_interrupted_leaves_nothing(done: dict[str, dict[str, Any]]) -> None:
    assert done["interrupted"]["status"] == 130
    assert done["after-interrupted"]["printed"].strip() == ""


def test_what_a_killed_run_left_keeps_others_away_until_it_is_cleaned(done: dict[str, dict[str, Any]]) -> None:
    assert done["killed"]["status"] == -9
    left = set(done["after-killed"]["printed"].split())
    assert {"pod/pod-aws-1", "pod/pod-onprem-1", "service/far", f"namespace/{NEW}"} <= left
    assert done["refused"]["status"] == Exit.INPUT
    assert f"namespace {NEW}: has pod pod-aws-1" in done["refused"]["printed"]
    assert done["clean"]["status"] == Exit.PASS
    assert f"removed: namespace {NEW}" in done["clean"]["printed"]
    assert done["after-clean"]["printed"].strip() == ""
