"""Claims about netem messages: each setting arrives alone, whole and readable, and what netem cannot do is refused."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyroute2.netlink import NLM_F_ACK, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REQUEST
from pyroute2.netlink.rtnl import RTM_NEWQDISC
from pyroute2.netlink.rtnl.tcmsg import tcmsg

from testbed.errors import InputError
from testbed.model import Distribution, FourState, GilbertElliott, Impairment, Slot
from testbed.net import chance, netem, tc
from testbed.net.netem import Settings, encode
from testbed.units import Duration, Ratio, Size
from tests.conftest import RunScenario
from tests.guest.inside import run_inside

MS = 10**6
PERCENT = 10**7
ratios = st.integers(1, 10**9).map(Ratio)
correlations = st.integers(1, 99).map(lambda percent: Ratio(percent * PERCENT))
durations = st.integers(1, 10**12).map(Duration)


def zero() -> Settings:
    """What a link without impairment is set to."""
    return encode(Impairment(), limit_packets=1000, seed=1)


def changed(impairment: Impairment) -> Mapping[str, object]:
    """The settings that differ from those of no impairment."""
    made = encode(impairment, limit_packets=1000, seed=1)
    return {f.name: getattr(made, f.name) for f in fields(made) if getattr(made, f.name) != getattr(zero(), f.name)}


def through_bytes(settings: Settings, *, seeded: bool = True) -> Settings:
    """The settings as they come out of the bytes that a message is sent as."""
    message = tc.qdisc("netem", 7, netem.options(settings, seeded=seeded), handle=tc.ROOT_HANDLE, parent=tc.ROOT)
    message.encode()
    read = tcmsg(message.data)
    read.decode()
    return netem.decode(read)


loss_models = st.one_of(
    st.builds(GilbertElliott, p=ratios, r=ratios, loss_bad=ratios, loss_good=ratios),
    st.builds(FourState, p13=correlations, p31=st.just(Ratio(0)), p32=ratios, p23=ratios, p14=st.just(Ratio(PERCENT))),
)
slots = st.tuples(durations, durations, st.integers(0, 2**31 - 1), st.integers(0, 2**31 - 1)).map(
    lambda s: Slot(min=min(s[:2]), max=max(s[:2]), packets=s[2], bytes=Size(s[3]))
)
KNOBS = {
    "delay": st.builds(Impairment, delay=durations),
    "ordered": st.builds(Impairment, ordered=st.just(False)),
    "loss": st.builds(Impairment, loss=ratios),
    "loss model": st.builds(Impairment, loss=loss_models),
    "loss_correlation": st.builds(Impairment, loss_correlation=ratios),
    "duplicate": st.builds(Impairment, duplicate=ratios),
    "duplicate_correlation": st.builds(Impairment, duplicate_correlation=ratios),
    "corrupt": st.builds(Impairment, corrupt=ratios),
    "corrupt_correlation": st.builds(Impairment, corrupt_correlation=ratios),
    "reorder_correlation": st.builds(Impairment, reorder_correlation=ratios),
    "slot": st.builds(Impairment, slot=slots),
}
TOUCHES = {
    "delay": {"delay_ns"},
    "ordered": {"rate"},
    "loss model": {"gilbert", "states"},
}


@pytest.mark.parametrize("knob", KNOBS)
@given(data=st.data())
def test_each_knob_alone_touches_only_its_setting_and_survives_the_wire(knob: str, data: st.DataObject) -> None:
    impairment = data.draw(KNOBS[knob])
    assert set(changed(impairment)) <= TOUCHES.get(knob, {knob})
    asked = encode(impairment, limit_packets=1000, seed=1)
    assert through_bytes(asked) == asked


@given(
    delay=st.integers(4 * MS, 10**10), jitter=st.integers(1, MS),
    shape=st.sampled_from(["uniform", "normal", "pareto", "paretonormal"]),
)  # fmt: skip
def test_jitter_touches_only_jitter_and_its_table(delay: int, jitter: int, shape: Distribution) -> None:
    still = Impairment(delay=Duration(delay))
    shaky = replace(still, jitter=Duration(jitter), distribution=shape)
    assert set(changed(shaky)) == {"delay_ns", "jitter_ns", "table"}
    asked = encode(shaky, limit_packets=1000, seed=1)
    assert asked.jitter_ns == jitter
    assert through_bytes(asked) == asked


@given(share=ratios, gap=st.integers(1, 2**32 - 1))
def test_reordering_touches_only_its_share_and_gap(share: Ratio, gap: int) -> None:
    asked = Impairment(delay=Duration(MS), reorder=share, reorder_gap=gap)
    assert set(changed(asked)) <= {"delay_ns", "reorder", "gap"}
    assert encode(asked, limit_packets=1, seed=1).gap == gap
    assert encode(replace(asked, reorder=Ratio(0)), limit_packets=1, seed=1).gap == 0


@given(limit=st.integers(1, 2**32 - 1), seed=st.integers(0, 2**64))
def test_limit_and_seed_survive_the_wire(limit: int, seed: int) -> None:
    asked = encode(Impairment(), limit_packets=limit, seed=seed)
    assert asked.limit_packets == limit
    assert through_bytes(asked) == asked


@given(share=ratios)
def test_a_share_is_delivered_to_half_a_billionth(share: Ratio) -> None:
    """The kernel loses if ``loss >= random``, moves state if ``random < p``, loses in the bad one above ``h``."""
    assert abs((chance.up_to(share) + 1) / 2**32 - share.fraction) < 5e-10
    assert abs(chance.below(share) / 2**32 - share.fraction) < 5e-10
    model = GilbertElliott(p=share, r=share, loss_bad=share)
    gilbert = encode(Impairment(loss=model), limit_packets=1, seed=1).gilbert
    assert gilbert is not None
    assert abs((2**32 - 1 - gilbert[2]) / 2**32 - share.fraction) < 5e-10


def test_everything_and_nothing_are_exact() -> None:
    assert encode(Impairment(loss=Ratio(10**9)), limit_packets=1, seed=1).loss == 2**32 - 1
    assert encode(Impairment(loss=Ratio(1)), limit_packets=1, seed=1).loss > 0
    assert zero().loss == 0
    never_lossy = GilbertElliott(p=Ratio(10**9), r=Ratio(1), loss_bad=Ratio(0))
    assert encode(Impairment(loss=never_lossy), limit_packets=1, seed=1).gilbert == (2**32 - 1, 4, 2**32 - 1, 0)


def test_two_probabilities_that_sum_to_one_do_not_overflow_the_kernels_sum() -> None:
    model = FourState(p13=Ratio(6 * 10**8), p14=Ratio(4 * 10**8), p31=Ratio(7 * 10**8), p32=Ratio(3 * 10**8))
    states = encode(Impairment(loss=model), limit_packets=1, seed=1).states
    assert states is not None
    p13, p31, p32, p14, _ = states
    assert p13 + p14 == p31 + p32 == 2**32 - 1


@pytest.mark.parametrize(
    ("share", "correlation"),
    [(0.01, 0.25), (0.1, 0.5), (0.01, 0.9), (0.3, 0.05), (0.001, 0.25), (0.9, 0.5), (0.2, 0.99)],
)
def test_a_correlated_share_is_the_one_asked_in_the_kernels_own_arithmetic(share: float, correlation: float) -> None:
    """``get_crandom`` of ``net/sched/sch_netem.c``. Sent as it is, 1 % with a correlation of 25 % delivers 0.0008 %."""
    rho = chance.correlation(Ratio(round(correlation * 10**9))) + 1
    limit = chance.threshold(Ratio(round(share * 10**9)), Ratio(round(correlation * 10**9)))
    draw = random.Random(5)
    last, hits, count = draw.getrandbits(32), 0, 200_000
    for _ in range(count):
        last = (draw.getrandbits(32) * (2**32 - rho) + last * rho) >> 32
        hits += limit >= last
    # Correlated draws say less about the mean than independent ones.
    error = (share * (1 - share) / count * (1 + correlation) / (1 - correlation)) ** 0.5
    assert abs(hits / count - share) < 4 * error


@given(share=ratios)
def test_without_correlation_the_threshold_is_the_share(share: Ratio) -> None:
    assert chance.threshold(share, Ratio(0)) == chance.up_to(share)


def test_small_seeds_do_not_start_every_link_with_a_loss() -> None:
    """``prandom_u32_state`` of ``lib/random32.c``, started as ``prandom_seed_state`` does."""

    def second_number(seed: int) -> int:
        x = (seed >> 32 ^ seed << 10 ^ seed) & 0xFFFFFFFF
        s = [x + m if x < m else x for m in (2, 8, 16, 128)]
        for _ in range(2):
            steps = ((6, 13, -2, 18), (2, 27, -8, 2), (13, 21, -16, 7), (3, 12, -128, 13))
            s = [
                (v & c) << d & 0xFFFFFFFF ^ (v << a & 0xFFFFFFFF ^ v) >> b
                for v, (a, b, c, d) in zip(s, steps, strict=True)
            ]
        return s[0] ^ s[1] ^ s[2] ^ s[3]

    low = 2**32 // 50
    assert sum(second_number(seed) < low for seed in range(4)) == 4
    assert sum(second_number(netem.mixed(seed)) < low for seed in range(1000)) < 40


def test_an_addition_creates_and_a_change_only_changes_in_place_and_goes_on_with_its_random_numbers() -> None:
    add, change = (
        netem.message(7, Impairment(), limit_packets=10, seed=1, change=change, what="dx a_to_b").message
        for change in (False, True)
    )
    for message, flags, seeded in ((add, NLM_F_CREATE | NLM_F_EXCL, True), (change, 0, False)):
        assert message["header"]["type"] == RTM_NEWQDISC
        assert message["header"]["flags"] == NLM_F_REQUEST | NLM_F_ACK | flags
        # Without the same handle the kernel would put a new discipline in the old one's place, and drop its packets.
        assert (message["index"], message["handle"], message["parent"]) == (7, tc.ROOT_HANDLE, tc.ROOT)
        message.encode()
        read = tcmsg(message.data)
        read.decode()
        assert (netem.decode(read).seed is not None) is seeded


def test_every_message_carries_every_setting_so_that_nothing_of_an_older_one_stays() -> None:
    names = {name for name, _ in netem.options(zero())["attrs"]}
    kept_by_the_kernel = {"CORR", "REORDER", "CORRUPT", "RATE", "RATE64", "ECN", "LATENCY64", "JITTER64", "SLOT"}
    assert {f"TCA_NETEM_{name}" for name in kept_by_the_kernel} <= names


def test_ordered_packets_have_a_rate_at_which_any_frame_takes_no_time() -> None:
    assert zero().rate > 65_535 * 10**9
    assert encode(Impairment(ordered=False), limit_packets=1, seed=1).rate == 0


def test_differences_are_told_in_words_and_the_unreadable_table_is_no_difference() -> None:
    asked = encode(Impairment(delay=Duration(10 * MS), jitter=Duration(MS)), limit_packets=5, seed=1)
    assert netem.differences(asked, replace(asked, table=())) == ()
    assert netem.differences(asked, replace(asked, delay_ns=9)) == ("delay_ns: asked 10000000, the kernel holds 9",)


def test_another_discipline_is_not_read_as_netem() -> None:
    message = tc.qdisc("noqueue", 1, None, handle=0, parent=tc.ROOT)
    message.encode()
    with pytest.raises(ValueError, match="noqueue, not netem"):
        netem.decode(message)


@pytest.mark.parametrize(
    ("impairment", "words"),
    [
        (Impairment(delay=Duration(-1)), "delay: .* is not a delay"),
        (Impairment(delay=Duration(2**63)), "delay: .* is not a delay"),
        (Impairment(delay=Duration(MS), jitter=Duration(MS)), "jitter: normal jitter reaches 1.73"),
        (
            Impairment(delay=Duration(9 * MS), jitter=Duration(MS), delay_correlation=Ratio(1)),
            "delay_correlation: netem takes a correlation of delays and then loses it",
        ),
        (Impairment(reorder=Ratio(1)), "reorder: reordered packets skip the delay, and there is none"),
        (Impairment(corrupt=Ratio(2 * 10**9)), "corrupt: .* is no share"),
        (Impairment(loss=Ratio(-1)), "loss: .* is no share"),
        (Impairment(loss=GilbertElliott(p=Ratio(10**9 + 1), r=Ratio(0))), "loss, p: .* is no share"),
        (Impairment(reorder_gap=0), "reorder_gap: 0 is not a number of packets"),
        (Impairment(loss=Ratio(1), loss_correlation=Ratio(10**9)), "loss_correlation: at 100 %"),
        (Impairment(duplicate=Ratio(1), duplicate_correlation=Ratio(10**9)), "duplicate_correlation: at 100 %"),
        (Impairment(corrupt=Ratio(1), corrupt_correlation=Ratio(10**9)), "corrupt_correlation: at 100 %"),
        (
            Impairment(loss=GilbertElliott(p=Ratio(1), r=Ratio(1)), loss_correlation=Ratio(1)),
            "a loss model has its own correlation",
        ),
        (Impairment(loss=FourState(p13=Ratio(1), p32=Ratio(1))), "p31 \\+ p32 is .* more than 100 %"),
        (Impairment(loss=FourState(p13=Ratio(10**9), p14=Ratio(1))), "p13 \\+ p14 is .* more than 100 %"),
        (Impairment(slot=Slot(min=Duration(2), max=Duration(1))), "min is at most max"),
        (Impairment(slot=Slot(min=Duration(0), max=Duration(0))), "max more than 0"),
        (Impairment(slot=Slot(min=Duration(0), max=Duration(2**63))), "longer than netem can wait"),
        (Impairment(slot=Slot(min=Duration(0), max=Duration(1), packets=2**31)), "packets is 2147483648"),
        (Impairment(slot=Slot(min=Duration(0), max=Duration(1), bytes=Size(-1))), "bytes is -1"),
    ],
)
def test_what_netem_gets_wrong_or_ignores_is_refused_in_words(impairment: Impairment, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        encode(impairment, limit_packets=1, seed=1, what="dx, a_to_b")
    assert all(problem.where.startswith("dx, a_to_b, ") for problem in caught.value.problems)


def test_all_problems_are_told_at_once() -> None:
    wrong = Impairment(jitter=Duration(1), reorder_gap=0, slot=Slot(min=Duration(2), max=Duration(1)))
    with pytest.raises(InputError) as caught:
        encode(wrong, limit_packets=0, seed=1)
    assert len(caught.value.problems) == 4


@pytest.mark.guest
def test_a_real_kernel_holds_and_delivers_what_was_asked(run_scenario: RunScenario, tmp_path: Path) -> None:
    run_inside(run_scenario, tmp_path, "tests.net.guest_netem")
