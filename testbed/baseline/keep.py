"""From runs to a baseline: the first time, and when a change is taken over. Pure.

What may change is said by the user, by measurement. Where nothing is said: in virtual time nothing, in real time what
``runs`` of the same number can show, and a tenth of the median at least (both arbitrary until somebody says what
matters); of a measurement that has neither a bound nor a better side, anything in real time.
"""

from __future__ import annotations

import fnmatch
import math
from collections.abc import Mapping

from testbed.baseline.allowed import ANYTHING, NOTHING, Allowed, parse
from testbed.baseline.check import check
from testbed.baseline.model import VIRTUAL, Accepted, Baseline, Made, Recorded, Series, Trace
from testbed.errors import InputError, Problem, RunError, known
from testbed.numbers import quantity
from testbed.verdict import Verdict

SHARE = 0.1
"""Of the median, the smallest change that matters where nobody says what does; arbitrary."""
DIGITS = 3
"""Significant ones of an effect that was computed; arbitrary."""


def keep(recorded: Recorded, given: Mapping[str, str], question: str = "") -> Baseline:
    """Make a baseline of runs. ``given``: what may change, as text by measurement (:mod:`.allowed`).

    Raises:
        RunError: a run that is UNKNOWN: nothing can be kept of it.
        InputError: no run or no measurement, or something allowed of what is not measured.
    """
    _usable(recorded)
    problems: list[Problem] = []
    found: dict[str, Allowed] = {}
    for name, text in _spelled(recorded, given).items():
        try:
            if name not in recorded.series:
                raise InputError(Problem(f"--allow {name}", "is not measured", known(name, recorded.series)))
            found[name] = parse(name, text, recorded.series[name].unit)
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(problems)
    return Baseline(recorded=recorded, allowed=_defaults(recorded) | found, question=one_line(question))


def one_line(text: str) -> str:
    """A sentence without line breaks: YAML has more of them than its plain text brings back."""
    return " ".join(text.split())


def _spelled(recorded: Recorded, given: Mapping[str, str]) -> dict[str, str]:
    """By measurement. What is given for a pattern (``rtt_*``) holds for those that are not named themselves."""
    found: dict[str, str] = {}
    for pattern, text in given.items():
        if set("*?[") & set(pattern):
            found |= dict.fromkeys(fnmatch.filter(recorded.series, pattern) or [pattern], text)
    return found | {name: text for name, text in given.items() if not set("*?[") & set(name)}


def accept(baseline: Baseline, now: Recorded, because: str, given: Mapping[str, str]) -> Baseline:
    """Take runs over in the place of those that were kept. What is allowed stays, but for what is ``given``.

    Raises as :func:`keep`, and :class:`InputError` without a reason.
    """
    if not because.strip():
        raise InputError(Problem("--because", "is empty", "say why the change is right: it is kept with the numbers"))
    _usable(now)
    stays = {
        name: each.text(now.series[name].unit)
        for name, each in baseline.allowed.items()
        if name in now.series and now.series[name].unit == baseline.recorded.series[name].unit
    }
    made = keep(now, {**stays, **given}, baseline.question)
    reason = Accepted(one_line(because), tuple(_what_changed(baseline, now, made)))
    return Baseline(
        recorded=now, allowed=made.allowed, question=made.question, accepted=(*baseline.accepted, reason)
    )  # fmt: skip


def _what_changed(baseline: Baseline, now: Recorded, made: Baseline) -> list[str]:
    found = check(baseline, now)
    lines = [*found.stale, *found.drifted]
    for each in found.findings:
        if each.before != each.now:
            lines.append(f"{each.name}: {quantity(each.before, each.unit)} -> {quantity(each.now, each.unit)}")
    for name, change in made.allowed.items():
        old = baseline.allowed.get(name)
        if old is not None and old != change:
            unit = now.series[name].unit
            lines.append(f"allowed of {name}: {old.words(unit)} -> {change.words(unit)}")
    return lines


def _usable(recorded: Recorded) -> None:
    if recorded.unknown:
        raise RunError(
            Problem(f"seed {seed}", f"is UNKNOWN: {why}", "a baseline keeps what is known; mend this, and record again")
            for seed, why in recorded.unknown.items()
        )
    if not recorded.runs:
        raise InputError(Problem("runs", "there is none", "a baseline is made of one run at least: --seeds 1"))
    if not recorded.series:
        raise InputError(Problem("runs", "measure nothing", "a baseline keeps measurements: record a scenario"))


def _defaults(recorded: Recorded) -> dict[str, Allowed]:
    if recorded.made.clock == VIRTUAL:
        return dict.fromkeys(recorded.series, NOTHING)
    judged = [each for each in recorded.series.values() if not each.told]
    return {
        name: ANYTHING if each.told else _default(each, len(recorded.runs), len(judged))
        for name, each in recorded.series.items()
    }


def _default(series: Series, runs: int, family: int) -> Allowed:
    """The smallest effect that so many runs can show, and no less than a share of the median."""
    from testbed.baseline.decision import least_effect  # scipy takes a while to load

    values = [*series.values.values()]
    least = least_effect(values, runs, family)
    if math.isinf(least):  # too few runs to decide anything: it will be said
        least = 0.0
    effect = max(least, SHARE * abs(series.median))
    return Allowed("effect", float(f"{effect:.{DIGITS}g}")) if effect else NOTHING


def single(made: Made, name: str, unit: str, values: Mapping[int, float]) -> Recorded:
    """One measurement by seed, of runs that keep no record: for tests that measure a value of their own."""
    runs = {seed: Trace(Verdict.PASS.name) for seed in values}
    return Recorded(made=made, series={name: Series(unit, dict(values))}, runs=runs)


def only(baseline: Baseline, name: str) -> Baseline:
    """The baseline of one measurement alone. Raises :class:`InputError`: it has none of that name."""
    series = baseline.recorded.series
    if name not in series:
        raise InputError(Problem(f"baseline, {name}", "is not in it", known(name, series)))
    runs = {seed: Trace(each.verdict) for seed, each in baseline.recorded.runs.items()}
    kept = Recorded(made=baseline.recorded.made, series={name: series[name]}, runs=runs)
    return Baseline(recorded=kept, allowed={name: baseline.allowed[name]}, question=baseline.question)
