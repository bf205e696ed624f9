"""The sentences of a study's report, each computed from its results. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from testbed.check.cells import LEVEL, Summary, summarise
from testbed.numbers import capital, counted, percent, quantity, spoken
from testbed.report.axes import Numbers, short_name
from testbed.report.curves import Line
from testbed.report.studydir import StudyRun
from testbed.verdict import Verdict

LEGEND = (
    f"Small dots are runs, the large mark is their median, whiskers are the median's {percent(LEVEL)} interval from "
    "ranks (six seeds and more have one). Shaded: what theory allows; dashed or upright line: what it expects."
)


def answer(run: StudyRun) -> str:
    """The whole in a sentence."""
    runs = [each for result in run.results for each in result.runs]
    verdicts = [each.judgement.verdict for each in runs]
    whole = f"{counted(len(runs), 'run')} in {counted(len(run.results), 'cell')}"
    if verdicts.count(Verdict.PASS) == len(runs):
        return f"{whole}: in each, all numbers with a bound lie where theory allows."
    parts = [f"{verdicts.count(each)} {each.name}" for each in Verdict if verdicts.count(each)]
    return f"{whole}: {', '.join(parts)}."


def curve_sentence(x: Numbers, found: Sequence[Line]) -> str:
    """What the curves show: from where to where, and how that is to theory."""
    every = [each for line in found for cell in line.curve.cells if (each := summarise(cell, line.name)) is not None]
    parts = [part for line in found[:3] if (part := _course(x, line))]
    more = f" {counted(len(found) - 3, 'curve more is', 'curves more are')} in the chart." if len(found) > 3 else ""
    return f"{capital('; '.join(parts) or 'no number was measured')}. {theory(every)}{more}"


def _course(x: Numbers, line: Line) -> str:
    points = [(cell.cell.at[x.axis.name], each) for cell in line.curve.cells if (each := summarise(cell, line.name))]
    known = [(label, each) for label, each in points if each.median is not None]
    if not known:
        return ""
    (first, one), (last, other) = known[0], known[-1]
    which = f"with {line.curve.label}, " if line.curve.label else ""
    words = spoken(line.name)
    if len(known) == 1:
        return f"{which}median {words} is {quantity(one.median, one.unit)} at {x.axis.name} {first}"
    if len({each.median for _, each in known}) == 1:
        return f"{which}median {words} is {quantity(one.median, one.unit)} throughout"
    return (
        f"{which}median {words} goes from {quantity(one.median, one.unit)} at {x.axis.name} {first} "
        f"to {quantity(other.median, other.unit)} at {last}"
    )


def cells_sentence(run: StudyRun, name: str) -> str:
    """What the rows show: the smallest and the largest, and how all are to theory."""
    rows = [(short_name(run, result), each) for result in run.results if (each := summarise(result, name)) is not None]
    known = [(label, each) for label, each in rows if each.median is not None]
    words = spoken(name)
    if not known:
        return f"{capital(words)} could not be measured in any cell."
    (low_at, low), (high_at, high) = (which(known, key=lambda row: row[1].median or 0.0) for which in (min, max))
    if len(known) == 1 or low.median == high.median:
        where = "" if len(known) == 1 else " in every cell"
        return f"Median {words} is {quantity(low.median, low.unit)}{where}. {theory([each for _, each in rows])}"
    return (
        f"Median {words} is smallest with {low_at}, {quantity(low.median, low.unit)}, and largest with {high_at}, "
        f"{quantity(high.median, high.unit)}. {theory([each for _, each in rows])}"
    )


def theory(every: Sequence[Summary]) -> str:
    """How the values of these cells are to theory."""
    judged = [each for each in every if each.judged]
    if not judged:
        return "No theory bounds it."
    values, outside = sum(len(each.values) for each in judged), sum(each.outside for each in judged)
    others = sum(len(each.values) for each in every if not each.judged)
    rest = f" No theory bounds the other {others if others > 1 else 'one'}." if others else ""
    if outside:
        return f"{outside} of {values} values are outside what theory allows.{rest}"
    lie = "The one value lies" if values == 1 else f"All {values} values lie"
    return f"{lie} where theory allows.{rest}"


def left_out(run: StudyRun) -> list[str]:
    """Runs whose numbers are in no median, with the reason."""
    return [
        f"{result.cell.name}, seed {each.seed}: {each.judgement.why[0] if each.judgement.why else 'no reason'}"
        for result in run.results
        for each in result.runs
        if each.judgement.verdict is Verdict.UNKNOWN
    ]
