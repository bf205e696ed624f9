"""How sure a measurement of loss is: intervals, loss models, and how many probes it takes.

Pure functions. Import this module only where statistics are needed: scipy takes a while to load.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from testbed.check.statistics import LEVEL, Floats, Interval, two_sided_z


@dataclass(frozen=True)
class LossProcess:
    """Long-run behaviour of a loss model.

    Attributes:
        ratio: share of packets lost.
        inflation: variance of a measured ratio over what independent loss of the same ratio would give.
    """

    ratio: float
    inflation: float = 1.0


def loss_interval(lost: int, sent: int, *, level: float = LEVEL, inflation: float = 1.0) -> Interval:
    """Confidence interval of the loss ratio, Clopper and Pearson's, with counts deflated when losses come in bursts.

    Source: Clopper & Pearson, Biometrika 26 (1934): exact for independent loss, so it covers at least ``level``. For
    bursts both counts are divided by ``inflation`` (design effect: Kish, Survey Sampling, 1965, section 8.2), which is
    an approximation that needs at least some ten bursts; inflation below 1 is taken as 1.

    Raises:
        ValueError: nothing was sent, or more was lost than sent.
    """
    if sent < 1 or not 0 <= lost <= sent:
        raise ValueError(f"{lost} of {sent} packets cannot be lost")
    tail, scale = (1 - level) / 2, max(1.0, inflation)
    hits, misses = lost / scale, (sent - lost) / scale
    low = 0.0 if lost == 0 else float(stats.beta.ppf(tail, hits, misses + 1))
    high = 1.0 if lost == sent else float(stats.beta.isf(tail, hits + 1, misses))
    return Interval(low, high)


def loss_agrees(lost: int, sent: int, asked: LossProcess, *, level: float = LEVEL) -> bool:
    """True when ``asked`` lies in the interval of what was measured: a test of size at most ``1 - level``."""
    low, high = loss_interval(lost, sent, level=level, inflation=asked.inflation)
    return low <= asked.ratio <= high


def gilbert_elliott(p: float, r: float, loss_bad: float = 1.0, loss_good: float = 0.0) -> LossProcess:
    """Loss of the two-state model that starts in its good state: ratio ``(r loss_good + p loss_bad) / (p + r)``.

    Inflation ``1 + 2 c lambda / (1 - lambda) / (L (1 - L))`` with ``lambda = 1 - p - r`` and ``c = (loss_bad -
    loss_good)^2 p r / (p + r)^2``. Source: Gilbert, BSTJ 39 (1960); the variance of a sum over a stationary Markov
    chain. Netem draws the loss in the state before its transition, which changes neither.
    """
    return markov_loss(((1 - p, p), (r, 1 - r)), (loss_good, loss_bad))


def four_state(p13: float, p31: float, p32: float, p23: float, p14: float) -> LossProcess:
    """Loss of netem's four-state model: lost is what arrives in state 3 (burst) or 4 (isolated).

    Source: tc-netem(8) and Linux net/sched/sch_netem.c, loss_4state; as there, state 4 always returns to 1.
    """
    rows = ((1 - p13 - p14, 0, p13, p14), (0, 1 - p23, p23, 0), (p31, p32, 1 - p31 - p32, 0), (1, 0, 0, 0))
    return markov_loss(rows, (0, 0, 1, 1))


def markov_loss(transitions: npt.ArrayLike, losses: npt.ArrayLike) -> LossProcess:
    """Loss of a Markov chain that starts in its first state and loses a packet with the probability of its state.

    Inflation from the fundamental matrix. Source: Kemeny & Snell, Finite Markov Chains, 1960, theorem 4.6.3.

    Raises:
        ValueError: rows are no probabilities, or the chain may end in one of several places.
    """
    chain, loss = np.asarray(transitions, dtype=float), np.asarray(losses, dtype=float)
    if (chain < 0).any() or not np.allclose(chain.sum(axis=1), 1) or (loss < 0).any() or (loss > 1).any():
        raise ValueError(f"not the probabilities of a chain: {chain}, {loss}")
    seen = np.linalg.matrix_power(np.eye(len(loss)) + chain, len(loss))[0] > 0  # states that the first one leads to
    chain, loss = chain[np.ix_(seen, seen)], loss[seen]
    size = len(loss)
    equations = np.vstack([chain.T - np.eye(size), np.ones(size)])
    if np.linalg.matrix_rank(equations) < size:
        raise ValueError(f"the chain may end in one of several places: {chain}")
    share = np.linalg.lstsq(equations, np.append(np.zeros(size), 1.0), rcond=None)[0]
    ratio = float(np.clip(share @ loss, 0, 1))
    if ratio * (1 - ratio) < 1e-15:
        return LossProcess(round(ratio))
    later = np.linalg.inv(np.eye(size) - chain + np.outer(np.ones(size), share)) - np.eye(size)
    covariance = float((share * loss) @ later @ loss)
    return LossProcess(ratio, 1 + 2 * covariance / (ratio * (1 - ratio)))


def correlated_loss(ratio: float, correlation: float) -> LossProcess:
    """Loss of ``ratio`` in the long run whose random numbers are correlated in netem's way.

    Each number is ``x = (1 - correlation) random + correlation last``, and a packet is lost when x is small enough
    (Linux net/sched/sch_netem.c, get_crandom). The threshold that gives ``ratio`` is found as a quantile of the fixed
    point of that recursion; the inflation, that of the chain of x cut into cells, is good to about 1 %.

    This is what the kernel does when it is given that threshold. Given ``ratio`` itself it loses far less, since x is
    not uniform: 1 % with a correlation of 25 % loses 0.0002 %.

    Raises:
        ValueError: not shares, or a correlation above 0.95, where x hardly moves and this hardly converges.
    """
    if not 0 < ratio < 1 or not 0 <= correlation <= 0.95:
        raise ValueError(f"a loss between 0 and 1 and a correlation of at most 0.95 are wanted: {ratio}, {correlation}")
    if correlation == 0:
        return LossProcess(ratio)
    grid, below = _correlated_distribution(correlation)
    threshold = np.interp(ratio, below, grid)
    # Cells: arbitrary numbers of them, more where the rest is.
    edges = np.concatenate([np.linspace(0, threshold, 101), np.linspace(threshold, 1, 301)[1:]])
    middles = (edges[1:] + edges[:-1]) / 2 * correlation
    reached = np.clip(edges, middles[:, np.newaxis], middles[:, np.newaxis] + 1 - correlation)
    chain = np.diff(reached, axis=1) / (1 - correlation)
    return LossProcess(ratio, markov_loss(chain, np.arange(400) < 100).inflation)


def _correlated_distribution(correlation: float) -> tuple[Floats, Floats]:
    """A grid, and the share of netem's correlated numbers below each of its points."""
    grid = np.linspace(0, 1, 2**13 + 1) ** 2  # finer where small shares are
    below = grid
    for _ in range(math.ceil(math.log(1e-12) / math.log(correlation))):
        area = np.concatenate([[0.0], np.cumsum((below[1:] + below[:-1]) / 2 * np.diff(grid))])
        top, bottom = (
            np.interp(np.clip(edge, 0, 1), grid, area) + np.maximum(edge - 1, 0)
            for edge in (grid / correlation, (grid - 1) / correlation + 1)
        )
        below = correlation / (1 - correlation) * (top - bottom)
    return grid, below


def probes_to_see_loss(ratio: float, *, level: float = LEVEL, inflation: float = 1.0) -> int:
    """Probes after which at least one was lost with probability ``level``: ``ln(1 - level) / ln(1 - ratio)``.

    Raises:
        ValueError: nothing, or everything, is lost.
    """
    if not 0 < ratio < 1:
        raise ValueError(f"a loss between 0 and 1 can be seen, not {ratio}")
    return math.ceil(math.log1p(-level) / math.log1p(-ratio) * max(1.0, inflation))


def probes_for_loss(ratio: float, relative: float, *, level: float = LEVEL, inflation: float = 1.0) -> int:
    """Probes that give the loss ratio within ``relative`` of itself: ``z^2 (1 - ratio) / (ratio relative^2)``.

    The normal approximation of the binomial, times ``inflation``: good where the result means some 20 losses or more.

    Raises:
        ValueError: nothing, or everything, is lost, or ``relative`` is not positive.
    """
    if not 0 < ratio < 1 or relative <= 0:
        raise ValueError(f"a loss of {ratio} cannot be measured to within {relative} of itself")
    return math.ceil(two_sided_z(level) ** 2 * (1 - ratio) / ratio / relative**2 * max(1.0, inflation))
