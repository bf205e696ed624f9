"""Claims about when a node is said to be not ready."""

from __future__ import annotations

import random

from testbed.theory import kubernetes
from testbed.units import Duration

TRIALS = 4000


def simulated(grace_s: float, seed: int) -> list[float]:
    """The controller's and the kubelet's loops, stepped: from the cut until the node is not ready."""
    rng = random.Random(seed)
    found = []
    for _ in range(TRIALS):
        renewals, now = [], rng.uniform(-100, -90)
        while now < 0:
            renewals.append(now)
            now += 10 * (1 + 0.04 * rng.random())
        look, seen = rng.uniform(-100, -95), -100.0
        while look <= seen + grace_s or look < 0:
            if any(seen < renewal <= look for renewal in renewals):
                seen = look
            look += 5.001  # it waits after its work, so a period is a little longer
        found.append(look)
    return found


def test_a_simulation_of_both_loops_stays_inside_and_has_the_mean() -> None:
    for grace in ("40 s", "50 s"):
        told = kubernetes.not_ready(Duration.parse(grace))
        found = simulated(Duration.parse(grace).seconds, seed=3)
        assert told.low is not None and told.high is not None and told.expected is not None
        assert told.low <= min(found) and max(found) <= told.high
        # The standard deviation of the sum of two uniform laws over 10.2 s and 5 s is 3.3 s.
        assert abs(sum(found) / TRIALS - told.expected) < 4 * 3.3 / TRIALS**0.5 + 11 * 0.001


def test_an_outage_of_a_second_is_not_felt_and_one_of_a_minute_may_be() -> None:
    assert kubernetes.keeps_ready(0.9)
    assert not kubernetes.keeps_ready(60)
