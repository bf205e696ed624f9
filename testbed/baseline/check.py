"""Runs held against a baseline: what is as it was, what is not, and what cannot be said. Pure.

In virtual time one seed gives one record, so any difference is real: it is told as events, and every measurement is
compared seed by seed. In real time (and where the tools are others, so that no seed gives what it gave) it is judged
over all seeds. A baseline that is stale gives UNKNOWN, whatever differs: it is no failure of the network.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from testbed.baseline.allowed import MARK, NOTHING, Allowed
from testbed.baseline.events import Differences, differences
from testbed.baseline.model import VIRTUAL, Baseline, Recorded, Series
from testbed.baseline.stale import drifted, stale
from testbed.numbers import counted, quantity
from testbed.verdict import Verdict


@dataclass(frozen=True)
class Finding:
    """One measurement: before, now (medians), and what is said of it; none where there is no such number."""

    name: str
    verdict: Verdict
    unit: str
    before: float | None
    now: float | None
    allowed: Allowed
    why: str


@dataclass(frozen=True, kw_only=True)
class Checked:
    """What a check says.

    Attributes:
        verdict: of all of it; FAIL is never said of a network whose baseline is stale.
        stale: why the baseline no longer speaks of this.
        drifted: what of the network is set otherwise, a line for each thing.
        findings: each measurement; their verdicts are as if nothing were stale.
        different: by seed, the events and files that are not as they were; in virtual time with the same tools alone.
        unknown: runs that nothing can be said of, and those that are missing.
        failed: what is wrong besides the measurements.
    """

    verdict: Verdict
    stale: tuple[str, ...]
    drifted: tuple[str, ...]
    findings: tuple[Finding, ...]
    different: Mapping[int, Different]
    unknown: tuple[str, ...]
    failed: tuple[str, ...]

    @property
    def moved(self) -> tuple[Finding, ...]:
        """The measurements that are not as they may be."""
        return tuple(each for each in self.findings if each.verdict is Verdict.FAIL)


@dataclass(frozen=True)
class Different:
    """One seed's record that is not what it was: its events, and the files of it that have other bytes."""

    events: Differences
    files: tuple[str, ...]


def check(baseline: Baseline, now: Recorded, *, judge_stale: bool = False, some: bool = False) -> Checked:
    """Hold runs against a baseline.

    Args:
        baseline: what was kept.
        now: what was run.
        judge_stale: a stale baseline is said, and judged all the same.
        some: seeds of the baseline that were not run are not missed.
    """
    same_bytes = _same_bytes(baseline, now)
    old = [*stale(baseline, now, same_bytes=same_bytes)]
    same_tools = same_bytes or baseline.recorded.made.tools == now.made.tools
    exact = now.made.clock == VIRTUAL == baseline.recorded.made.clock and same_tools
    findings = tuple(_by_seed(baseline, now) if exact else _over_seeds(baseline, now))
    different = _different(baseline, now) if exact else {}
    unknown = [*_unknown(baseline, now, some=some)]
    failed = [*_failed(baseline, now, {} if old else different)]
    worst = max(
        (each.verdict for each in findings), default=Verdict.UNKNOWN if not now.runs else Verdict.PASS
    )  # fmt: skip
    verdict = max(worst, Verdict.FAIL if failed else Verdict.PASS, Verdict.UNKNOWN if unknown else Verdict.PASS)
    if old and not judge_stale:
        verdict = Verdict.UNKNOWN
    return Checked(
        verdict=verdict, stale=tuple(old), drifted=tuple(drifted(baseline, now)), findings=findings,
        different=different, unknown=tuple(unknown), failed=tuple(failed),
    )  # fmt: skip


def _same_bytes(baseline: Baseline, now: Recorded) -> bool:
    """Whether every run left what it left before; of what keeps no files that is not known."""
    before = baseline.recorded.runs
    return bool(now.runs) and all(
        each.files and seed in before and each.files == before[seed].files for seed, each in now.runs.items()
    )


def _unknown(baseline: Baseline, now: Recorded, *, some: bool) -> Iterator[str]:
    for seed, why in now.unknown.items():
        yield f"seed {seed} is UNKNOWN: {why}"
    missing = [seed for seed in baseline.recorded.runs if seed not in {**now.runs, **now.unknown}]
    if missing and not some and now.made.clock == VIRTUAL:
        yield f"not run: seed {', '.join(map(str, missing))}"
    if not now.runs:
        yield "no run that something can be said of"


def _different(baseline: Baseline, now: Recorded) -> dict[int, Different]:
    """Of each seed that both have, whose record has other bytes."""
    found = {}
    for seed, before in baseline.recorded.runs.items():
        after = now.runs.get(seed)
        if after is None or before.files == after.files:
            continue
        names = {**before.files, **after.files}
        files = tuple(sorted(name for name in names if before.files.get(name) != after.files.get(name)))
        found[seed] = Different(differences(before.events, after.events), files)
    return found


def _failed(baseline: Baseline, now: Recorded, different: Mapping[int, Different]) -> Iterator[str]:
    if different and baseline.exact:
        seeds = f"{len(different)} of {counted(len(now.runs), 'run')}"
        yield f"the record of {seeds} is not what it was: in virtual time nothing changes by itself"
    for seed, after in now.runs.items():
        before = baseline.recorded.runs.get(seed)
        if after.verdict == "FAIL" and (before is None or before.verdict != "FAIL"):
            yield f"seed {seed}: theory does not allow what was measured, and did when it was recorded"


def _pairs(baseline: Baseline, now: Recorded) -> Iterator[tuple[str, Series | None, Series | None, Allowed]]:
    for name in dict.fromkeys((*baseline.recorded.series, *now.series)):
        before, after = baseline.recorded.series.get(name), now.series.get(name)
        yield name, before, after if after is not None and after.values else None, baseline.allowed.get(name, NOTHING)


def _finding(
    name: str, before: Series | None, after: Series | None, allowed: Allowed, verdict: Verdict, why: str
) -> Finding:
    known = before or after
    assert known is not None
    old, new = (None if each is None else each.median for each in (before, after))
    return Finding(name, verdict, known.unit, old, new, allowed, why)


def _incomparable(name: str, before: Series | None, after: Series | None, allowed: Allowed) -> Finding | None:
    """What is measured on one side alone, or in another unit."""
    if before is not None and after is not None and before.unit == after.unit:
        return None
    verdict = Verdict.PASS if allowed.sort == "anything" else Verdict.UNKNOWN
    if before is None or after is None:
        return _finding(name, before, after, allowed, verdict, f"not measured {'before' if before is None else 'now'}")
    return replace(_finding(name, before, None, allowed, verdict, f"in {after.unit or 'no unit'} now"))


def _by_seed(baseline: Baseline, now: Recorded) -> Iterator[Finding]:
    """Each value beside that of the same seed."""
    for name, before, after, allowed in _pairs(baseline, now):
        odd = _incomparable(name, before, after, allowed)
        if odd is not None:  # the same seed and tools: that it is measured now, or no longer, is the network's doing
            yield odd if odd.verdict is Verdict.PASS else replace(odd, verdict=Verdict.FAIL)
            continue
        assert before is not None and after is not None
        seeds = [seed for seed in before.values if seed in now.runs]
        lost = [seed for seed in now.runs if (seed in before.values) != (seed in after.values)]
        both = {seed: (before.values[seed], after.values[seed]) for seed in seeds if seed in after.values}
        yield _judged_by_seed(name, before, after, allowed, both, lost)


def _judged_by_seed(
    name: str, before: Series, after: Series, allowed: Allowed, both: Mapping[int, tuple[float, float]],
    lost: Sequence[int],
) -> Finding:  # fmt: skip
    far = {seed: new - old for seed, (old, new) in both.items() if _beyond(allowed, old, new)}
    moved = sum(old != new for old, new in both.values())
    if (lost or far) and allowed.sort != "anything":
        parts = [f"{len(far)} of {counted(len(both), 'seed')} beyond what is allowed"] if far else []
        if far:
            furthest = max(far.values(), key=abs)
            parts.append(f"at most {_signed(furthest, before.unit)}{_wanted(before.better, furthest)}")
        parts += [f"measured on one side alone for seed {', '.join(map(str, lost))}"] if lost else []
        return _finding(name, before, after, allowed, Verdict.FAIL, "; ".join(parts))
    said = f"within what is allowed: {counted(moved, 'seed')} moved" if moved else "the same"
    return _finding(name, before, after, allowed, Verdict.PASS, said)


def _beyond(allowed: Allowed, old: float, new: float) -> bool:
    limit = allowed.limit(old)
    return limit is not None and abs(new - old) > limit


def _over_seeds(baseline: Baseline, now: Recorded) -> Iterator[Finding]:
    """Distributions: statistics where runs were repeated in real time, else the medians."""
    pairs = [*_pairs(baseline, now)]
    odd = {each[0]: found for each in pairs if (found := _incomparable(*each)) is not None}
    known = {
        name: (before, after, allowed) for name, before, after, allowed in pairs
        if name not in odd and before is not None and after is not None
    }  # fmt: skip
    tested = {name: each for name, each in known.items() if each[2].sort == "effect" and now.made.clock != VIRTUAL}
    decided = _decided(tested)
    for name, *_ in pairs:
        yield odd.get(name) or decided.get(name) or _by_median(name, *known[name])


def _by_median(name: str, before: Series, after: Series, allowed: Allowed) -> Finding:
    limit, shift = allowed.limit(before.median), after.median - before.median
    marked = f" ({MARK})" if allowed.sort == "percent" else ""
    if limit is not None and abs(shift) > limit:
        why = f"the median by {_signed(shift, before.unit)}{_wanted(before.better, shift)}{marked}"
        return _finding(name, before, after, allowed, Verdict.FAIL, why)
    why = "the median is the same" if not shift else f"the median by {_signed(shift, before.unit)}{marked}"
    return _finding(name, before, after, allowed, Verdict.PASS, why)


def _decided(tested: Mapping[str, tuple[Series, Series, Allowed]]) -> dict[str, Finding]:
    """The statistical decision, of all measurements together."""
    if not tested:
        return {}
    from testbed.baseline import decision  # scipy takes a while to load

    found = {
        name: decision.compared([*before.values.values()], [*after.values.values()], allowed.value)
        for name, (before, after, allowed) in tested.items()
    }
    verdicts = dict(zip(found, decision.verdicts([*found.values()]), strict=True))
    made = {}
    for name, (before, after, allowed) in tested.items():
        one, verdict = found[name], verdicts[name]
        why = f"by {_signed(one.shift, before.unit)}, p {one.changed:.2g} for a change, {one.same:.2g} for none"
        if verdict is Verdict.UNKNOWN:
            needed = decision.runs_needed([*before.values.values()], allowed.value, len(tested))
            runs = "more runs in the baseline" if needed is None else counted(needed, "run")
            why += f"; with {counted(len(after.values), 'run')} this cannot be said: it takes {runs}"
        elif verdict is Verdict.FAIL:
            why += _wanted(before.better, one.shift)
        made[name] = _finding(name, before, after, allowed, verdict, why)
    return made


def _signed(shift: float, unit: str) -> str:
    return f"{'+' if shift > 0 else '-'}{quantity(abs(shift), unit)}"


def _wanted(better: str, shift: float) -> str:
    if not better or not shift:
        return ""
    return ", for the better" if (shift < 0) is (better == "lower") else ", for the worse"
