"""Claims about judging a record: what a failed gate does to the numbers, and what to the verdict."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from testbed import Measurement, Result, Scenario
from testbed.check.judge import judge_run
from testbed.history import CALIBRATION, RECEIPT, Recorder
from testbed.load import Loaded, load
from testbed.units import Duration
from testbed.verdict import Verdict

TOPOLOGY = Path("topologies/hybrid.py").absolute()


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
