"""In real time: has a measurement changed by more than what matters? A test, its power, and how many runs it takes.

Of each measurement the *effect* E is the smallest change that matters. Two tests, both Mann and Whitney's rank test
(``ranks.py``) on values moved by E:

- changed: is the shift larger than E, either way? Of all measurements together wrong with ``FALSE_ALARM`` at most, by
  Holm's correction (Scandinavian Journal of Statistics 6, 1979), however they depend on each other;
- same: is the shift smaller than E, both ways? (two one-sided tests; Schuirmann, Journal of Pharmacokinetics and
  Biopharmaceutics 15, 1987). Of each measurement wrong with ``MISSED`` at most.

What is neither is UNKNOWN: too few runs. A shift means that both distributions have one shape; where the shape changes,
the tests are about which side's values are the larger ones. Import this only where it is needed: scipy takes a while.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from testbed.baseline.ranks import Floats, greater
from testbed.verdict import Verdict

FALSE_ALARM = 0.01
"""Arbitrary: of a hundred checks of a network in which nothing changed by more than E, at most one says FAIL."""
MISSED = 0.05
"""The custom of the field: a measurement that changed by E or more passes in at most one of twenty checks."""
UNDECIDED = 0.05
"""Arbitrary: with the number of runs that is asked for, an unchanged network is UNKNOWN in one check of twenty."""
RUNS_MOST = 1000
"""So many runs are looked at for the number that is needed; arbitrary: more are not done in CI."""
METHOD = (
    f"Mann-Whitney on values moved by what matters, Holm over all measurements; FAIL wrong at most {FALSE_ALARM:.0%} a "
    f"check, PASS at most {MISSED:.0%} a measurement"
)


@dataclass(frozen=True)
class Compared:
    """One measurement, before and now.

    Attributes:
        shift: now less before (Hodges and Lehmann's estimate), in the measurement's unit.
        changed, same: p values of the two tests.
    """

    effect: float
    shift: float
    changed: float
    same: float


def compared(before: Sequence[float], now: Sequence[float], effect: float) -> Compared:
    """The two tests of one measurement. ``effect`` of 0: any shift matters, and only equal values are the same."""
    old, new = np.asarray(before, float), np.asarray(now, float)
    changed, same = p_values(old, new, effect)
    return Compared(effect, float(np.median(np.subtract.outer(new, old))), float(changed), float(same))


def p_values(before: Floats, now: Floats, effect: float) -> tuple[Floats, Floats]:
    """Of both tests, ``changed`` and ``same``, of arrays whose last axis are the runs."""
    up, down = greater(now - effect, before), greater(before - effect, now)
    changed = np.minimum(1.0, 2 * np.minimum(up, down))
    if effect > 0:
        return changed, np.maximum(greater(before + effect, now), greater(now + effect, before))
    alike = (before == before[..., :1]).all(-1) & (now == before[..., :1]).all(-1)
    return changed, np.where(alike, 0.0, 1.0)


def verdicts(found: Sequence[Compared], *, false_alarm: float = FALSE_ALARM, missed: float = MISSED) -> list[Verdict]:
    """FAIL where a change is shown, of all that are ``found`` together; PASS where sameness is; else UNKNOWN."""
    changed = holm([each.changed for each in found], false_alarm)
    return [
        Verdict.FAIL if shown else Verdict.PASS if each.same <= missed else Verdict.UNKNOWN
        for each, shown in zip(found, changed, strict=True)
    ]


def holm(p_values: Sequence[float], level: float) -> list[bool]:
    """Which of several null hypotheses are rejected, so that none is wrongly, but with the chance ``level``."""
    shown = [False] * len(p_values)
    for rank, place in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        if p_values[place] > level / (len(p_values) - rank):
            break
        shown[place] = True
    return shown


def power(values: Sequence[float], effect: float, recorded: int, runs: int, level: float = MISSED) -> float:
    """The chance that ``runs`` of a system with a shift of 0 show that it is smaller than ``effect``, one side alone.

    As much is the chance to show a shift of 2 E to be larger than E. By the normal approximation of the test, with the
    variance that the statistic has there (DeLong et al., Biometrics 44, 1988), as estimated from all pairs of values.

    Args:
        values: of the unchanged system, as many as are known.
        effect: in their unit.
        recorded: how many a baseline has.
        runs: how many it is compared with.
        level: of the one-sided test.
    """
    known = np.asarray(values, float)
    n, m = recorded, runs
    if effect <= 0 or len(known) < 2 or 1 / math.comb(n + m, m) > level:  # values that all lie apart are not enough
        return 0.0
    below = (np.subtract.outer(known, known) < effect).astype(float)  # [i, j]: value i lies below value j moved up by E
    np.fill_diagonal(below, np.nan)
    p, rows, columns = float(np.nanmean(below)), np.nanmean(below, axis=1), np.nanmean(below, axis=0)
    spread = math.sqrt(float(rows.var(ddof=1)) / n + float(columns.var(ddof=1)) / m)
    z = float(stats.norm.isf(level))
    lead = p - 0.5 - z * math.sqrt((n + m + 1) / (12 * n * m)) - 0.5 / (n * m)  # the last: for continuity
    # Where all values lie apart the exact test says yes: for that there are enough.
    return float(stats.norm.cdf(lead / spread)) if spread else float(p == 1 or lead > 0)


def enough(before: Sequence[float], effect: float, runs: int, family: int = 1) -> bool:
    """Whether so many runs will do, for a system of ``family`` measurements.

    Unchanged it is then PASS, and FAIL when one of them has changed by 2 E; each but with the chance ``UNDECIDED``.
    """
    strict = FALSE_ALARM / 2 / family  # what the first of Holm's steps asks of one side of the test
    undecided = 2 * family * (1 - power(before, effect, len(before), runs))
    return max(undecided, 1 - power(before, effect, len(before), runs, strict)) <= UNDECIDED


def runs_needed(before: Sequence[float], effect: float, family: int = 1) -> int | None:
    """The fewest runs that are :func:`enough`; ``None``: no number will do with so few values ``before``."""
    if not enough(before, effect, RUNS_MOST, family):
        return None
    return bisect_left(range(RUNS_MOST), True, 1, key=lambda runs: enough(before, effect, runs, family))


def least_effect(before: Sequence[float], runs: int, family: int = 1) -> float:
    """The smallest effect for which ``runs`` are enough, to three digits; infinite where none is: too few values."""
    spread = float(np.ptp(np.asarray(before, float)))
    if spread == 0:
        return 0.0
    if not enough(before, 2 * spread, runs, family):
        return math.inf
    low, high = 0.0, 2 * spread
    while high - low > high / 1000:
        middle = (low + high) / 2
        low, high = (low, middle) if enough(before, middle, runs, family) else (middle, high)
    return high
