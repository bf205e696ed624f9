"""Claims about judging a record: what a failed gate does to the numbers, and what to the verdict."""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from testbed import Measurement, Result, Scenario, Topology
from testbed.check.judge import judge_run
from testbed.history import CALIBRATION, RECEIPT, Recorder
from testbed.load import Loaded, load
from testbed.plan.compile import compile_plan
from testbed.units import Duration
from testbed.verdict import Verdict

TOPOLOGY, GUARDED = (Path(f"topologies/{name}.py").absolute() for name in ("hybrid", "guarded"))


@pytest.fixture
def record(tmp_path: Path) -> Path:
    """A record of a run that did nothing, with a receipt that holds nothing against it."""
    (tmp_path / "samples").mkdir()
    Recorder(tmp_path).write()
    (tmp_path / CALIBRATION).write_text("{}")
    write_receipt(tmp_path, ok=True)
    return tmp_path


def write_receipt(record: Path, *, ok: bool | None) -> None:
    check = {"name": "rate", "unit": "Mbit/s", "asked": 10, "delivered": 5, "low": 9, "high": 11, "ok": ok}
    receipt = {"late_ms": 0.2, "links": [{"link": "dx", "direction": "a_to_b", "checks": [check]}]}
    (record / RECEIPT).write_text(json.dumps(receipt))


def with_measure(measured: Measurement | Exception, seen: list[Any] | None = None) -> Loaded:
    """The reference topology, and a scenario that measures this."""
    scenario = Scenario(topology=str(TOPOLOGY), question="", hypothesis="", refuted_by="")

    @scenario.measure
    def measure(result: Result) -> Iterator[Measurement]:
        if seen is not None:
            seen.append(result.late)
        if isinstance(measured, Exception):
            raise measured
        yield measured

    return replace(load(str(TOPOLOGY), {}, "lab"), scenario=scenario)


OUTSIDE = Measurement("gap", 9.0, "s", 1.0, 0.0, 2.0, "theory")


def test_a_number_outside_its_bounds_fails_the_run(record: Path) -> None:
    assert judge_run(record, with_measure(OUTSIDE), ended={}).verdict is Verdict.FAIL


@pytest.mark.parametrize("ok", [False, None], ids=["outside", "not measured"])
def test_after_a_link_outside_its_bounds_numbers_are_shown_and_judged_by_nothing(record: Path, ok: bool | None) -> None:
    write_receipt(record, ok=ok)
    found = judge_run(record, with_measure(OUTSIDE), ended={})
    assert found.verdict is Verdict.UNKNOWN
    assert [(each.value, each.expected, each.low, each.high) for each in found.measurements] == [(9.0, 1.0, None, None)]
    assert "dx" in found.why[0]


def test_without_a_receipt_a_run_is_unknown(record: Path) -> None:
    (record / RECEIPT).unlink()
    found = judge_run(record, with_measure(Measurement("gap", 1.0, "s")), ended={})
    assert (found.verdict, found.why[0]) == (Verdict.UNKNOWN, "no calibration receipt")


def test_half_a_record_is_not_measured(record: Path) -> None:
    found = judge_run(record, with_measure(OUTSIDE), ended={"problem": "the guest kernel panicked"})
    assert (found.verdict, found.measurements) == (Verdict.UNKNOWN, ())


def test_a_measure_function_that_raises_leaves_the_run_unknown(record: Path) -> None:
    found = judge_run(record, with_measure(KeyError("traffic")), ended={})
    assert found.verdict is Verdict.UNKNOWN
    assert "traffic" in found.why[0]


def test_measures_are_told_how_late_the_machine_may_be(record: Path) -> None:
    seen: list[Any] = []
    judge_run(record, with_measure(Measurement("gap", 1.0, "s"), seen), ended={})
    assert seen == [Duration(200_000)]


def noted(record: Path, topology: Path, differs: dict[tuple[str, str], bool], target: str = "") -> Loaded:
    """A record in which every host reached every other, or ``target`` alone, but for what differs."""
    loaded = load(str(topology), {}, "lab")
    recorder = Recorder(record)
    for a, b in itertools.permutations([host.name for host in loaded.plan.hosts], 2):
        ok = differs.get((a, b), target in ("", b))
        recorder.event("reach", t_ns=0, source=a, target=b, family=4, ok=ok)
    recorder.write()
    return loaded


def test_without_guards_every_pair_has_to_reach(record: Path) -> None:
    found = judge_run(record, noted(record, TOPOLOGY, {("aws-a", "dc-1"): False}), ended={})
    assert (found.verdict, found.why[0]) == (Verdict.FAIL, "aws-a does not reach dc-1")
    one = found.measurements[0]
    assert (one.name, one.value, one.expected) == ("pairs_reached", 11.0, 12.0)


@pytest.mark.parametrize(
    ("differs", "why"),
    [
        ({}, ()),
        ({("ops", "web"): True}, ("ops reaches web",)),
        ({("db", "ops"): False}, ("db does not reach ops",)),
        ({("batch", "db"): True, ("db", "ops"): False}, ("batch reaches db", "db does not reach ops")),
    ],
    ids=["as planned", "one too many", "one missing", "the number alone is right"],
)
def test_behind_guards_who_is_not_let_through_must_not_reach_and_everybody_else_must(
    record: Path, differs: dict[tuple[str, str], bool], why: tuple[str, ...]
) -> None:
    """The port that is tried is in no rule of ``guarded.py``: only ops, which has no guard, may be reached."""
    found = judge_run(record, noted(record, GUARDED, differs, "ops"), ended={})
    assert (found.verdict, found.why[: len(why)]) == (Verdict.FAIL if why else Verdict.PASS, why)
    assert found.measurements[0].expected == 3.0


def test_guards_that_let_nobody_reach_anybody_leave_it_unknown_and_whoever_does_fails_it(record: Path) -> None:
    closed = Path("topologies/hybrid_kubernetes.py").absolute()
    found = judge_run(record, noted(record, closed, {}, "nobody"), ended={})
    assert (found.verdict, found.why) == (Verdict.UNKNOWN, ("Pairs reached: not measured",))
    found = judge_run(record, noted(record, closed, {("node-1", "eni-a"): True}, "nobody"), ended={})
    assert (found.verdict, found.why[0]) == (Verdict.FAIL, "node-1 reaches eni-a")


def test_a_lab_in_which_nothing_was_tried_is_unknown(record: Path) -> None:
    assert judge_run(record, load(str(GUARDED), {}, "lab"), ended={}).verdict is Verdict.UNKNOWN


def many(hosts: int, *, guarded: bool) -> Topology:
    """Two sites with half of the hosts each; guarded: every host is in a group that lets everything in."""
    t = Topology("many")
    aws, dc = t.vpc("aws", "10.0.0.0/8"), t.lan("dc", "172.16.0.0/12")
    names = [*aws.hosts("a", hosts // 2, zone="a"), *dc.hosts("d", hosts // 2)]
    t.direct_connect("dx", aws.router("vgw", asn=64512), dc.router("cgw", asn=65000))
    if guarded:
        t.security_group("all", names, ["in any from any", "out any to any"])
    return t


def lines_run(record: Path, hosts: int, *, guarded: bool) -> int:
    """Lines of Python that judging a lab of so many hosts takes, each reaching the next."""
    plan = compile_plan(many(hosts, guarded=guarded).build(), "lab")
    recorder = Recorder(record)
    names = [host.name for host in plan.hosts]
    for a, b in zip(names, [*names[1:], names[0]], strict=True):
        recorder.event("reach", t_ns=0, source=a, target=b, family=4, ok=True)
    recorder.write()
    loaded = replace(load(str(TOPOLOGY), {}, "lab"), plan=plan)
    lines = 0

    def count(frame: FrameType, event: str, arg: object) -> Callable[..., Any]:
        nonlocal lines
        lines += event == "line"
        return count

    before = sys.gettrace()
    sys.settrace(count)
    try:
        found = judge_run(record, loaded, ended={})
    finally:
        sys.settrace(before)
    assert found.verdict is Verdict.PASS
    return lines


@pytest.mark.parametrize("guarded", [False, True])
def test_what_judging_costs_grows_with_the_hosts_and_not_with_their_square(record: Path, guarded: bool) -> None:
    """Lines of Python are counted, which no load changes: 16 times as many if each pair looked at each host."""
    lines_run(record, 10, guarded=guarded)  # what is imported then is imported
    few, many_more = (lines_run(record, hosts, guarded=guarded) for hosts in (40, 160))
    assert many_more <= 4 * few
