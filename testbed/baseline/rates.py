"""How often the decision is wrong, counted: simulated histories of checks of a network that is as it was, or is not.

A/A without a shift, A/B with one. Each history has a baseline, recorded once, and a check of as many measurements as
asked for. The chance is seeded.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from testbed.baseline.decision import Compared, p_values, verdicts
from testbed.verdict import Verdict

Floats = NDArray[np.float64]
HISTORIES = 1000
"""That are counted where rates are shown; arbitrary: their first digit is right."""
Draw = Callable[[np.random.Generator, int], Floats]
"""So many values of a measurement in an unchanged network."""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What is simulated: ``runs`` of each check against ``recorded`` ones, and how far the first measurement shifts."""

    draw: Draw
    effect: float
    recorded: int = 10
    runs: int = 10
    family: int = 1
    shift: float = 0.0


def simulate(setting: Setting, histories: int, seed: int = 1) -> Counter[Verdict]:
    """How many of so many checks ended with which verdict: the worst of all measurements."""
    chance = np.random.default_rng(seed)
    before = _drawn(setting, chance, histories, setting.recorded)
    now = _drawn(setting, chance, histories, setting.runs)
    now[:, 0] += setting.shift
    every = zip(*p_values(before, now, setting.effect), strict=True)
    return Counter(
        max(verdicts([Compared(setting.effect, 0.0, *each) for each in zip(changed, same, strict=True)]))
        for changed, same in every
    )


def told(values: Sequence[float], effect: float, runs: int) -> str:
    """What checks of ``runs`` runs say of noise as recorded: unchanged, moved by what matters, and by twice that."""
    counts = [
        simulate(
            Setting(draw=resampled(values), effect=effect, recorded=len(values), runs=runs, shift=shift), HISTORIES
        )
        for shift in (0.0, effect, 2 * effect)
    ]
    same, moved, twice = ({verdict: count[verdict] / HISTORIES for verdict in Verdict} for count in counts)
    return (
        f"of {HISTORIES:,} simulated checks unchanged {same[Verdict.PASS]:.1%} PASS and {same[Verdict.FAIL]:.1%} FAIL; "
        f"moved by what matters {moved[Verdict.PASS]:.1%} PASS; moved by twice that {twice[Verdict.FAIL]:.1%} FAIL"
    )


def _drawn(setting: Setting, chance: np.random.Generator, histories: int, runs: int) -> Floats:
    """Values by history, measurement and run."""
    return setting.draw(chance, histories * setting.family * runs).reshape(histories, setting.family, runs)


def resampled(values: Sequence[float]) -> Draw:
    """Draws as from recorded values, spread by a kernel (Silverman's rule), so that no two are equal."""
    known = np.asarray(values, float)
    width = 1.06 * float(known.std(ddof=1)) * len(known) ** -0.2 if len(known) > 1 else 0.0

    def draw(chance: np.random.Generator, count: int) -> Floats:
        drawn: Floats = chance.choice(known, count) + chance.normal(0.0, width, count)
        return drawn

    return draw
