"""From a record to a verdict. Needs only the run's directory and the scenario; can be done again years later."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from testbed.history import RECEIPT, VERDICT, History
from testbed.load import Loaded
from testbed.scenario import Result
from testbed.verdict import Judgement, check_safe, judge

SPIN_NOTE = "the spin breaker fired {count} times: this run may not be repeatable"


def judge_run(record: Path, loaded: Loaded, *, ended: Mapping[str, Any]) -> Judgement:
    """Judge a record, write ``verdict.json``, and return the judgement.

    Args:
        record: the record's folder.
        loaded: the scenario that made it.
        ended: how the guest ended: ``problem`` (text, or none) and ``spins``.
    """
    found = check_safe(_judge, record, loaded, ended)
    if ended.get("spins"):
        # Said, but no reason to doubt the numbers themselves.
        found = Judgement(found.verdict, found.measurements, (*found.why, SPIN_NOTE.format(count=ended["spins"])))
    (record / VERDICT).write_text(json.dumps(found.to_json(), indent=1) + "\n", encoding="utf-8")
    return found


def _judge(record: Path, loaded: Loaded, ended: Mapping[str, Any]) -> Judgement:
    history = History(record)
    unknowns = [f"{e.fields['where']}: {e.fields['what']}" for e in history.of("run.failed")]
    if ended.get("problem"):
        unknowns.append(str(ended["problem"]))
    unknowns += _receipt(history)
    scenario = loaded.scenario
    if unknowns or scenario is None or scenario.measure_function is None:
        return judge((), unknowns) if unknowns else _reached(history)
    result = Result(history, loaded.plan, dict(loaded.parameters.declared), loaded.values)
    return judge(tuple(scenario.measure_function(result)))


def _receipt(history: History) -> list[str]:
    """Links that do not deliver what was asked, and directions that could not be measured."""
    from testbed.check.receipt import problems

    receipt = history.read_json(RECEIPT)
    return ["no calibration receipt"] if receipt is None else problems(receipt)


def _reached(history: History) -> Judgement:
    """A topology without a scenario: it came up, and every host reached every other."""
    from testbed.verdict import Measurement

    pairs = list(history.of("reach"))
    reached = sum(bool(event.fields["ok"]) for event in pairs)
    missed = [f"{e.fields['source']} does not reach {e.fields['target']}" for e in pairs if not e.fields["ok"]]
    total = float(len(pairs))
    measured = [Measurement("pairs_reached", float(reached), "pairs", total, total, total, "every host, both families")]
    return judge(measured if pairs else [], (), missed)
