"""From a record to a verdict. Needs only the run's directory and the scenario; can be done again years later."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from testbed.check.management import past_the_lab
from testbed.history import RECEIPT, VERDICT, History
from testbed.load import Loaded
from testbed.plan.expect import REACH_PORT, arrives
from testbed.scenario import Result
from testbed.units import Duration
from testbed.verdict import Judgement, Measurement, check_safe, judge

Measure = Callable[[Result], tuple[Iterable[Measurement], Iterable[str]]]
"""From a record: measurements, and what is wrong without a number."""
EXISTING = "cluster.existing"
"""Event of a run on a cluster that is not the testbed's own."""
NO_RECEIPT_NOTE = (
    "the network is the cluster's own: no receipt says what its links deliver, and none is needed to measure it"
)
SPIN_NOTE = "the spin breaker fired {count} times: this run may not be repeatable"


def judge_run(
    record: Path, loaded: Loaded, *, ended: Mapping[str, Any], measure: Measure | None = None
) -> Judgement:  # fmt: skip
    """Judge a record, write ``verdict.json``, and return the judgement.

    Args:
        record: the record's folder.
        loaded: the scenario that made it.
        ended: how the guest ended: ``problem`` (text, or none) and ``spins``.
        measure: instead of the scenario's own, where something else was done with the lab.
    """
    found = check_safe(_judge, record, loaded, ended, measure or _own(loaded))
    if ended.get("spins"):
        # Said, but no reason to doubt the numbers themselves.
        found = Judgement(found.verdict, found.measurements, (*found.why, SPIN_NOTE.format(count=ended["spins"])))
    (record / VERDICT).write_text(json.dumps(found.to_json(), indent=1) + "\n", encoding="utf-8")
    return found


def _judge(record: Path, loaded: Loaded, ended: Mapping[str, Any], measure: Measure) -> Judgement:
    history = History(record)
    unknowns = [f"{e.fields['where']}: {e.fields['what']}" for e in history.of("run.failed")]
    if ended.get("problem"):
        unknowns.append(str(ended["problem"]))
    if unknowns:  # half a record is not measured
        return judge((), unknowns)
    from testbed.check.receipt import problems  # scipy takes a while to load

    if history.first(EXISTING):  # nobody has asked anything of its links, so nothing can differ from that
        found, failed = measure(Result(history, loaded.plan, dict(loaded.parameters.declared), loaded.values))
        judged = judge(found, (), list(failed))
        return Judgement(judged.verdict, judged.measurements, (*judged.why, NO_RECEIPT_NOTE))
    receipt = history.read_json(RECEIPT) or {}
    late = Duration(round(receipt.get("late_ms", 0) * 10**6))
    found, failed = measure(Result(history, loaded.plan, dict(loaded.parameters.declared), loaded.values, late))
    measured, failures = [*found, *past_the_lab(history, loaded.plan)], list(failed)
    distrusted = problems(receipt) if receipt else ["no calibration receipt"]
    if distrusted:  # what such links did to the numbers is not known: they are shown, and judged by nothing
        return judge([replace(each, low=None, high=None) for each in measured], distrusted)
    return judge(measured, (), failures)


def _own(loaded: Loaded) -> Measure:
    """What a file measures itself."""
    measure = loaded.scenario.measure_function if loaded.scenario else None
    return _reached if measure is None else lambda result: (measure(result), ())


def _reached(result: Result) -> tuple[list[Measurement], list[str]]:
    """A topology without a scenario: it came up, and every host reached every other that its guards let it reach.

    Where they let nobody, silence is right and would be the same in a network that is broken: it is not known.
    """
    plan = result.plan
    pairs = list(result.history.of("reach"))
    reached = sum(bool(event.fields["ok"]) for event in pairs)
    wrong, total = [], 0.0
    for event in pairs:
        source, target, family = (event.fields[name] for name in ("source", "target", "family"))
        # Without guards a path is what convergence was waited for: each pair has one.
        expected = not plan.guards or arrives(plan, source, target, family, REACH_PORT)
        total += expected
        if event.fields["ok"] != expected:
            wrong.append(f"{source} {'does not reach' if expected else 'reaches'} {target}")
    source = "every host, both families" + (", where the guards let it" if plan.guards else "")
    if not total:
        source = f"guards let nobody reach anybody at UDP {REACH_PORT}; scenarios/connectivity.py tries more"
    measured = [Measurement("pairs_reached", float(reached) if total else None, "pairs", total, total, total, source)]
    return (measured if pairs else []), wrong
