"""Records of clusters that never were, and what a scenario makes of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from testbed.history import History, Recorder
from testbed.load import load
from testbed.scenario import Result
from testbed.verdict import Measurement, Verdict
from tests.conftest import ROOT

Told = Sequence[tuple[str, dict[str, Any]]]
"""Events: kind and fields, and ``t_ns`` where the instant has a say."""


def measured(folder: Path, scenario: str, told: Told, **settings: str) -> dict[str, Measurement]:
    """What a scenario measures in a record of these events, by name."""
    recorder = Recorder(folder)
    for number, (kind, fields) in enumerate(told):
        recorder.event(kind, **{"t_ns": number, **fields})
    recorder.write()
    loaded = load(str(ROOT / "scenarios" / scenario), settings)
    assert loaded.scenario is not None
    assert loaded.scenario.measure_function is not None
    result = Result(History(folder), loaded.plan, dict(loaded.parameters.declared), loaded.values)
    return {each.name: each for each in loaded.scenario.measure_function(result)}


def wrong(found: dict[str, Measurement]) -> list[str]:
    """Names of what is not a pass."""
    return [name for name, each in found.items() if each.verdict is not Verdict.PASS]
