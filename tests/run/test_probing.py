"""Claims about how many frames a calibration sends: enough to say what it promises, and never more than fits."""

from __future__ import annotations

from typing import Any

import pytest

from testbed import Topology
from testbed.check import loss_statistics, statistics
from testbed.model import FourState, GilbertElliott, Slot
from testbed.net.frames import FRAME, SLOTS
from testbed.plan.compile import compile_plan
from testbed.plan.impairments import deviations_ns, reordered_share
from testbed.plan.plan import PlannedLink
from testbed.run import probing
from testbed.run.probing import Need, frames_in_slot, need
from testbed.units import Duration, Ratio, Size

MS = 10**6


def link(**options: Any) -> PlannedLink:
    """A link between two routers."""
    t = Topology("t")
    a, b = t.vpc("one", "10.0.0.0/16").router("ra", asn=64512), t.lan("two", "192.168.0.0/16").router("rb", asn=65000)
    t.link("x", a, b, **options)
    t.parameters.check()
    return compile_plan(t.build(), "lab").link("x")


def needed(*, real: bool = False, **options: Any) -> Need:
    """What one direction of such a link needs."""
    made = link(**options)
    return need(made, made.a_to_b, real=real)


def test_a_plain_link_needs_a_thousand_frames_and_no_more() -> None:
    wanted = needed(delay="5 ms")
    assert (wanted.timed, wanted.burst) == (20, 980)
    assert wanted.gap_ns == MS
    assert wanted.reach_ns == 7 * MS


def test_many_links_share_their_frames_but_loss_that_was_asked_keeps_its_own() -> None:
    plain, lossy = link(delay="5 ms"), link(loss="1 %")
    for ways, frames in ((2, 1000), (200, 1000), (400, 500), (2000, 100), (100_000, 100)):
        wanted = need(plain, plain.a_to_b, real=False, ways=ways)
        assert wanted.timed + wanted.burst == frames
        assert need(lossy, lossy.a_to_b, real=False, ways=ways) == need(lossy, lossy.a_to_b, real=False)


@pytest.mark.parametrize("distribution", ["uniform", "normal", "paretonormal"])
def test_jitter_gets_as_many_probes_as_five_per_cent_take(distribution: str) -> None:
    made = link(delay="20 ms", jitter="2 ms", distribution=distribution)
    wanted = need(made, made.a_to_b, real=False)
    of = statistics.shape(deviations_ns(made.a_to_b))
    level = 1 - 6.3e-5  # two-sided, of 4 standard deviations
    assert wanted.timed == pytest.approx(statistics.probes_for_sd(0.05, of, level=level), rel=0.1)


def test_timed_frames_are_further_apart_than_jitter_and_slots_reach() -> None:
    made = link(delay="20 ms", jitter="2 ms")
    deviations = deviations_ns(made.a_to_b)
    assert need(made, made.a_to_b, real=False).gap_ns >= deviations[-1] - deviations[0]
    slot = Slot(min=Duration(10 * MS), max=Duration(10 * MS), packets=4)
    assert needed(slot=slot).gap_ns >= 2.5 * MS


@pytest.mark.parametrize("percent", ["0.5", "1", "10", "50"])
def test_loss_gets_enough_frames_to_know_it_to_half_of_itself(percent: str) -> None:
    wanted = needed(loss=f"{percent} %")
    share = float(percent) / 100
    frames = loss_statistics.probes_for_loss(share, 0.5, level=1 - 6.3e-5)
    assert wanted.timed + wanted.burst == pytest.approx(max(1000, frames), rel=0.02)


def test_bursts_need_more_frames_than_single_losses_of_the_same_share() -> None:
    percent = Ratio.parse
    bursty = GilbertElliott(p=percent("1 %"), r=percent("9 %"))
    single = needed(loss="10 %").burst
    assert needed(loss=bursty).burst > 5 * single
    four = FourState(p13=percent("2 %"), p31=percent("18 %"), p32=percent("0 %"))
    assert needed(loss=four).burst > 5 * single


def test_no_count_is_larger_than_its_bound() -> None:
    for setting in ("loss", "duplicate", "corrupt"):
        options: dict[str, Any] = {setting: "0.0001 %"}
        wanted = needed(**options)
        assert wanted.timed + wanted.burst == probing.SHARE_MAX
    assert needed(delay="9 ms", reorder="0.0001 %").timed == probing.TIMED_MAX


@pytest.mark.parametrize("rate", ["128 kbit/s", "10 Mbit/s", "10 Gbit/s"])
@pytest.mark.parametrize("policed", [False, True])
def test_a_burst_fits_into_half_of_the_queue_or_bucket_and_waits_until_it_is_through(rate: str, policed: bool) -> None:
    made = link(rate=rate, policed=policed)
    wanted = need(made, made.a_to_b, real=False)
    assert made.rate is not None
    size = wanted.chunk * FRAME
    assert 2 * size <= (made.shaper.limit_bytes if made.shaper else probing._queue_bytes(made))
    assert wanted.pause_ns >= size * 8 * 10**9 // made.rate


def test_a_long_unshaped_link_never_has_more_than_half_of_netems_queue_under_way() -> None:
    made = link(delay="400 ms")
    wanted = need(made, made.a_to_b, real=False)
    assert wanted.chunk / wanted.pause_ns * wanted.reach_ns <= made.packets_in_flight / 2 + 1


def test_a_slot_is_never_given_more_than_it_lets_through() -> None:
    def slot(packets: int, size: int) -> Slot:
        return Slot(min=Duration(MS), max=Duration(MS), packets=packets, bytes=Size(size))

    assert needed(slot=slot(8, 0)).chunk == 8
    assert needed(slot=slot(0, 600)).chunk == 10
    made = link(slot=slot(8, 3000))
    assert frames_in_slot(made.a_to_b, 1500) == 2
    assert frames_in_slot(link().a_to_b, 1500) == SLOTS


def test_on_the_real_clock_no_phase_takes_longer_than_its_budget() -> None:
    for options in ({"delay": "100 ms", "jitter": "20 ms"}, {"loss": "0.01 %", "rate": "128 kbit/s"}):
        wanted = needed(real=True, **options)
        assert wanted.timed * wanted.gap_ns <= probing.REAL_BUDGET_NS + 20 * wanted.gap_ns
        if "rate" in options:
            assert wanted.burst * FRAME * 8 * 10**9 // 128_000 <= probing.REAL_BUDGET_NS


def test_a_reorder_gap_makes_reordering_rarer() -> None:
    assert reordered_share(link(delay="5 ms", reorder="10 %").a_to_b) == pytest.approx(0.1)
    assert reordered_share(link(delay="5 ms", reorder="10 %", reorder_gap=5).a_to_b) == pytest.approx(1 / 14)
    assert reordered_share(link().a_to_b) == 0
