"""What a real kernel makes of our messages: it holds and delivers what was asked.

Run as ``python -m tests.net.guest_netem [WORD ...]`` with CAP_NET_ADMIN and CAP_SYS_ADMIN in a kernel with virtual
time; words choose among the checks. It works in a network namespace of its own and leaves nothing behind. In real time,
on a busy machine, the bounds on delay and rate are too tight.
"""

from __future__ import annotations

import ctypes
import importlib
import os
import statistics
import sys
import time
import traceback
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from testbed.model import Distribution, FourState, GilbertElliott, Impairment, Slot
from testbed.net import tc
from testbed.units import Duration, Ratio
from tests.net.guest_pair import CHECKS, CLONE_NEWNET, LIBC, MS, Pair, baseline, check, delays, in_order, near

ONE = Ratio(10**9)
importlib.import_module("tests.net.guest_shaping")  # for its checks

SHAPES: tuple[Distribution, ...] = ("uniform", "normal", "pareto", "paretonormal")


@check
def no_impairment_changes_nothing() -> None:
    pair = Pair()
    pair.impair(Impairment())
    body = bytes(range(256)) * 20
    for number in range(50):
        pair.send(number, body=body)
    seen = pair.drain()
    assert [one.number for one in seen] == list(range(50))
    assert all(one.data[30:] == body for one in seen)
    assert tc.counters(pair.qdisc("netem")).drops == 0
    print(f"    delay of 0 reads as {sorted(set(delays(seen, 0)))} ns")


@check
def a_constant_delay_is_exact() -> None:
    base = baseline()
    for ns in (0, 1, 999_999, 20 * MS, 1500 * MS):
        pair = Pair()
        pair.impair(Impairment(delay=Duration(ns)))
        got = delays(pair.spaced(20, MS), base)
        print(f"    asked {ns} ns, got {min(got)} to {max(got)} ns")
        assert len(got) == 20
        assert max(abs(one - ns) for one in got) <= 2000


def _shape(impairment: Impairment, *, count: int = 10_000, gap_ns: int = 0) -> list[int]:
    base = baseline()
    pair = Pair()
    pair.impair(impairment)
    gap = gap_ns or 10 * int(impairment.jitter)
    got = delays(pair.spaced(count, gap), base)
    assert len(got) == count
    return got


@check
def jitter_has_the_deviation_asked_whatever_the_distribution() -> None:
    for delay_ms, jitter_ms in ((50, 5), (10, 5)):
        for shape in SHAPES:
            for ordered in (True, False):
                asked = Impairment(
                    delay=Duration(delay_ms * MS), jitter=Duration(jitter_ms * MS), distribution=shape, ordered=ordered
                )
                got = _shape(asked)
                name = f"{shape} {delay_ms} +- {jitter_ms} ms, {'ordered' if ordered else 'free'}"
                near(f"{name}, deviation", statistics.pstdev(got), jitter_ms * MS, 0.05)
                near(f"{name}, mean", statistics.fmean(got), delay_ms * MS, 0.01)
                assert min(got) >= -2000


@check
def measured_delays_keep_their_shape() -> None:
    samples = tuple(Duration(5 * MS + (i % 100) * 10_000) for i in range(2000)) + (Duration(200 * MS),) * 4
    asked = Impairment(delay=Duration(20 * MS), jitter=Duration(3 * MS), distribution="table", table=samples)
    got = _shape(asked, count=40_000, gap_ns=150 * MS)
    spread = statistics.pstdev([int(one) for one in samples])
    highest = 20 * MS + (200 * MS - statistics.fmean([int(one) for one in samples])) * 3 * MS / spread
    near("highest", max(got), highest, 0.01)
    near("share of outliers", sum(one > highest / 2 for one in got) / len(got), 4 / 2004, 0.3)
    near("mean", statistics.fmean(got), 20 * MS, 0.03)
    largest = tuple(Duration(5 * MS + i * i) for i in range(16_384))
    Pair().impair(replace(asked, table=largest))


@check
def ordered_packets_stay_in_order_and_free_ones_do_not() -> None:
    asked = Impairment(delay=Duration(20 * MS), jitter=Duration(5 * MS))
    for ordered in (True, False):
        pair = Pair()
        pair.impair(replace(asked, ordered=ordered))
        seen = pair.spaced(3000, MS // 2)
        assert len(seen) == 3000
        assert in_order(seen) is ordered
        got = delays(seen, 0)
        print(f"    {'ordered' if ordered else 'free'}: mean {statistics.fmean(got) / MS:.3f} ms at 2,000 packets/s")


@check
def independent_loss_duplication_and_corruption_have_the_share_asked() -> None:
    count = 40_000
    for share in (Ratio(10**7), Ratio(2 * 10**8)):
        pair = Pair()
        pair.impair(Impairment(loss=share))
        near("loss", 1 - len(pair.spaced(count, 0, 60)) / count, share.fraction, 0.15)
        pair = Pair()
        pair.impair(Impairment(duplicate=share))
        near("duplicates", len(pair.spaced(count, 0, 60)) / count - 1, share.fraction, 0.15)
        pair = Pair()
        pair.impair(Impairment(corrupt=share))
        for number in range(count):
            pair.send(number, body=b"\x55" * 170)
        seen = pair.drain()
        changed = sum(one.data[30:200] != b"\x55" * 170 for one in seen) / count
        near("corruption", changed, share.fraction * 170 / 200, 0.2)
        assert 0.98 * count < len(seen) <= count  # some lose their ethertype
    pair = Pair()
    pair.impair(Impairment(loss=ONE))
    assert pair.spaced(1000, 0, 60) == []


@check
def correlated_loss_has_the_share_asked() -> None:
    count = 60_000
    for share, correlation in ((Ratio(10**7), Ratio(25 * 10**7)), (Ratio(10**8), Ratio(5 * 10**8))):
        pair = Pair()
        pair.impair(Impairment(loss=share, loss_correlation=correlation))
        near(f"loss, correlation {correlation}", 1 - len(pair.spaced(count, 0, 60)) / count, share.fraction, 0.2)


@check
def reordered_packets_skip_the_delay_and_the_rest_keep_their_order() -> None:
    base = baseline()
    for gap, expected in ((1, 0.1), (5, 1 / (4 + 1 / 0.1))):
        pair = Pair()
        pair.impair(Impairment(delay=Duration(20 * MS), jitter=Duration(2 * MS), reorder=Ratio(10**8), reorder_gap=gap))
        seen = pair.spaced(20_000, MS)
        assert len(seen) == 20_000
        late = [one for one in seen if one.arrived_ns - one.sent_ns - base >= MS]
        near(f"reordered, gap {gap}", 1 - len(late) / 20_000, expected, 0.1)
        assert in_order(late)


@check
def gilbert_elliott_has_the_loss_and_the_bursts_asked() -> None:
    count = 60_000
    for p, r, bad, good in ((0.01, 0.25, 1.0, 0.0), (0.02, 0.2, 0.5, 0.01)):
        ratios = [Ratio(round(value * 10**9)) for value in (p, r, bad, good)]
        pair = Pair()
        pair.impair(Impairment(loss=GilbertElliott(p=ratios[0], r=ratios[1], loss_bad=ratios[2], loss_good=ratios[3])))
        arrived = {one.number for one in pair.spaced(count, 0, 60)}
        share_bad = p / (p + r)
        near("loss", 1 - len(arrived) / count, share_bad * bad + (1 - share_bad) * good, 0.1)
        starts = sum(n not in arrived and n - 1 in arrived for n in range(1, count))
        if bad == 1:
            near("burst", (count - len(arrived)) / starts, 1 / r, 0.1)


@check
def four_states_have_the_loss_of_their_chain() -> None:
    count = 60_000
    model = FourState(
        p13=Ratio(2 * 10**7), p31=Ratio(3 * 10**8), p32=Ratio(2 * 10**8), p23=Ratio(4 * 10**8), p14=Ratio(10**7)
    )
    weight = [1.0, 0.0, 0.0, 0.0]  # of the states 1 to 4
    for _ in range(2000):
        one, two, three, four = weight
        weight = [
            one * 0.97 + three * 0.3 + four,
            two * 0.6 + three * 0.2,
            one * 0.02 + two * 0.4 + three * 0.5,
            one * 0.01,
        ]
    pair = Pair()
    pair.impair(Impairment(loss=model))
    near("loss", 1 - len(pair.spaced(count, 0, 60)) / count, weight[2] + weight[3], 0.1)


@check
def slots_deliver_in_bursts() -> None:
    pair = Pair()
    pair.impair(Impairment(slot=Slot(min=Duration(10 * MS), max=Duration(10 * MS), packets=8)))
    seen = pair.spaced(500, 2 * MS)
    assert len(seen) == 500
    bursts = [1]
    for before, after in pairwise(seen):
        if after.arrived_ns - before.arrived_ns > MS:
            bursts.append(0)
        bursts[-1] += 1
    near("packets in a slot", statistics.fmean(bursts[1:-1]), 5, 0.1)
    assert max(bursts) <= 8


@check
def one_seed_makes_one_sequence_of_losses() -> None:
    lost = []
    for seed in (1, 1, 2):
        pair = Pair()
        pair.impair(Impairment(loss=Ratio(10**8)), seed=seed)
        lost.append([one.number for one in pair.spaced(2000, 0, 60)])
    assert lost[0] == lost[1] != lost[2]


@check
def a_change_leaves_nothing_of_what_was_before() -> None:
    everything = Impairment(
        delay=Duration(10 * MS), jitter=Duration(2 * MS), distribution="pareto", loss=Ratio(10**7),
        loss_correlation=Ratio(10**8), duplicate=Ratio(10**7), duplicate_correlation=Ratio(10**8), corrupt=Ratio(10**7),
        corrupt_correlation=Ratio(10**8), reorder=Ratio(10**7), reorder_correlation=Ratio(10**8), reorder_gap=5,
        slot=Slot(min=Duration(MS), max=Duration(MS)),
    )  # fmt: skip
    models = (GilbertElliott(p=Ratio(10**7), r=Ratio(10**8)), FourState(p13=Ratio(10**7)))
    pair = Pair()
    pair.impair(everything)
    for impairment in (
        Impairment(), replace(everything, ordered=False), Impairment(ordered=False),
        *(Impairment(loss=model) for model in models), Impairment(), everything,
    ):  # fmt: skip
        pair.impair(impairment, change=True)  # fails if the kernel holds anything else than when asked anew


@check
def a_change_under_traffic_loses_no_packet_and_keeps_the_order() -> None:
    pair = Pair()
    pair.impair(Impairment(delay=Duration(50 * MS)))
    for number in range(3000):
        pair.send(number)
        time.sleep(0.0005)
        if number % 100 == 50:
            delay = (20, 80, 0, 50)[number // 100 % 4]
            jitter = delay // 4
            pair.impair(Impairment(delay=Duration(delay * MS), jitter=Duration(jitter * MS)), change=True)
    seen = pair.drain()
    assert [one.number for one in seen] == list(range(3000))
    assert tc.counters(pair.qdisc("netem")).drops == 0


def main() -> int:
    """Run every check, print what was asked and got, and return how many failed."""
    assert LIBC.unshare(CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())
    Path("/proc/sys/net/ipv6/conf/default/disable_ipv6").write_text("1")
    failed = 0
    wanted = sys.argv[1:]
    for one in CHECKS:
        if wanted and not any(word in one.__name__ for word in wanted):
            continue
        print(one.__name__.replace("_", " "), flush=True)
        try:
            one()
        except Exception:
            failed += 1
            traceback.print_exc(file=sys.stdout)
    print(f"{failed} failed", flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(1 if main() else 0)
