"""Claims about the proof that nodes speak to each other through the lab alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from testbed.check.management import past_the_lab
from testbed.history import History, Recorder
from testbed.net import filters, management
from testbed.verdict import Verdict
from tests.plan.shipped import plan_of

PLAN = plan_of("stretched_cluster.py")
NODES = tuple(node.name for node in PLAN.clusters[0].nodes)


def verdict(folder: Path, counts: dict[str, tuple[int, int]]) -> Verdict:
    """Of a record with these counts: the testbed's packets, and strays."""
    recorder = Recorder(folder)
    recorder.begin()
    for node, (ours, stray) in counts.items():
        recorder.event("cluster.management", node=node, ours=ours, stray=stray)
    recorder.write()
    (measured,) = past_the_lab(History(folder), PLAN)
    return measured.verdict


@pytest.mark.parametrize(("counts", "expected"), [
    (dict.fromkeys(NODES, (9, 0)), Verdict.PASS),
    ({node: (9, int(node == "onprem-1")) for node in NODES}, Verdict.FAIL),
    (dict.fromkeys(NODES, (0, 0)), Verdict.UNKNOWN),
    (dict.fromkeys(NODES[1:], (9, 0)), Verdict.UNKNOWN),
    ({}, Verdict.UNKNOWN),
])  # fmt: skip
def test_a_single_stray_fails_and_what_was_not_counted_is_unknown(
    tmp_path: Path, counts: dict[str, tuple[int, int]], expected: Verdict
) -> None:
    assert verdict(tmp_path, counts) is expected


def test_a_lab_without_clusters_is_not_asked(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)
    recorder.begin()
    recorder.write()
    assert list(past_the_lab(History(tmp_path), plan_of("hybrid.py"))) == []


def test_every_node_counts_in_all_directions_and_no_other_host_does() -> None:
    assert management.nodes(PLAN) == set(NODES)
    for node in PLAN.nodes:
        commands = json.loads(filters.render(PLAN, node.name))["nftables"]
        rules = [command["add"]["rule"] for command in commands if "rule" in command["add"]]
        stray = {rule["chain"] for rule in rules if rule["comment"].startswith(management.STRAY)}
        assert stray == ({"input", "output", "forward"} if node.name in NODES else set())


def test_what_is_told_to_nobody_by_multicast_is_not_counted_whoever_says_it() -> None:
    stray6 = [rule for rule in management.rules(PLAN, NODES[0]) if rule.comment.endswith("IPv6")]
    looked_at = {
        comparison["match"]["left"]["payload"]["field"]
        for rule in stray6
        for comparison in map(json.loads, rule.matches)
        if "payload" in comparison["match"]["left"]
    }
    assert looked_at == {"daddr"}, "a bridge says things, too, and where it says them from is no multicast"
