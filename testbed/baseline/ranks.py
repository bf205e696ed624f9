"""Mann and Whitney's rank test, exact where it can be had. Pure. Import it where it is needed: scipy takes a while.

Sources: Annals of Mathematical Statistics 18, 1947. Values that are equal share the mean of their ranks, and the exact
distribution is then that of all ways to choose one side's values among all: Streitberg and Röhmel, Statistical Software
Newsletter 12, 1986. There the normal distribution with the correction for ties says too much of few values: of ten
equal ones and another it is sure at a level of 1 %, while one order in eleven looks like that.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.float64]

EXACT_MOST = 40
"""Values a side up to which the exact distribution is used; arbitrary: the normal one is close then."""
EXACT_TIED_MOST = 24
"""Values of both sides up to which it is with ties, where it takes longer; arbitrary."""


def greater(larger: Floats, smaller: Floats) -> Floats:
    """The chance that values of one distribution look as if ``larger`` were from a larger one, as these or more so.

    Args:
        larger: its last axis has the values.
        smaller: likewise; the other axes are those of ``larger``.
    """
    every = np.sort(np.concatenate([larger, smaller], axis=-1), axis=-1)
    ties = (np.diff(every, axis=-1) == 0).any(-1)
    small = max(larger.shape[-1], smaller.shape[-1]) <= EXACT_MOST
    # Without ties the approximation is not looked at, and of values that are all equal it knows nothing.
    with np.errstate(invalid="ignore", divide="ignore"):
        near = _test(larger, smaller, "asymptotic")
    exact = _test(larger, smaller, "exact") if small and not ties.all() else near
    found = np.where(ties | (not small), near, exact)
    if every.shape[-1] <= EXACT_TIED_MOST:
        found[ties] = [_tied(*each) for each in zip(larger[ties], smaller[ties], strict=True)]
    least = 1 / math.comb(every.shape[-1], larger.shape[-1])  # one order of all: nothing is less probable
    return np.where(every[..., 0] == every[..., -1], 1.0, np.maximum(found, least))


def _test(larger: Floats, smaller: Floats, method: str) -> Floats:
    found = stats.mannwhitneyu(larger, smaller, alternative="greater", method=method, axis=-1).pvalue
    return np.asarray(found, float)


def _tied(larger: Floats, smaller: Floats) -> float:
    """One test, by the ranks that there are."""
    values, counts = np.unique(np.concatenate([larger, smaller]), return_counts=True)
    ranks = _doubled_ranks(counts)
    seen = int(ranks[np.searchsorted(values, larger)].sum())
    return _at_least(tuple(counts.tolist()), len(larger))[seen]


def _doubled_ranks(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Twice the rank that values of each size share: a whole number. ``counts``: how many have each size, in order."""
    return 2 * np.cumsum(counts) - counts + 1


@lru_cache(maxsize=4096)
def _at_least(counts: tuple[int, ...], chosen: int) -> tuple[float, ...]:
    """Of every sum of doubled ranks the chance that so many values, chosen blindly, have that or more."""
    size = np.asarray(counts)
    ranks = np.repeat(_doubled_ranks(size), size)
    ways = np.zeros((chosen + 1, int(ranks.sum()) + 1))  # [k, s]: to choose k of the ranks so far with the sum s
    ways[0, 0] = 1
    for rank in ranks:
        ways[1:, rank:] += ways[:-1, :-rank].copy()
    more = ways[chosen][::-1].cumsum()[::-1] / math.comb(len(ranks), chosen)
    return tuple(more.tolist())
