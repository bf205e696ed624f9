"""Packets that are lost by chance, each by itself: how long the longest run of them is."""

from __future__ import annotations

import math

from testbed.theory.interval import Expectation

RARE = 1e-6
"""How seldom a run is longer than the bound; arbitrary: less than once in all runs that anybody makes."""


def longest_run(loss: float, packets: int) -> Expectation:
    """Longest run of lost packets among ``packets``, each lost with probability ``loss`` by itself.

    A run of at least m begins at a given packet with probability ``loss^m``, so at any with at most ``packets x
    loss^m`` (the union bound); on average the longest is near ``log(packets x (1 - loss)) / log(1 / loss)`` (Schilling,
    The Longest Run of Heads, College Math. J. 21, 1990), which is told as expected where it lies within the bounds.

    Raises:
        ValueError: a share that is none, or no packets.
    """
    if not 0 <= loss < 1 or packets < 1:
        raise ValueError(f"no run of {packets} packets with a loss of {loss}")
    source = f"{packets} packets, each lost with {loss:.3g}: a run of m has probability at most n x p^m"
    if loss == 0:
        return Expectation(0.0, 0.0, 0.0, "packets", source)
    most = min(packets, math.ceil(math.log(packets / RARE) / -math.log(loss)) - 1)
    typical = math.log(packets * (1 - loss)) / -math.log(loss) if packets * (1 - loss) > 1 else 0.0
    return Expectation(
        min(typical, most), 0.0, float(most), "packets", f"{source}; longer once in {1 / RARE:,.0f} runs"
    )
