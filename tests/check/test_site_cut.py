"""Claims about a site that was cut off, as read from its record, and how that is judged: from hand-made records."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from testbed.check import connects, site_cut
from testbed.check.site_cut_measured import measurements
from testbed.errors import InputError
from testbed.history import History, Recorder
from testbed.load import load
from testbed.scenario import Result
from testbed.verdict import Measurement, Verdict

S, MS = 10**9, 10**6
FILE = "scenarios/site_cut_off.py"
BROKE, NOT_READY, NO_EXECUTE, HEALED = 100 * S, 147 * S, 147 * S + 60 * MS, 220 * S
BACK = HEALED + 2 * S
HERE, THERE = ("10.244.1.2", "10.244.1.3"), ("10.244.2.2", "10.244.2.3")
Happened = tuple[int, str, dict[str, object]]
TAINT = site_cut.UNREACHABLE


def node(t_ns: int, ready: bool, *taints: str) -> Happened:
    return t_ns, "kubernetes.node", {"name": "onprem-1", "ready": ready, "condition": "", "taints": list(taints)}


def pod(t_ns: int, name: str, where: str, address: str, *, ready: bool = True, deleting: bool = False) -> Happened:
    fields = {"name": name, "namespace": "default", "node": where, "address": address, "ready": ready}
    return t_ns, "kubernetes.pod", {**fields, "phase": "Running", "deleting": deleting}


def slices(t_ns: int, *ready: str) -> Happened:
    return t_ns, "kubernetes.endpoints", {"name": "web-abc", "namespace": "default", "ready": list(ready)}


def begun() -> list[Happened]:
    """Two pods at each site, all ready, and CoreDNS in the cloud alone; then the cut, and its end."""
    return [
        *(pod(S, f"web-{i}", "onprem-1", address) for i, address in enumerate(HERE)),
        *(pod(S, f"web-{i + 2}", "aws-1", address) for i, address in enumerate(THERE)),
        *(pod(S, f"coredns-{i}", "aws-cp", f"10.244.0.{i + 2}") for i in range(2)),
        slices(2 * S, *HERE, *THERE), node(3 * S, True),
        (BROKE, "fault.start", {"number": 1}), (HEALED, "fault.heal", {"number": 1}),
        (400 * S, "scenario.stop", {}),
    ]  # fmt: skip


GIVEN_UP: list[Happened] = [
    node(NOT_READY, False), slices(NOT_READY + 100 * MS, *THERE), node(NO_EXECUTE, False, TAINT),
    node(BACK + 40 * S, True, TAINT), node(BACK + 42 * S, True), slices(BACK + 45 * S, *HERE, *THERE),
]  # fmt: skip
EVICTED: list[Happened] = [
    *(pod(NO_EXECUTE + 10 * S, f"web-{i}", "onprem-1", address, deleting=True) for i, address in enumerate(HERE)),
    *(pod(NO_EXECUTE + 11 * S, f"web-{i + 4}", "aws-1", f"10.244.2.{i + 9}") for i in range(2)),
    slices(NO_EXECUTE + 12 * S, *THERE, "10.244.2.9", "10.244.2.10"),
    *((BACK + 50 * S, "kubernetes.pod", {"name": f"web-{i}", "namespace": "default", "gone": True}) for i in range(2)),
]


def record(folder: Path, events: Iterable[Happened], settings: dict[str, str], failing: float = 0.5) -> Result:
    """A record with what happened, and probes that saw ``failing`` of the connections fail."""
    recorder = Recorder(folder)
    lines = [json.dumps({"t_ns": t, "kind": kind, **fields}) for t, kind, fields in sorted(events, key=lambda e: e[0])]
    (folder / "events.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    cut = range(BROKE, BACK + 1)
    for name, dead in (("path", cut), ("within", range(0))):
        rows = [
            (i, t, t + MS, None if t in dead else t + 2 * MS) for i, t in enumerate(range(90 * S, 300 * S, S // 10))
        ]
        recorder.samples(name, ("seq", "sent_ns", "reached_ns", "returned_ns"), rows)
    for name, until in (("outside", NOT_READY), ("inside", BACK)):
        every = round(1 / failing) if failing else 10**9
        tries = enumerate(range(90 * S, 300 * S, S // 4))
        recorder.samples(
            name,
            connects.COLUMNS,
            [(i, t, t + MS, 2 if BROKE <= t < until and i % every == 0 else 0) for i, t in tries],
        )
    asked = [
        (i, t, t + MS, 7 if t in cut else 0, "" if t in cut else 5) for i, t in enumerate(range(90 * S, 300 * S, S))
    ]
    recorder.samples("names", ("seq", "sent_ns", "done_ns", "result", "ttl"), asked)
    loaded = load(FILE, settings)
    return Result(History(folder), loaded.plan, dict(loaded.parameters.declared), loaded.values)


def found(result: Result) -> dict[str, Measurement]:
    return {each.name: each for each in measurements(result)}


def judged(some: dict[str, Measurement], verdict: Verdict) -> set[str]:
    return {name for name, each in some.items() if each.verdict is verdict}


def test_two_minutes_with_three_hundred_seconds_of_patience_end_no_pod(tmp_path: Path) -> None:
    seen = found(record(tmp_path, [*begun(), *GIVEN_UP], {}))
    assert judged(seen, Verdict.PASS) == set(seen), [each.why for each in seen.values()]
    values = {name: each.value for name, each in seen.items()}
    assert values["outage"] == 122
    assert values["not_ready"] == 47
    assert values["endpoints_removed"] == pytest.approx(47.1)
    assert values["no_execute"] == pytest.approx(47.06)
    assert (values["pods_evicted"], values["endpoints_at_the_end"], values["pods_at_site_after"]) == (0, 2, 2)
    assert (values["ready_again"], values["untainted"], values["endpoints_back"]) == (40, 42, 45)
    assert (values["names_failed"], values["lost_within_site"], values["failed_after_removal"]) == (100, 0, 0)
    assert values["failed_elsewhere"] == pytest.approx(50, abs=1)
    assert seen["names_failed"].low == 100  # no server of names is at the site


def test_with_ten_seconds_of_patience_pods_move_and_do_not_return(tmp_path: Path) -> None:
    events = [*begun(), *(each for each in GIVEN_UP if each[0] != BACK + 45 * S), *EVICTED]
    seen = found(record(tmp_path, events, {"toleration": "10 s"}))
    assert judged(seen, Verdict.PASS) == set(seen), [each.why for each in seen.values()]
    assert seen["evicted"].value == pytest.approx(57.06)
    assert seen["pods_evicted"].expected == 2
    assert seen["all_pods_again"].value == pytest.approx(59.06)
    assert (seen["endpoints_at_the_end"].expected, seen["pods_at_site_after"].expected) == (4, 0)
    assert seen["evicted_pods_gone"].value == 50
    assert "endpoints_back" not in seen


def test_pods_that_were_moved_although_they_tolerate_it_for_ever_fail(tmp_path: Path) -> None:
    events = [*begun(), *(each for each in GIVEN_UP if each[0] != BACK + 45 * S), *EVICTED]
    seen = found(record(tmp_path, events, {"toleration": "forever"}))
    assert judged(seen, Verdict.FAIL) == {"pods_evicted", "endpoints_at_the_end", "pods_at_site_after"}


def test_what_is_to_stay_near_must_not_fail_and_what_is_not_must_not_stop_failing(tmp_path: Path) -> None:
    seen = found(record(tmp_path / "a", [*begun(), *GIVEN_UP], {"traffic": "near"}))
    assert judged(seen, Verdict.FAIL) == {"failed_elsewhere", "failed_at_site"}
    seen = found(record(tmp_path / "b", [*begun(), *GIVEN_UP], {}, failing=0))
    assert judged(seen, Verdict.FAIL) == {"failed_elsewhere", "failed_at_site"}


def test_a_control_plane_that_is_lost_gives_up_nothing(tmp_path: Path) -> None:
    works: Happened = (BACK + 5 * S, "control.plane.works", {})
    seen = found(record(tmp_path / "a", [*begun(), works], {"control-plane": "lost"}))
    assert "not_ready" not in seen
    assert seen["pods_evicted"].expected == 0
    assert seen["endpoints_at_the_end"].value == 4
    assert seen["pod_started_on_request"].value == 5
    assert (seen["nodes_held_for_lost_afterwards"].value, seen["pods_replaced_afterwards"].value) == (0, 0)
    never = found(record(tmp_path / "b", begun(), {"control-plane": "lost"}))
    assert judged(never, Verdict.UNKNOWN) == {"pod_started_on_request"}


def test_what_a_control_plane_gives_up_once_it_is_back_is_told_and_no_fault_of_the_cut(tmp_path: Path) -> None:
    look = HEALED + 60 * MS
    events = [
        *begun(), (BACK + 5 * S, "control.plane.works", {}), node(look, False, TAINT), slices(look + MS, *THERE),
        pod(HEALED + 10 * S, "web-0", "onprem-1", HERE[0], deleting=True),
        pod(HEALED + 11 * S, "web-9", "aws-1", "10.244.2.9"), node(HEALED + 20 * S, True),
    ]  # fmt: skip
    seen = found(record(tmp_path, events, {"control-plane": "lost", "toleration": "10 s"}))
    names = ("nodes_held_for_lost_afterwards", "pods_replaced_afterwards", "nodes_held_for_lost", "pods_evicted")
    assert [seen[name].value for name in names] == [1, 1, 0, 0]
    assert seen["endpoints_at_the_end"].value == 4
    assert judged(seen, Verdict.FAIL) == {"failed_elsewhere"}, "these connections went well after 47 s, for no reason"


def test_a_network_that_did_not_come_back_is_told(tmp_path: Path) -> None:
    result = record(tmp_path, begun(), {})
    Recorder(tmp_path).samples("path", ("seq", "sent_ns", "reached_ns", "returned_ns"), [(0, HEALED + S, None, None)])
    with pytest.raises(LookupError, match="no packet of path came back"):
        found(result)


@pytest.mark.parametrize(
    ("settings", "what"),
    [
        ({"site": "aws"}, "has the control plane"),
        ({"site": "moon"}, "has no node of a cluster"),
        ({"replicas": "1"}, "cannot be at both sites"),
        ({"toleration": "1500 ms"}, "no whole number of seconds"),
        ({"topology": "topologies/hybrid.py"}, "has no cluster"),
    ],
)
def test_what_cannot_be_played_is_refused(settings: dict[str, Any], what: str) -> None:
    with pytest.raises(InputError, match=what):
        load(FILE, settings)
