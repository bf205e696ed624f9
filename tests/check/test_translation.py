"""Claims about judging address translation from a record: what is missing is UNKNOWN, what differs FAIL."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from testbed.check import translation
from testbed.history import History
from testbed.verdict import Measurement, Verdict
from tests.plan.shipped import plan_of

PLAN = plan_of("overlapping.py")
S = 10**9


def history(tmp_path: Path, *events: dict[str, Any]) -> History:
    (tmp_path / "events.jsonl").write_text("".join(json.dumps({"t_ns": 0, **event}) + "\n" for event in events))
    return History(tmp_path)


def silence(seconds: float, result: str, **changes: object) -> dict[str, Any]:
    usual = {
        "kind": "silence", "length_ns": int(seconds * S), "keepalive_ns": None, "far": False, "udp": False,
        "result": result,
        "since_ns": 0, "again_ns": int(seconds * S), "done_ns": int(seconds * S) + 1000, "peer": "10.0.2.2", "heard": 1,
        "established": True,
    }  # fmt: skip
    return usual | changes


def through() -> translation.Through:
    found = translation.through(PLAN)
    assert found is not None
    return found


def verdicts(found: list[Measurement]) -> dict[str, str]:
    return {each.name: each.verdict.name for each in found}


def test_the_way_through_a_gateway_is_found_with_its_round_trips() -> None:
    way = through()
    assert (way.nat.node, way.source, way.target) == ("nat", "app", "berlin-1")
    assert (way.to_gateway, way.rtt) == (0, 10 * 10**6)
    assert translation.through(plan_of("hybrid.py")) is None


@pytest.mark.parametrize(
    ("source", "target", "address"),
    [
        ("app", "berlin-1", "10.0.2.2"), ("berlin-1", "madrid-1", "100.64.1.10"),
        ("madrid-1", "berlin-1", "100.65.1.10"), ("berlin-1", "app", ""),
    ],
)  # fmt: skip
def test_whom_a_peer_should_see_follows_from_the_plan(source: str, target: str, address: str) -> None:
    assert translation.seen_as(PLAN, source, target) == address


@pytest.mark.parametrize(
    ("seconds", "more", "wanted"),
    [
        (349, {}, "goes on"), (350, {}, "reset"), (351, {"far": True}, "nothing heard"),
        (349, {"far": True, "udp": True}, "goes on"), (351, {"far": True, "udp": True}, "nothing heard"),
        (1000, {"keepalive_ns": 300 * S}, "goes on"), (1000, {"keepalive_ns": 400 * S}, "reset"),
    ],
)  # fmt: skip
def test_what_becomes_of_silence_is_foretold(seconds: float, more: dict[str, Any], wanted: str) -> None:
    assert translation.foretold(through(), silence(seconds, "", **more)) == wanted


def test_far_ends_that_still_have_a_connection_that_was_reset_are_counted(tmp_path: Path) -> None:
    record = history(tmp_path, silence(351, "reset"), silence(351, "reset", established=False), silence(349, "goes on"))
    assert [each.value for each in translation.unaware(record)] == [1]


@pytest.mark.parametrize(
    ("udp", "icmp", "verdict"), [(0, 110, "PASS"), (110, 110, "FAIL"), (0, 0, "FAIL"), (None, 110, "UNKNOWN")]
)
def test_fragments_of_udp_must_pass_and_those_of_icmp_must_not(
    tmp_path: Path, udp: int | None, icmp: int, verdict: str
) -> None:
    asked = [("udp", udp), ("icmp", icmp)]
    events = [
        {"kind": "fragments", "sort": sort, "error": error, "dropped": 3} for sort, error in asked if error is not None
    ]
    found = verdicts([*translation.fragments(history(tmp_path, *events))])
    assert sorted({*found.values()} - {"PASS"}) == ([] if verdict == "PASS" else [verdict])


def test_a_right_record_passes(tmp_path: Path) -> None:
    counted = {"kind": "nat.counted", "NAT gateway nat: no such connection: reset": 1}
    record = history(tmp_path, silence(349, "goes on"), silence(351, "reset"), counted)
    assert {*verdicts([*translation.fates(through(), record)]).values()} == {"PASS"}


@pytest.mark.parametrize(
    "wrong",
    [silence(349, "reset"), silence(351, "goes on"), silence(351, "closed"), silence(349, "goes on", peer="10.0.1.10")],
)
def test_a_connection_that_fares_otherwise_or_is_seen_as_its_host_fails(tmp_path: Path, wrong: dict[str, Any]) -> None:
    assert Verdict.FAIL in [each.verdict for each in translation.fates(through(), history(tmp_path, wrong))]


def test_a_record_without_anything_is_unknown_and_never_a_pass(tmp_path: Path) -> None:
    nothing = history(tmp_path)
    found = verdicts([*translation.sources(PLAN, nothing), *translation.flows(through(), nothing)])
    assert found == {"sources_as_planned": "UNKNOWN", "connections_admitted": "UNKNOWN"}
    assert "UNKNOWN" in verdicts([*translation.fates(through(), nothing)]).values()


def test_one_flow_too_many_and_one_too_few_fail(tmp_path: Path) -> None:
    for arrived in (54_999, 55_001):
        event = {"kind": "flows", "sent": 55_100, "seen": {"10.0.2.2": arrived}, "refused": 55_100 - arrived}
        found = verdicts([*translation.flows(through(), history(tmp_path, event))])
        assert found["connections_admitted"] == "FAIL"


def test_a_peer_that_sees_a_host_behind_a_gateway_fails_and_is_named(tmp_path: Path) -> None:
    event = {"kind": "source", "source": "app", "target": "berlin-1", "seen": "10.0.1.10"}
    found = verdicts([*translation.sources(PLAN, history(tmp_path, event))])
    assert found == {"sources_as_planned": "FAIL", "app to berlin-1: seen 10.0.1.10": "FAIL"}
