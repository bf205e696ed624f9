"""Claims about a check: virtual time is exact and told as events, real time is statistics, stale is never a failure."""

from __future__ import annotations

from dataclasses import replace

import pytest

from testbed.baseline.check import check
from testbed.baseline.keep import accept, keep, only, single
from testbed.baseline.model import Made, Recorded, Trace
from testbed.errors import InputError, RunError
from testbed.history import Event
from testbed.verdict import Verdict
from tests.baseline.sample import EVENTS, MADE, SECOND, by_seed, real, recorded, trace

GAPS = by_seed(0.866, 0.71)
LATER = (*EVENTS[:2], Event(EVENTS[2].t_ns + SECOND, "bfd", EVENTS[2].fields), *EVENTS[3:])


def test_the_same_bytes_pass() -> None:
    found = check(keep(recorded({"gap": GAPS}), {}), recorded({"gap": GAPS}))
    assert (found.verdict, found.different, found.stale) == (Verdict.PASS, {}, ())


def test_in_virtual_time_any_difference_of_events_fails_though_every_measurement_is_the_same() -> None:
    now = recorded({"gap": GAPS}, runs={1: trace(), 2: trace(LATER)})
    found = check(keep(recorded({"gap": GAPS}), {}), now)
    assert found.verdict is Verdict.FAIL
    assert [*found.different] == [2]
    told = [*found.different[2].events.lines()]
    assert "1 later" in told[0] and "4 events the same" in told[0]
    assert any("bfd" in line and "1.00 s later" in line for line in told)


def test_a_difference_is_told_as_an_event_and_not_as_a_percentage() -> None:
    now = recorded({"gap": GAPS}, runs={1: trace(), 2: trace(LATER)})
    found = check(keep(recorded({"gap": GAPS}), {}), now)
    assert "%" not in " ".join([*found.different[2].events.lines()])


def test_a_value_that_moved_by_more_than_is_allowed_fails_and_says_which_way() -> None:
    baseline = keep(recorded({"gap": GAPS}), {"gap": "50 ms"})
    worse = check(baseline, recorded({"gap": by_seed(0.866, 0.77)}))
    within = check(baseline, recorded({"gap": by_seed(0.866, 0.75)}))
    assert (worse.verdict, within.verdict) == (Verdict.FAIL, Verdict.PASS)
    assert "for the worse" in worse.findings[0].why and "1 of 2 seeds" in worse.findings[0].why


def test_where_a_change_is_allowed_measurements_decide_and_events_are_told() -> None:
    baseline = keep(recorded({"gap": GAPS}), {"gap": "50 ms"})
    now = recorded({"gap": by_seed(0.866, 0.72)}, runs={1: trace(), 2: trace(LATER)})
    found = check(baseline, now)
    assert (found.verdict, [*found.different]) == (Verdict.PASS, [2])


def test_a_fixed_percentage_says_that_it_is_one() -> None:
    baseline = keep(recorded({"gap": by_seed(1, 1, 1)}, real()), {"gap": "fixed 10%"})
    near = check(baseline, recorded({"gap": by_seed(1.09, 1.08, 1.1)}, real()))
    far = check(baseline, recorded({"gap": by_seed(1.2, 1.08, 1.3)}, real()))
    assert (near.verdict, far.verdict) == (Verdict.PASS, Verdict.FAIL)
    for each in (near, far):
        assert "how often it is wrong is not known" in each.findings[0].why


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (replace(MADE, structure=("node a: kind=host",)), "gone: link dx"),
        (replace(MADE, structure=(*MADE.structure, "node c: kind=host")), "new: node c"),
        (replace(MADE, content="beef"), "is not what it was"),
        (replace(MADE, asked={"fault": "carrier"}), "fault was silent, and is carrier"),
        (replace(MADE, tools={**MADE.tools, "bird": "2.14"}), "another version of bird: bird2 2.0.12-7 then, 2.14 now"),
        (replace(MADE, tools={**MADE.tools, "testbed": "0.2.0"}), "another version of the testbed"),
        (replace(MADE, kernel="host"), "recorded with the guest kernel"),
        (replace(MADE, clock="real"), "recorded with the virtual clock"),
    ],
)
def test_what_makes_a_baseline_stale_is_said_and_is_no_failure_of_the_network(other: Made, said: str) -> None:
    now = recorded({"gap": by_seed(40.0, 40.0)}, other, runs={1: trace(LATER), 2: trace(LATER)})
    found = check(keep(recorded({"gap": GAPS}), {}), now)
    assert found.verdict is Verdict.UNKNOWN
    assert any(said in line for line in found.stale), found.stale


def test_what_is_stale_may_be_judged_all_the_same() -> None:
    baseline = keep(recorded({"gap": GAPS}), {"gap": "100 ms"})
    other = replace(MADE, tools={**MADE.tools, "bird": "bird2 2.14"})
    runs = {1: trace(LATER), 2: trace(LATER)}
    worse = check(baseline, recorded({"gap": by_seed(40.0, 41.0)}, other, runs=runs), judge_stale=True)
    fine = check(baseline, recorded({"gap": by_seed(0.8, 0.85)}, other, runs=runs), judge_stale=True)
    assert worse.stale and fine.stale
    assert (worse.verdict, fine.verdict) == (Verdict.FAIL, Verdict.PASS)


def test_other_tools_that_leave_the_same_bytes_make_nothing_stale() -> None:
    other = replace(MADE, tools={**MADE.tools, "packages": "f00d"})
    found = check(keep(recorded({"gap": GAPS}), {}), recorded({"gap": GAPS}, other))
    assert (found.verdict, found.stale) == (Verdict.PASS, ())


def test_other_seeds_are_stale_in_virtual_time_and_repeats_in_real_time() -> None:
    assert check(keep(recorded({"gap": GAPS}), {}), recorded({"gap": {3: 0.8}})).stale
    baseline = keep(recorded({"gap": by_seed(*[1.0] * 10)}, real()), {"gap": "100 ms"})
    assert not check(baseline, recorded({"gap": {20 + seed: 1.0 for seed in range(10)}}, real())).stale


def test_what_the_network_is_set_to_makes_nothing_stale_and_is_named_where_it_drifted() -> None:
    drifted = replace(MADE, numbers={"link dx": "rate=1 Gbit/s, a_to_b.delay=20 ms"})
    found = check(keep(recorded({"gap": GAPS}), {}), recorded({"gap": by_seed(1.0, 1.0)}, drifted))
    assert (found.verdict, found.stale) == (Verdict.FAIL, ())
    assert found.drifted == ("link dx: a_to_b.delay 5 ms -> 20 ms",)


def test_a_run_that_is_missing_or_unknown_is_unknown_and_never_a_pass() -> None:
    baseline = keep(recorded({"gap": GAPS}), {})
    missing = check(baseline, recorded({"gap": {1: 0.866}}))
    lost = check(baseline, replace(recorded({"gap": {1: 0.866}}), unknown={2: "the guest ended"}))
    assert (missing.verdict, lost.verdict) == (Verdict.UNKNOWN, Verdict.UNKNOWN)
    assert "seed 2" in missing.unknown[0] and "the guest ended" in lost.unknown[0]
    assert check(baseline, recorded({"gap": {1: 0.866}}), some=True).verdict is Verdict.PASS


def test_no_run_at_all_is_unknown() -> None:
    nothing = Recorded(made=MADE, series={}, runs={})
    assert check(keep(recorded({"gap": GAPS}), {}), nothing).verdict is not Verdict.PASS


def test_a_measurement_that_is_there_no_longer_fails_in_virtual_time_and_is_unknown_in_real_time() -> None:
    virtual = check(keep(recorded({"gap": GAPS, "stall": GAPS}), {}), recorded({"gap": GAPS}))
    assert virtual.verdict is Verdict.FAIL
    before, now = recorded({"gap": GAPS, "stall": GAPS}, real()), recorded({"gap": GAPS}, real())
    lost = next(each for each in check(keep(before, {}), now).findings if each.name == "stall")
    assert (lost.verdict, lost.why) == (Verdict.UNKNOWN, "not measured now")


def test_a_run_that_theory_no_longer_allows_fails() -> None:
    baseline = keep(recorded({"gap": GAPS}, real()), {"gap": "anything"})
    now = recorded({"gap": GAPS}, real(), runs={1: Trace("PASS"), 2: Trace("FAIL")})
    assert check(baseline, now).verdict is Verdict.FAIL


def test_in_real_time_few_runs_are_unknown_with_the_number_that_it_takes() -> None:
    known = by_seed(1.0, 1.1, 1.2, 1.05, 1.15, 0.95, 1.01, 1.12, 1.18, 1.07)
    baseline = keep(recorded({"gap": known}, real()), {"gap": "300 ms"})
    found = check(baseline, recorded({"gap": by_seed(1.0)}, real()))
    assert found.verdict is Verdict.UNKNOWN
    assert "with 1 run this cannot be said: it takes" in found.findings[0].why


def test_a_run_that_is_unknown_is_not_kept() -> None:
    with pytest.raises(RunError, match="seed 2: is UNKNOWN: the guest ended"):
        keep(replace(recorded({"gap": {1: 0.866}}), unknown={2: "the guest ended"}), {})


def test_zero_runs_and_zero_measurements_are_refused() -> None:
    with pytest.raises(InputError, match="there is none"):
        keep(Recorded(made=MADE, series={}, runs={}), {})
    with pytest.raises(InputError, match="measure nothing"):
        keep(Recorded(made=MADE, series={}, runs={1: trace()}), {})


def test_everything_wrong_with_what_is_allowed_is_told_at_once() -> None:
    with pytest.raises(InputError) as told:
        keep(recorded({"gap": GAPS}), {"gap": "10%", "gapp": "1 s"})
    assert "fixed 10%" in str(told.value) and "did you mean 'gap'" in str(told.value)


def test_accepting_says_what_changed_and_why_and_keeps_what_is_allowed() -> None:
    baseline = keep(recorded({"gap": GAPS}), {"gap": "50 ms"})
    now = recorded({"gap": by_seed(1.5, 1.6)}, replace(MADE, numbers={"link dx": "rate=1 Gbit/s, a_to_b.delay=20 ms"}))
    accepted = accept(baseline, now, "the carrier moved the link", {})
    assert check(accepted, now).verdict is Verdict.PASS
    assert accepted.allowed == baseline.allowed
    (reason,) = accepted.accepted
    assert reason.because == "the carrier moved the link"
    assert "link dx: a_to_b.delay 5 ms -> 20 ms" in reason.changed
    assert "gap: 0.788 s -> 1.55 s" in reason.changed


def test_accepting_needs_a_reason() -> None:
    with pytest.raises(InputError, match="say why"):
        accept(keep(recorded({"gap": GAPS}), {}), recorded({"gap": GAPS}), " ", {})


def test_a_single_value_of_a_test_is_held_against_that_of_its_seed() -> None:
    baseline = keep(single(MADE, "gap", "s", GAPS), {"gap": "10 ms"})
    one = check(only(baseline, "gap"), single(MADE, "gap", "s", {2: 0.711}), some=True)
    other = check(only(baseline, "gap"), single(MADE, "gap", "s", {2: 0.866}), some=True)
    assert (one.verdict, other.verdict) == (Verdict.PASS, Verdict.FAIL)
    with pytest.raises(InputError, match="did you mean 'gap'"):
        only(baseline, "gaps")
