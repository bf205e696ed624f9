"""Runs of lost packets: against a simulation, and the ends of the scale."""

from __future__ import annotations

import numpy as np
import pytest

from testbed.theory.lossy import longest_run


def simulated(loss: float, packets: int, times: int) -> list[int]:
    rng = np.random.default_rng(5)
    found = []
    for _ in range(times):
        lost = np.concatenate(([False], rng.random(packets) < loss, [False])).astype(int)
        edges = np.flatnonzero(np.diff(lost))
        found.append(int((edges[1::2] - edges[::2]).max(initial=0)))
    return found


@pytest.mark.parametrize("loss", [0.0975, 0.36])
def test_the_longest_run_is_as_long_as_a_simulation_says_and_never_longer_than_the_bound(loss: float) -> None:
    theory, found = longest_run(loss, 4500), simulated(loss, 4500, 400)
    assert theory.expected is not None and theory.high is not None
    # Schilling: the mean is log(n(1-p))/log(1/p) + 0.577/ln(1/p) - 1/2, so within one of what is told.
    assert abs(float(np.mean(found)) - theory.expected) < 1
    assert max(found) <= theory.high < 3 * theory.expected


def test_without_loss_nothing_is_lost_and_no_run_is_longer_than_the_packets() -> None:
    assert longest_run(0, 100).high == 0
    assert longest_run(0.99, 10).high == 10
    with pytest.raises(ValueError, match="no run"):
        longest_run(1, 10)
