"""Claims about what is made of a record of who reaches whom in a cluster. Pure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from testbed.history import Event
from testbed.net import fragments
from testbed.report.policies import policy_matrix, policy_sentence
from testbed.verdict import Verdict
from tests.kubernetes.told import Told, measured, wrong

SCENARIO = "cluster_connectivity.py"
PODS = ("pod-aws-cp", "pod-aws-1", "pod-onprem-1", "pod-onprem-1-b")
POLICIES = ("no policy", "default deny", "own site only", "egress to one service")
ADDRESS = {name: f"10.244.0.{number}" for number, name in enumerate(PODS)}


def pod(name: str, node: str, address: str) -> tuple[str, dict[str, Any]]:
    return "kubernetes.pod", {"name": name, "namespace": "default", "node": node, "address": address}


def pair(source: str, target: str, *, allowed: bool, passes: bool, policy: str = "default deny") -> dict[str, Any]:
    return {"policy": policy, "source": source, "target": target, "sort": "tcp", "passes": passes, "allowed": allowed}


def attempt(source: str, target: str, reason: str = "ok") -> tuple[str, dict[str, Any]]:
    return "attempt", {
        "source": source, "target": target, "family": 4, "sort": "tcp", "reason": reason, "where": "", "detail": "",
    }  # fmt: skip


def mtu(largest: int, cut: int, data: str, *, dropped: bool) -> tuple[str, dict[str, Any]]:
    return "pods.mtu", {
        "source": "pod-aws-1", "target": "pod-onprem-1", "dropped": dropped, "mtu": largest, "fragments": cut,
        "data": data,
    }  # fmt: skip


def well(largest: int = 1396) -> list[tuple[str, dict[str, Any]]]:
    """Of a cluster in which all is as it should be."""
    told = [pod(name, name.removeprefix("pod-").removesuffix("-b"), ADDRESS[name]) for name in PODS]
    told += [pod("coredns-1", "aws-cp", "10.244.0.9")]
    told += [attempt("pod-aws-1", "pod-onprem-1"), attempt("aws-1", "service")]
    told += [
        ("source", {"source": name, "target": "service", "seen": ADDRESS[name], "to": "", "error": ""}) for name in PODS
    ]
    for name in PODS:
        answer = {"source": name, "result": "answer", "addresses": ["10.96.0.7"]}
        near = "aws" in name
        told += [("lookup", {**answer, "name": "full", "took_ns": 1_000_000 if near else 11_000_000})]
        told += [("lookup", {**answer, "name": "short", "took_ns": None})]
    told += [("path.mtu", {"source": "pod-aws-1", "target": "pod-onprem-1", "family": 4, "mtu": largest})]
    told += [("policy.pair", pair("a", "c", allowed=True, passes=True, policy=name)) for name in POLICIES]
    return told


def test_a_cluster_in_which_all_is_as_it_should_be_passes(tmp_path: Path) -> None:
    told: Told = [*well(), mtu(1396, 0, "ok", dropped=False), mtu(1396, 0, "ok", dropped=True),
                  ("policy.pair", pair("a", "b", allowed=False, passes=False))]  # fmt: skip
    found = measured(tmp_path, SCENARIO, told)
    assert wrong(found) == []
    assert found["default_deny_stops"].expected == 1


def test_what_was_not_tried_is_not_known(tmp_path: Path) -> None:
    found = measured(tmp_path, SCENARIO, [])
    unknown = {name for name, each in found.items() if each.verdict is Verdict.UNKNOWN}
    assert {"attempts_that_work", "pods_seen_by_their_own_address"} <= unknown
    assert {f"{name.replace(' ', '_')}_tried" for name in POLICIES} <= unknown
    assert [name for name, each in found.items() if each.verdict is Verdict.PASS] == []


def test_a_pair_that_must_not_pass_and_does_fails_by_name(tmp_path: Path) -> None:
    found = measured(tmp_path, SCENARIO, [*well(), ("policy.pair", pair("a", "b", allowed=False, passes=True))])
    assert wrong(found) == ["default_deny_stops", "default deny: a to b over TCP passes and must not"]


def test_a_pair_that_failed_before_any_policy_fails(tmp_path: Path) -> None:
    told = [*well(), ("policy.pair", pair("a", "b", allowed=True, passes=False, policy="no policy"))]
    assert wrong(measured(tmp_path, SCENARIO, told)) == ["no_policy_passes", "no policy: a to b over TCP fails"]


def test_a_pod_that_is_seen_by_another_address_fails(tmp_path: Path) -> None:
    told = [
        *well(),
        ("source", {"source": "pod-aws-1", "target": "service", "seen": "10.0.1.11", "to": "", "error": ""}),
    ]
    assert wrong(measured(tmp_path, SCENARIO, told)) == ["pods_seen_by_their_own_address"]


def test_names_are_told_of_the_node_that_answers_them(tmp_path: Path) -> None:
    found = measured(tmp_path, SCENARIO, well())
    near, far = found["lookup_from_pod-aws-1"], found["lookup_from_pod-onprem-1"]
    assert (near.low, near.high) == (0.0, 5.0)
    assert far.low is not None
    assert 9.9 < far.low <= 10.0  # twice the one-way delay of Direct Connect, 5 ms
    assert "on aws-cp" in far.source


def test_pods_with_too_large_an_mtu_are_in_a_black_hole_where_fragments_are_dropped(tmp_path: Path) -> None:
    told = [*well(1450), mtu(1450, 3, "ok", dropped=False), mtu(1396, 3, "timeout", dropped=True)]
    found = measured(tmp_path, SCENARIO, told, **{"pods.mtu": "1450 B"})
    assert [name[:40] for name in wrong(found)] == ["black hole: pods send up to 1450 B, vpn-"]
    assert found["fragments_by_backup"].low == 1
    assert found["mtu_by_backup_without_fragments"].expected == 1396


def test_fragments_of_pods_with_the_right_mtu_fail(tmp_path: Path) -> None:
    told = [*well(), mtu(1396, 2, "ok", dropped=False)]
    assert wrong(measured(tmp_path, SCENARIO, told)) == ["fragments_by_backup"]


def test_fragments_are_seen_before_they_are_put_together() -> None:
    assert '"prio": -450' in fragments.table(drop=False)
    assert '"drop"' in fragments.table(drop=True)
    assert '"drop"' not in fragments.table(drop=False)


def test_the_picture_of_policies_says_what_each_source_still_reaches() -> None:
    under = [
        Event(0, "policy.pair", pair("a", "b", allowed=True, passes=True, policy="no policy")),
        Event(0, "policy.pair", pair("a", "b", allowed=False, passes=False)),
        Event(0, "policy.pair", pair("a", "c", allowed=True, passes=True)),
        Event(0, "policy.pair", pair("b", "c", allowed=False, passes=True)),
        Event(0, "policy.pair", pair("a", "b", allowed=True, passes=True, policy="after default deny")),
    ]
    found = policy_matrix(under)
    assert found is not None
    assert (found.rows, found.columns) == (("a", "b"), ("no policy", "default deny"))
    cell = found.squares["a", "default deny"]
    assert (cell.text, cell.small, cell.wrong) == ("reaches 1 of 2", "only c", False)
    assert found.squares["b", "default deny"].small == "wrong: c"
    assert "4 of 5 attempts end as the policies say" in policy_sentence(under)
