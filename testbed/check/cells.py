"""What many seeds of a cell say together. Pure.

A run that is UNKNOWN is counted and told, and none of its numbers goes into a median.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from testbed.study import CellResult, Played
from testbed.verdict import Judgement, Measurement, Verdict, judge

LEVEL = 0.95
"""Of intervals over seeds; the custom of the field."""


@dataclass(frozen=True)
class Summary:
    """One measurement of one cell, over its seeds.

    Attributes:
        low, high: interval of the median from ranks (exact for every distribution); ``None``: too few seeds to bound
            that side.
        left_out: runs that are UNKNOWN or have no such number: in none of these.
        bound_low, bound_high: what theory allows, over all seeds; ``expected`` is its median.
        outside: how many values theory does not allow.
    """

    name: str
    unit: str
    values: tuple[float, ...]
    median: float | None
    low: float | None
    high: float | None
    left_out: int
    expected: float | None
    bound_low: float | None
    bound_high: float | None
    outside: int
    source: str
    better: str

    @property
    def judged(self) -> bool:
        """Whether theory says something about it."""
        return self.bound_low is not None or self.bound_high is not None


def trusted(result: CellResult) -> tuple[Played, ...]:
    """The runs whose numbers may be used."""
    return tuple(run for run in result.runs if run.judgement.verdict is not Verdict.UNKNOWN)


def names(results: Sequence[CellResult]) -> tuple[str, ...]:
    """All measurements of all cells, in the order in which they first appear."""
    found = (each.name for result in results for run in result.runs for each in run.judgement.measurements)
    return tuple(dict.fromkeys(found))


def shown(results: Sequence[CellResult], wanted: Sequence[str] = ()) -> tuple[str, ...]:
    """The measurements that are drawn: those wanted, or those that have bounds or a better side, or else all."""
    every = names(results)
    if wanted:
        return tuple(name for name in wanted if name in every)
    bounded = tuple(name for name in every if any(_matters(each) for result in results for each in result.named(name)))
    return bounded or every


def _matters(each: Measurement) -> bool:
    return each.low is not None or each.high is not None or bool(each.better)


def summarise(result: CellResult, name: str, *, level: float = LEVEL) -> Summary | None:
    """One measurement of a cell; ``None``: the cell has none of that name."""
    found = result.named(name)
    if not found:
        return None
    good = [each for run in trusted(result) for each in run.judgement.measurements if each.name == name]
    values = tuple(each.value for each in good if each.value is not None)
    of = good or list(found)
    median, low, high = middle(values, level=level)
    expected = sorted(each.expected for each in of if each.expected is not None)
    lows, highs = ([each.low for each in of], [each.high for each in of])
    return Summary(
        name, found[0].unit, values, median, low, high, len(result.runs) - len(values),
        expected[len(expected) // 2] if expected else None, _widest(lows, min), _widest(highs, max),
        sum(each.verdict is Verdict.FAIL for each in good), of[0].source, of[0].better,
    )  # fmt: skip


def middle(values: Sequence[float], *, level: float = LEVEL) -> tuple[float | None, float | None, float | None]:
    """The median and its interval."""
    if not values:
        return None, None, None
    from testbed.check.statistics import quantile  # scipy takes a while to load

    found = quantile(values, 0.5, "", level=level)
    return found.value, found.low, found.high


def _widest(bounds: Sequence[float | None], which: object) -> float | None:
    known = [bound for bound in bounds if bound is not None]
    if len(known) < len(bounds) or not known:
        return None
    return min(known) if which is min else max(known)


def judge_cells(results: Sequence[CellResult], measured: Sequence[Measurement] = ()) -> Judgement:
    """The study's verdict: that of its worst run, and of what was measured of it as a whole."""
    verdicts = [run.judgement.verdict for result in results for run in result.runs]
    total, passed = len(verdicts), verdicts.count(Verdict.PASS)
    known = total - verdicts.count(Verdict.UNKNOWN)
    runs = Measurement(
        "runs_that_passed", float(passed), "runs", float(total), float(known), float(total),
        "every run of every cell; runs that are UNKNOWN are told apart",
    )  # fmt: skip
    return judge((runs, *measured), [*_reasons(results, Verdict.UNKNOWN)], [*_reasons(results, Verdict.FAIL)])


def _reasons(results: Sequence[CellResult], verdict: Verdict) -> Iterator[str]:
    """One line for each cell that has such runs: how many, and why the first of them."""
    for result in results:
        runs = [run for run in result.runs if run.judgement.verdict is verdict]
        if runs:
            first = runs[0].judgement.why[0].splitlines()[0] if runs[0].judgement.why else "no reason was recorded"
            seeds = ", ".join(str(run.seed) for run in runs[:5]) + (", ..." if len(runs) > 5 else "")
            count = f"{len(runs)} of {len(result.runs)} runs"
            yield f"{result.cell.name}: {count} {verdict.name} (seed {seeds}): {first}"
