"""What a check, and a baseline, say to people. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from testbed.baseline.check import Checked, Finding
from testbed.baseline.model import VIRTUAL, Baseline, Series
from testbed.baseline.stale import shortened
from testbed.numbers import counted, interval, quantity
from testbed.verdict import Verdict

STALE = "stale; that is no failure of the network"
SEEDS_TOLD = 2
"""Seeds whose events are told, the others are counted; arbitrary: they mostly say the same."""
DRIFTS_TOLD = 12
"""Lines of what is set otherwise; arbitrary."""


def checked_lines(name: str, found: Checked, *, every: bool = False) -> Iterator[str]:
    """What a check found; ``every``: of measurements that are as they were, too."""
    yield f"{found.verdict.name:7} {name}: {headline(found)}"
    for why in found.stale:
        yield f"  stale: {why}"
    for why in (*found.unknown, *found.failed):
        yield f"  {why}"
    yield from (f"  set otherwise: {line}" for line in found.drifted[:DRIFTS_TOLD])
    if len(found.drifted) > DRIFTS_TOLD:
        yield f"  and {len(found.drifted) - DRIFTS_TOLD} more that are set otherwise"
    told = [each for each in found.findings if every or each.verdict is not Verdict.PASS or each.before != each.now]
    yield from (f"  {line}" for line in _table(told))
    yield from (f"  {line}" for line in _events(found))


def headline(found: Checked) -> str:
    """One sentence."""
    if found.stale:
        moved = f"; {counted(len(found.moved), 'measurement')} moved by more than is allowed" if found.moved else ""
        return f"{STALE}{moved}"
    if found.verdict is Verdict.UNKNOWN:
        return "cannot be said"
    if found.verdict is Verdict.FAIL:
        return (
            f"{counted(len(found.moved), 'measurement')} moved by more than is allowed"
            if found.moved
            else "not as it was"
        )
    return (
        "within what is allowed" if found.different or any(e.before != e.now for e in found.findings) else "as it was"
    )


def _table(findings: Sequence[Finding]) -> Iterator[str]:
    if not findings:
        return
    rows = [("measured", "before", "now", "allowed", "", "")]
    rows += [
        (
            each.name, quantity(each.before, each.unit), quantity(each.now, each.unit), each.allowed.words(each.unit),
            each.verdict.name, each.why,
        )
        for each in findings
    ]  # fmt: skip
    wide = [max(len(row[column]) for row in rows) for column in range(5)]
    for row in rows:
        yield "  ".join([*(text.ljust(width) for text, width in zip(row[:5], wide, strict=True)), row[5]]).rstrip()


def _events(found: Checked) -> Iterator[str]:
    for seed, each in [*found.different.items()][:SEEDS_TOLD]:
        first, *rest = each.events.lines()
        yield f"seed {seed}: {first}"
        yield from (f"    {line}" for line in rest)
        if not each.events.changes:
            yield f"    but other bytes in {', '.join(each.files)}"
    if len(found.different) > SEEDS_TOLD:
        yield f"and {counted(len(found.different) - SEEDS_TOLD, 'more seed')} with other events"


def checked_json(name: str, found: Checked, runs: str) -> dict[str, Any]:
    """The same for programs."""
    return {
        "baseline": name, "verdict": found.verdict.name, "headline": headline(found), "runs": runs,
        "stale": list(found.stale), "drifted": list(found.drifted), "unknown": list(found.unknown),
        "failed": list(found.failed),
        "measurements": [
            {
                "name": each.name, "verdict": each.verdict.name, "unit": each.unit, "before": each.before,
                "now": each.now, "allowed": each.allowed.text(each.unit), "why": each.why,
            }
            for each in found.findings
        ],
        "different": {
            str(seed): {"events": [*each.events.lines(len(each.events.changes))], "files": list(each.files)}
            for seed, each in found.different.items()
        },
    }  # fmt: skip


def baseline_json(baseline: Baseline) -> dict[str, Any]:
    """A baseline for programs: its numbers, what is allowed, and how many runs it takes."""
    kept = baseline.recorded
    needed = {} if kept.made.clock == VIRTUAL else runs_of_each(baseline)
    return {
        "question": baseline.question, "file": kept.made.file, "settings": dict(kept.made.settings),
        "kernel": kept.made.kernel, "clock": kept.made.clock, "tools": dict(kept.made.tools),
        "seeds": sorted(kept.runs),
        "measurements": {
            name: {
                "unit": each.unit, "median": each.median, "values": {str(k): v for k, v in each.values.items()},
                "allowed": baseline.allowed[name].text(each.unit), "runs_needed": needed.get(name),
            }
            for name, each in kept.series.items()
        },
        "accepted": [{"because": each.because, "changed": list(each.changed)} for each in baseline.accepted],
    }  # fmt: skip


def baseline_lines(baseline: Baseline) -> Iterator[str]:
    """What a baseline holds, and how a check will decide."""
    kept = baseline.recorded
    made = kept.made
    yield baseline.question or f"what {made.file} measures"
    settings = "".join(f" --set {name}={value}" for name, value in made.settings.items())
    yield f"  {made.file}{settings}: {counted(len(kept.runs), 'run')}, {made.kernel} kernel, {made.clock} clock"
    yield "  " + ", ".join(_tool(name, value) for name, value in made.tools.items())
    yield ""
    rows = [("measured", "median", "all seeds", "allowed")]
    rows += [(name, *_summary(each), baseline.allowed[name].words(each.unit)) for name, each in kept.series.items()]
    wide = [max(len(row[column]) for row in rows) for column in range(3)]
    yield from (
        "  " + "  ".join([*(text.ljust(width) for text, width in zip(row[:3], wide, strict=True)), row[3]]).rstrip()
        for row in rows
    )
    yield ""
    yield from (f"  {line}" for line in _how(baseline))
    for each in baseline.accepted:
        yield f"  accepted: {each.because}"
        yield from (f"    {line}" for line in each.changed)


def _tool(name: str, value: str) -> str:
    """A program's version names its package."""
    return value if " " in value else f"{name} {shortened(name, value)}"


def _summary(each: Series) -> tuple[str, str]:
    values = each.values.values()
    return quantity(each.median, each.unit), f"{interval(min(values), max(values))} {each.unit}".rstrip()


def _how(baseline: Baseline) -> Iterator[str]:
    """How it is decided."""
    if baseline.recorded.made.clock == VIRTUAL:
        yield (
            "decides: the bytes of the record, one seed at a time; differences are told as events" if baseline.exact
            else "decides: each measurement within what is allowed, one seed at a time; differences are told as events"
        )  # fmt: skip
        return
    from testbed.baseline.decision import METHOD  # scipy takes a while to load
    from testbed.baseline.rates import told

    yield f"decides: {METHOD}"
    for name, runs in runs_of_each(baseline).items():
        effect = baseline.allowed[name].words(baseline.recorded.series[name].unit)
        said = "more runs in the baseline" if runs is None else counted(runs, "run")
        yield f"to see {name} shift by {effect}: {said}"
        if runs is not None:
            values = [*baseline.recorded.series[name].values.values()]
            yield f"  {told(values, baseline.allowed[name].value, runs)}"


def runs_of_each(baseline: Baseline) -> dict[str, int | None]:
    """By measurement that is tested: how many runs a check takes, computed beforehand; none: no number will do."""
    from testbed.baseline.decision import runs_needed  # scipy takes a while to load

    tested = [name for name, each in baseline.allowed.items() if each.sort == "effect"]
    return {
        name: runs_needed([*baseline.recorded.series[name].values.values()], baseline.allowed[name].value, len(tested))
        for name in tested
        if len(set(baseline.recorded.series[name].values.values())) > 1
    }
