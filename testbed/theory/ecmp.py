"""Flows over several equal paths: how many of them a broken one hits."""

from __future__ import annotations

import math
from itertools import accumulate

from testbed.theory.interval import Expectation, exactly
from testbed.theory.lossy import RARE


def hit(flows: int, share: float) -> Expectation:
    """How many of so many flows use what breaks, where each does with probability ``share`` by itself.

    A binomial number: the hash of a flow's addresses and ports says which of n equal next hops it takes, each 1/n of
    all hashes (Linux net/ipv4/fib_semantics.c, fib_rebalance and fib_select_multipath). The bounds leave out what
    happens once in :data:`~testbed.theory.lossy.RARE`, half of it on each side.

    Raises:
        ValueError: a share that is none.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"{share} is no share")
    source = f"each flow with probability {share:.3g}, by the hash of its addresses and ports"
    if share in (0, 1):
        return exactly(flows * share, "flows", source)
    chances = [math.comb(flows, n) * share**n * (1 - share) ** (flows - n) for n in range(flows + 1)]
    low = sum(each < RARE / 2 for each in accumulate(chances))
    high = flows - sum(each < RARE / 2 for each in accumulate(reversed(chances)))
    return Expectation(flows * share, float(low), float(high), "flows", f"{source}: binomial")
