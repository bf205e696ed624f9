"""Probabilities as netem compares them with its random numbers.

netem draws 32 random bits and compares. With a correlation ``r`` it mixes them with what it drew before,
``x = (1 - r) * u + r * x_before`` (``get_crandom`` in ``net/sched/sch_netem.c``). Those numbers crowd around one half,
so the share that falls below a threshold is no longer the threshold: a loss of 1 % with a correlation of 25 %, sent to
the kernel as it is, delivers 0.0008 %. :func:`threshold` says which threshold delivers the share that was asked.
"""

from __future__ import annotations

import math
from functools import lru_cache

from testbed.units import Ratio

WHOLE = 2**32
_BILLION = 10**9
_TERM_MIN = 1e-13
"""Terms of the series below this are left out; the smallest share that can be asked is 1e-9."""
_QUIET_TERMS = 20
"""How many terms in a row must be that small: single ones are 0 by chance. Arbitrary."""
_TERMS_MAX = 20_000
"""Bound of the series; a correlation of 1 % needs 13,000 terms, and takes a quarter of a second."""


def below(share: Ratio) -> int:
    """The number that a share of random 32-bit numbers is less than. 1 becomes 1 - 2^-32, the most that fits."""
    return min(_scaled(share), WHOLE - 1)


def up_to(share: Ratio) -> int:
    """The number that a share of random 32-bit numbers does not exceed; 0 means never, as netem reads it."""
    return max(_scaled(share) - 1, 0)


def correlation(value: Ratio) -> int:
    """A correlation as the kernel counts it, which adds 1 to what it is given."""
    return max(_scaled(value) - 1, 0)


def threshold(share: Ratio, correlated: Ratio) -> int:
    """The number that a share of netem's correlated random numbers does not exceed; 0 means never.

    Args:
        share: wanted in the long run.
        correlated: share of the previous number in the next one, below 1. (At 1 the kernel draws one number for ever.)
    """
    if not correlated or share in (0, _BILLION):
        return up_to(share)
    terms = _series(int(correlated))
    low, high = 0.0, 1.0
    for _ in range(53):  # as many as a float has bits
        middle = (low + high) / 2
        low, high = (middle, high) if _distribution(middle, terms) < share.fraction else (low, middle)
    return max(round(high * WHOLE) - 1, 1)


def _scaled(value: Ratio) -> int:
    """A share of 2^32, rounded to nearest."""
    return (int(value) * WHOLE + _BILLION // 2) // _BILLION


def _distribution(x: float, terms: tuple[float, ...]) -> float:
    """Share of the correlated numbers below ``x``."""
    angle = 2 * math.pi * (x - 0.5)
    return x + math.fsum(term * math.sin(angle * m) for m, term in enumerate(terms, start=1))


@lru_cache(maxsize=64)
def _series(correlated_ppb: int) -> tuple[float, ...]:
    """Fourier series of the distribution of ``sum over k of (1 - r) * r^k * u_k``, ``u_k`` uniform, less its mean line.

    Each summand is uniform, so the characteristic function is a product of ``sin(w) / w``, and all numbers lie in an
    interval of length 1, so its values at whole multiples of 2 pi are the coefficients of the density.
    """
    r = correlated_ppb / _BILLION
    terms: list[float] = []
    quiet = 0
    while quiet < _QUIET_TERMS and len(terms) < _TERMS_MAX:
        m = len(terms) + 1
        w, product = math.pi * m * (1 - r), 1.0
        while w > 1e-9 and abs(product) > 1e-18:
            product *= math.sin(w) / w
            w *= r
        terms.append(product / (math.pi * m))
        quiet = quiet + 1 if abs(terms[-1]) < _TERM_MIN else 0
    return tuple(terms)
