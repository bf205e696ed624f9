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


def test_a_cut_of_a_minute_is_felt_by_every_node_and_one_of_half_a_minute_by_none_for_sure() -> None:
    assert kubernetes.loses_ready(60)
    assert not kubernetes.loses_ready(50)
    assert not kubernetes.loses_ready(30)


def queue_of_a_zone(stale_s: float, phase_s: float, nodes: int) -> list[float]:
    """The queue for NoExecute, stepped in ms: when each node is tainted, found lost at 0 in one look.

    The informer knows of it ``stale_s`` later; passes come each 100 ms from ``phase_s``, looks each 5 s.
    """
    tainted: list[float] = []
    waiting, token = [True] * nodes, 0
    for at in range(1, 60_000):
        if at % 5000 == 0:
            waiting = [True] * nodes
        if at % 100 != round(phase_s * 1000):
            continue
        while len(tainted) < nodes and waiting[len(tainted)] and at >= token:
            token = at + 10_000
            if at < stale_s * 1000:
                waiting[len(tainted)] = False
                break
            tainted.append(at / 1000)
    return tainted


def test_nodes_of_a_zone_are_tainted_one_each_ten_seconds_and_a_stale_informer_costs_one_turn() -> None:
    for stale in (0.0, 0.02, 0.09):
        for phase in (0.001, 0.03, 0.05, 0.09):
            first, second = queue_of_a_zone(stale, phase, nodes=2)
            told = kubernetes.no_execute(0.0)
            assert told.contains(first)
            assert kubernetes.no_execute(0.0, before_s=first).contains(second)
            assert second - first >= 10
            assert (first > 1) == (phase < stale)


def test_the_first_node_is_tainted_in_the_look_that_finds_it_lost() -> None:
    """Not a look later, as in releases before."""
    told = kubernetes.no_execute(47.4)
    assert told.expected is not None
    assert told.expected < 47.4 + 5


def test_the_second_of_two_pods_may_be_an_endpoint_for_a_second_more() -> None:
    """Seen with two pods of a node: 0.01 and 1.01 s after it was lost."""
    told = kubernetes.endpoints_removed(47.83)
    assert told.contains(47.84)
    assert told.contains(48.84)
    assert not told.contains(47.7)
    assert not told.contains(50)


def test_a_pod_is_deleted_when_what_it_tolerates_is_over() -> None:
    assert kubernetes.evicted(50.0).expected == 350.0
    assert kubernetes.evicted(50.0, Duration.parse("10 s")).contains(60.2)
    assert not kubernetes.evicted(50.0, Duration.parse("10 s")).contains(59.0)


def watch_is_back(outage_s: float, seed: int) -> float:
    """client-go's waits, stepped: how long after an outage a watch is begun anew that broke off some time into it."""
    rng = random.Random(seed)
    at, wait = rng.uniform(0, outage_s), 0.8
    while at < outage_s:
        at += wait * (1 + rng.random())
        wait = min(30.0, wait * 2)
    return at - outage_s


def test_watches_are_back_within_the_bound_and_sooner_after_a_short_outage() -> None:
    for outage in (5, 30, 120, 420):
        found = [watch_is_back(outage, seed) for seed in range(TRIALS)]
        assert max(found) <= kubernetes.watch_again(outage)
    assert kubernetes.watch_again(50) == 15 + 60
    assert kubernetes.watch_again(420) == 75
    high = kubernetes.back(420).high
    assert high is not None and high < 90


def test_half_of_the_endpoints_take_half_of_the_connections() -> None:
    rng = random.Random(5)
    told = kubernetes.share(2, 4, 200)
    outside = 0
    for _ in range(TRIALS):
        found = sum(rng.random() < 0.5 for _ in range(200)) / 2
        outside += not told.contains(found)
    assert outside < 15  # 4 are expected of so many at 99.9 %
    assert kubernetes.share(0, 4, 200).high == 0
    assert kubernetes.share(4, 4, 200).low == 100


def test_a_port_that_is_used_again_meets_what_conntrack_remembers() -> None:
    rng = random.Random(7)
    told = kubernetes.strays(106, 262)
    assert told.expected is not None and told.high is not None
    found = []
    for _ in range(400):
        dead = set(rng.sample(range(kubernetes.PORTS), 106))
        found.append(100 * sum(rng.randrange(kubernetes.PORTS) in dead for _ in range(262)) / 262)
    assert sum(share > told.high for share in found) <= 3  # 0.4 are expected at 99.9 %
    assert abs(sum(found) / 400 - told.expected) < 4 * (1.97 / 400) ** 0.5 / 2.62  # of the mean of so many
    assert kubernetes.strays(0, 100).high == 0
