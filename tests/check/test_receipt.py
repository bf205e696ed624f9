"""Claims about the receipt: wrong links are found, right ones are not rejected by chance, unknown stays unknown."""

from __future__ import annotations

import copy
import json
from functools import cache
from typing import Any

import numpy as np
import pytest

from testbed import Topology
from testbed.check.receipt import judge_receipt, problems
from testbed.check.statistics import LEVEL
from testbed.model import GilbertElliott, Slot
from testbed.plan.compile import compile_plan
from testbed.plan.impairments import deviations_ns, reordered_share
from testbed.plan.plan import DIRECTIONS, Plan, PlannedLink
from testbed.run.probing import Need, need
from testbed.units import Duration, Rate, Ratio

RECEIPTS = 2000
REJECTED_MAX = 9
"""Of 2,000 receipts each rejected with a probability of 0.1 %: more than 9 has one of 5e-5."""


def plan(**links: dict[str, Any]) -> Plan:
    """Two routers joined by links."""
    t = Topology("t")
    a, b = t.vpc("one", "10.0.0.0/16").router("ra", asn=64512), t.lan("two", "192.168.0.0/16").router("rb", asn=65000)
    for name, options in links.items():
        t.link(name, a, b, **options)
    t.parameters.check()
    return compile_plan(t.build(), "lab")


@cache
def needed(link: PlannedLink, direction: Any) -> Need:
    """What calibration sends."""
    return need(link, link.impairment(direction), real=False)


def way(link: PlannedLink, direction: Any, chance: np.random.Generator | None = None) -> dict[str, Any]:
    """What calibration measures of a right link: exactly the expectation, or drawn as netem would."""
    asked, wanted = link.impairment(direction), needed(link, direction)
    sent = wanted.timed + wanted.burst
    lost = twice = changed = early = 0
    samples = np.full(wanted.timed, float(asked.delay))
    if chance is not None:
        if asked.jitter:
            samples = asked.delay + chance.choice(np.array(deviations_ns(asked)), wanted.timed)
        loss = asked.loss
        if isinstance(loss, GilbertElliott):
            lost = int(gilbert(loss, sent, chance).sum())
        elif isinstance(loss, Ratio):
            lost = int(chance.binomial(sent, loss.fraction * (1 - asked.duplicate.fraction)))
        kept = (1 - loss.fraction) ** 2 if isinstance(loss, Ratio) else 1.0
        twice = int(chance.binomial(sent, asked.duplicate.fraction * kept))
        changed = int(chance.binomial(sent - lost + twice, asked.corrupt.fraction))
        early = int(chance.binomial(wanted.timed, reordered_share(asked)))
    spread = float(samples.std(ddof=1))
    return {
        "link": link.name, "direction": direction, "timed": wanted.timed, "timed_arrived": wanted.timed, "early": early,
        "delay_ns": {
            "samples": wanted.timed, "mean": round(samples.mean()), "median": round(float(np.median(samples))),
            "sd": round(spread), "min": round(samples.min()), "max": round(samples.max()),
        },
        "sent": sent, "arrived": sent - lost - changed, "twice": twice, "changed": changed, "late": 0,
        "mtu": link.mtu, "missed": 0, "rate_bit_s": link.rate and int(link.rate), "rate_frames": 500,
    }  # fmt: skip


def gilbert(loss: GilbertElliott, count: int, chance: np.random.Generator) -> Any:
    """Which packets a Gilbert model with certain loss in its bad state loses, from the good state on."""
    lengths_good = chance.geometric(loss.p.fraction, count)
    lengths_bad = chance.geometric(loss.r.fraction, count)
    states = np.repeat(np.tile([False, True], count), np.column_stack([lengths_good, lengths_bad]).ravel())
    return states[:count]


def raw(of: Plan, chance: np.random.Generator | None = None) -> dict[str, Any]:
    """What calibration measures where every link is right."""
    return {"clock": "virtual", "links": [way(link, d, chance) for link in of.links for d in DIRECTIONS]}


SHAPED = plan(dx={"delay": "5 ms", "rate": "1 Gbit/s"})


def changed(**values: Any) -> list[str]:
    """The problems of a link whose direction a_to_b delivers something else."""
    measured = raw(SHAPED)
    measured["links"][0] |= values
    return problems(judge_receipt(measured, SHAPED, "virtual"))


def test_a_right_link_has_no_problems_and_its_receipt_is_this() -> None:
    receipt = judge_receipt(raw(SHAPED), SHAPED, "virtual")
    assert problems(receipt) == []
    assert receipt["level"] == LEVEL
    assert [(link["link"], link["direction"]) for link in receipt["links"]] == [("dx", "a_to_b"), ("dx", "b_to_a")]
    checks = [
        ("delay", "ms", 5.0, 5.0, 4.99, 5.01), ("jitter", "ms", 0.0, 0.0, 0.0, 0.01), ("loss", "%", 0.0, 0.0, 0.0, 0.0),
        ("out of order", "%", 0.0, 0.0, 0.0, 0.0), ("rate", "Mbit/s", 1000.0, 1000.0, 980.0, 1020.0),
        ("mtu", "B", 1500.0, 1500.0, 1500.0, 1500.0),
    ]  # fmt: skip
    names = ("name", "unit", "asked", "delivered", "low", "high")
    assert receipt["links"][0]["checks"] == [{**dict(zip(names, c, strict=True)), "ok": True} for c in checks]
    assert json.loads(json.dumps(receipt, allow_nan=False)) == receipt


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"rate_bit_s": 970_000_000}, "rate 970 Mbit/s, asked 1000, bound 980 to 1020"),
        ({"rate_bit_s": 1_020_000_001}, "rate 1020.000001 Mbit/s, asked 1000, bound 980 to 1020"),
        ({"mtu": 1499}, "mtu 1499 B, asked 1500, bound 1500 to 1500"),
        ({"arrived": 999}, "loss 0.1 %, asked 0, bound 0 to 0"),
        ({"late": 1}, "out of order 0.1 %, asked 0, bound 0 to 0"),
        ({"twice": 1}, "duplicates 0.1 %, asked 0, bound 0 to 0"),
        ({"rate_bit_s": None}, "rate could not be measured, asked 1000 Mbit/s"),
        ({"mtu": None}, "mtu could not be measured, asked 1500 B"),
    ],
)  # fmt: skip
def test_one_wrong_number_is_one_problem_and_says_which(values: dict[str, Any], problem: str) -> None:
    assert changed(**values) == [f"link dx, a_to_b: {problem}"]


@pytest.mark.parametrize(
    ("median", "wrong"), [(5_010_000, False), (5_010_001, True), (4_990_000, False), (4_989_999, True)]
)
def test_a_delay_may_be_wrong_by_10_us_in_virtual_time(median: int, wrong: bool) -> None:
    measured = raw(SHAPED)
    measured["links"][0]["delay_ns"]["median"] = median
    assert bool(problems(judge_receipt(measured, SHAPED, "virtual"))) is wrong
    assert problems(judge_receipt(measured, SHAPED, "real")) == []


def test_what_was_not_measured_is_unknown_and_never_right() -> None:
    receipt = judge_receipt({"clock": "virtual", "links": []}, SHAPED, "virtual")
    checks = [check for link in receipt["links"] for check in link["checks"]]
    assert {check["ok"] for check in checks} == {None}
    assert {check["delivered"] for check in checks} == {None}
    assert len(problems(receipt)) == len(checks) == 12


def test_counts_of_a_receiver_that_had_no_room_count_for_nothing() -> None:
    measured = raw(SHAPED)
    measured["links"][0]["missed"] = 1
    told = problems(judge_receipt(measured, SHAPED, "virtual"))
    assert [problem.partition(": ")[2].split(" could")[0] for problem in told] == ["loss", "out of order", "rate"]


def test_a_link_that_loses_everything_as_asked_is_right_in_that_and_unknown_in_the_rest() -> None:
    of = plan(dark={"loss": "100 %"})
    measured = raw(of)
    for entry in measured["links"]:
        entry |= {"arrived": 0, "timed_arrived": 0, "delay_ns": None, "mtu": None}
    receipt = judge_receipt(measured, of, "virtual")
    loss = [check for check in receipt["links"][0]["checks"] if check["name"] == "loss"]
    assert loss[0]["ok"] is True
    assert {check["ok"] for check in receipt["links"][0]["checks"] if check["name"] != "loss"} == {None}


def test_a_loss_of_one_per_cent_is_told_from_two() -> None:
    of = plan(lossy={"loss": "1 %"})
    measured = raw(of)
    sent = measured["links"][0]["sent"]
    for share, right in ((0.01, True), (0.02, False), (0.004, False)):
        again = copy.deepcopy(measured)
        for entry in again["links"]:
            entry["arrived"] = sent - round(share * sent)
        assert (problems(judge_receipt(again, of, "virtual")) == []) is right, share


def test_jitter_is_held_to_five_per_cent_with_as_many_samples_as_are_taken() -> None:
    of = plan(jittery={"delay": "20 ms", "jitter": "2 ms"})
    measured = raw(of)
    for factor, right in ((1.0, True), (1.05, True), (0.95, True), (1.07, False), (0.93, False), (0.0, False)):
        for entry in measured["links"]:
            entry["delay_ns"]["sd"] = round(2_000_000 * factor)
        assert (problems(judge_receipt(measured, of, "virtual")) == []) is right, factor


def test_slots_may_delay_by_one_slot() -> None:
    slot = Slot(min=Duration.parse("10 ms"), max=Duration.parse("10 ms"))
    of = plan(slotted={"delay": "5 ms", "slot": slot})
    measured = raw(of)
    for median, right in ((5_000_000, True), (14_900_000, True), (15_100_000, False)):
        for entry in measured["links"]:
            entry["delay_ns"]["median"] = median
        assert (problems(judge_receipt(measured, of, "virtual")) == []) is right, median


def test_right_links_are_rejected_by_chance_no_more_often_than_the_level_says() -> None:
    of = plan(
        lossy={"loss": "0.5 %", "delay": "5 ms"}, light={"loss": "0.01 %"},
        jittery={"delay": "20 ms", "jitter": "2 ms"},
        heavy={"delay": "20 ms", "jitter": "2 ms", "distribution": "pareto"},
        bursty={"loss": GilbertElliott(p=Ratio.parse("1 %"), r=Ratio.parse("25 %"))},
        double={"duplicate": "2 %", "loss": "1 %"}, garbled={"corrupt": "1 %"},
        reordered={"delay": "5 ms", "reorder": "5 %"},
    )  # fmt: skip
    chance = np.random.default_rng(1)
    rejected = [problems(judge_receipt(raw(of, chance), of, "virtual")) for _ in range(RECEIPTS)]
    found = [some for some in rejected if some]
    assert len(found) <= REJECTED_MAX, found[:5]


def test_a_policer_behind_loss_has_wider_bounds_and_a_shaper_has_not() -> None:
    of = plan(police={"rate": "1 Gbit/s", "policed": True, "loss": "10 %"}, shape={"rate": "1 Gbit/s", "loss": "10 %"})
    receipt = judge_receipt(raw(of), of, "virtual")
    width = {
        link["link"]: check["high"] - check["low"]
        for link in receipt["links"]
        for check in link["checks"]
        if check["name"] == "rate"
    }
    assert width["shape"] == pytest.approx(2 * 0.02 * Rate.parse("1 Gbit/s") / 1e6)
    assert width["police"] > 2 * width["shape"]
