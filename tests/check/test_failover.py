"""Claims about what a fail-over was like: from hand-made records, and what theory says of each failure of a design."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from testbed.check import failover, failures, flows, paths
from testbed.check.cases import Case, case
from testbed.check.failures import FAILURES
from testbed.check.forecasts import Forecast
from testbed.history import History, Recorder
from testbed.load import load
from testbed.plan.plan import Plan
from testbed.units import Duration

Happened = tuple[int, str, dict[str, object]]
S, MS = 10**9, 10**6
HYBRID = load("topologies/hybrid.py", {}).plan
SLOW = load("topologies/hybrid.py", {"dx.bfd": "off", "dx.hold": "30 s"}).plan
TWO = load("topologies/two_connections.py", {}).plan
EQUAL = load("topologies/two_vpns.py", {}).plan
STATIC = load("topologies/static_vpn.py", {}).plan
ALONE = load("topologies/static_vpn.py", {"vpn.follows_ike": "no"}).plan
WAY = paths.flow(HYBRID, "aws-a", "dc-1")


def history(folder: Path, *events: Happened) -> History:
    recorder = Recorder(folder)
    lines = [json.dumps({"t_ns": t, "kind": kind, **fields}) for t, kind, fields in events]
    (recorder.record / "events.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return History(recorder.record)


def route(t_ns: int, node: str, prefix: str, *via: str) -> Happened:
    return t_ns, "route", {"node": node, "prefix": prefix, "via": list(via)}


BROKE: Happened = (10 * S, "fault.start", {"number": 1})
HEALED: Happened = (50 * S, "fault.heal", {"number": 1})
BEFORE = route(1, "vgw", WAY.there, "dx"), route(2, "cgw", WAY.back, "dx")


def test_the_way_of_traffic_and_what_carries_it_follow_from_the_plan() -> None:
    assert (WAY.near, WAY.far, WAY.there, WAY.back) == ("vgw", "cgw", "192.168.0.0/16", "10.0.0.0/16")
    assert used(HYBRID) == ("dx", ("vpn-1",), ())
    assert used(TWO) == ("dx-near", ("dx-far",), ("dx-far",))
    assert used(TWO, "dc-1", "aws-a") == ("dx-near", ("dx-far",), ())  # over the other router of the site
    assert used(EQUAL) == ("vpn-a-1", ("vpn-a-2",), ("vpn-b-1",))
    assert used(STATIC) == ("vpn-1", ("vpn-2",), ("vpn-1",))


def used(plan: Plan, source: str = "aws-a", target: str = "dc-1") -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    found = case(plan, source, target, Duration(0))
    return found.link, found.detour, found.around


def test_routing_is_asymmetric_while_the_two_ways_differ(tmp_path: Path) -> None:
    found = history(
        tmp_path, *BEFORE, BROKE, route(11 * S, "vgw", WAY.there, "vpn-1"), route(14 * S, "cgw", WAY.back, "vpn-1"),
        HEALED, route(51 * S, "cgw", WAY.back, "dx"), route(51 * S + 500 * MS, "vgw", WAY.there, "dx"),
    )  # fmt: skip
    assert paths.asymmetric_s(found, HYBRID, WAY, 10 * S, 60 * S) == 3.5
    assert failover.moments(found, WAY).return_s == 1.5


def test_a_path_through_another_router_of_the_site_is_followed(tmp_path: Path) -> None:
    way = paths.flow(TWO, "aws-a", "dc-1")
    found = history(
        tmp_path, route(1, "vgw", way.there, "dx-far"), route(2, "cgw-1", way.back, "lan0"),
        route(3, "cgw-2", way.back, "dx-far"),
    )  # fmt: skip
    assert list(paths.changes(found, TWO, way))[-1][1:] == (("dx-far",), ("dx-far",))


def test_nothing_that_failed_over_has_no_time_to_return(tmp_path: Path) -> None:
    when = failover.moments(history(tmp_path, *BEFORE, BROKE, HEALED), WAY)
    assert when.back_ns is None and when.return_s is None


def test_the_later_end_is_the_one_that_counts(tmp_path: Path) -> None:
    def down(t_ns: int, node: str, session: str = "dx") -> Happened:
        return t_ns, "bfd", {"node": node, "session": session, "state": "down"}

    healing = down(50 * S - MS // 2, "cgw", "vpn-2")  # what healing does, rounded down to the log's millisecond
    found = history(
        tmp_path, BROKE, down(11 * S, "vgw"), down(12 * S, "cgw"), down(13 * S, "cgw", "vpn-1"), healing, HEALED
    )
    assert failover.noticed_s(found, HYBRID, "dx", failover.moments(found, WAY)) == 2
    assert failover.noticed_s(found, HYBRID, "vpn-2", failover.moments(found, WAY)) is None


def test_a_gap_belongs_to_the_fault_or_to_the_return() -> None:
    lost = [*range(12, 20), *range(51, 54)]
    stream = [flows.Packet(n * S, None if n in lost else n * S, None if n in lost else n * S) for n in range(60)]
    seen = failover.seen(stream, failover.Moments(10 * S, 50 * S, 56 * S))
    assert seen.gap and seen.gap.length_s == 8
    assert seen.returning and seen.returning.length_s == 3
    assert seen.lost == 11


@pytest.mark.parametrize(
    ("acked", "ended", "stall", "goes_on"),
    [
        ([1, 2, 2, 2, 5, 6], None, 3, True), ([1, 2, 2, 2, 2, 2], "ECONNRESET", 4, False),
        ([1, 2, 3, 4, 5, 6], None, 1, True),
    ],
)  # fmt: skip
def test_a_connection_stalls_lives_or_is_reset(
    tmp_path: Path, acked: list[int], ended: str | None, stall: float, goes_on: bool
) -> None:
    found = history(tmp_path, (9, "probe.stop", {"probe": "c", "ended": ended}))
    recorder = Recorder(tmp_path)
    rows = [(n * S, 2 * n + 2, value) for n, value in enumerate(acked)]
    recorder.samples("c", ("t_ns", "written", "acked"), rows)
    became = failover.connection(found, "c", failover.Moments(1 * S, 2 * S, None))
    assert (became.stall_s, became.goes_on, became.ended) == (stall, goes_on, ended or "")


def breaks(plan: Plan = HYBRID, outage: str = "45 s") -> Case:
    return case(plan, "aws-a", "dc-1", Duration.parse(outage), Duration.parse("10 ms"))


def forecast(name: str, plan: Plan = HYBRID, outage: str = "45 s") -> Forecast:
    return FAILURES[name].forecast(breaks(plan, outage))


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("silent", 0.64, 0.93), ("one-way", 0.64, 0.93), ("carrier", 0, 0.02), ("flap", 0, 0.02), ("slow", 0, 0),
        ("tunnel", 0, 0), ("ike-gone", 0, 0), ("site-off", 45, None), ("frozen", 14.975, None),
    ],
)  # fmt: skip
def test_theory_of_each_failure_of_the_hybrid_design(name: str, low: float, high: float | None) -> None:
    gap = forecast(name).gap
    assert gap is not None
    assert gap.low == pytest.approx(low, abs=0.006)
    assert gap.high == (None if high is None else pytest.approx(high, abs=0.006))


def test_hold_timers_take_the_place_of_bfd() -> None:
    gap = forecast("silent", SLOW).gap
    assert gap is not None and gap.low is not None and gap.low > 12 and gap.expected is not None


@pytest.mark.parametrize("plan", [HYBRID, STATIC], ids=["hybrid", "static_vpn"])
def test_a_brown_out_takes_a_run_of_packets_and_moves_nothing(plan: Plan) -> None:
    # 36 % of questions or answers are lost, and 4500 are sent.
    gap = forecast("brownout-20", plan).gap
    assert (
        gap is not None
        and gap.low == 0
        and gap.high == pytest.approx(0.21)
        and gap.expected == pytest.approx(0.078, abs=1e-4)
    )


def test_a_loss_with_a_memory_has_no_theory() -> None:
    bursts = load("topologies/hybrid.py", {"dx.loss": "1 %"}).plan
    assert forecast("brownout-5", bursts).gap is not None
    assert FAILURES["brownout-5"].forecast(case(HYBRID, "aws-a", "dc-1", Duration.parse("45 s"))).gap is None


def test_flows_over_another_of_several_equal_ways_are_spared() -> None:
    # One of four tunnels there, one of two back.
    found = forecast("silent", EQUAL)
    assert found.spared == pytest.approx(3 / 4 * 1 / 2)
    assert forecast("one-way", EQUAL).spared == pytest.approx(3 / 4)
    spared, hit = found.gap_of(lost=False), found.gap_of(lost=True)
    assert spared is not None and spared.high == 0 and "equal ways" in spared.source
    assert hit is found.gap and hit is not None and hit.low is not None and hit.low > 12


def test_without_equal_ways_no_flow_is_spared() -> None:
    found = forecast("silent")
    assert found.spared == 0 and found.gap_of(lost=False) is found.gap


def test_ike_moves_static_routes_where_the_tunnel_follows_it_and_nothing_does_elsewhere() -> None:
    follows, stays = forecast("silent", STATIC, "80 s"), forecast("silent", ALONE, "80 s")
    assert follows.gap is not None and follows.gap.expected == pytest.approx(40, abs=0.01)
    assert follows.path == ("vpn-2",) and follows.returns is not None
    assert stays.gap is not None and stays.gap.expected == pytest.approx(80.015) and stays.path == ()
    assert stays.noticed is not None and stays.noticed.high is not None and stays.noticed.high < 80


@pytest.mark.parametrize("name", ["frozen", "ike-gone", "slow"])
def test_what_the_kernel_does_alone_is_not_felt_on_a_static_tunnel(name: str) -> None:
    gap = forecast(name, STATIC).gap
    assert gap is not None and gap.high == 0


def test_bird_naps_after_a_hold_timer_no_longer_than_to_its_next_keepalive() -> None:
    quick = load("topologies/hybrid.py", {"dx.bfd": "off", "dx.hold": "3 s"}).plan
    gap, noticed = forecast("silent", quick).gap, forecast("silent", quick).noticed
    assert gap is not None and noticed is not None and gap.high is not None and noticed.high is not None
    # The VPN's keepalives are 10 s apart, so poll's 3 s count.
    assert gap.high - noticed.high == pytest.approx(3, abs=0.02)


def test_a_fault_that_ends_before_it_can_be_noticed_moves_nothing() -> None:
    found = forecast("silent", outage="100 ms")
    assert found.gap is not None and found.gap.expected == pytest.approx(0.105)
    assert found.noticed is None and found.path == ("dx",)


def test_a_second_router_of_the_site_takes_over_when_the_first_loses_its_daemon() -> None:
    gap, alone = forecast("bgp-killed", TWO).gap, forecast("bgp-killed").gap
    assert gap is not None and gap.high is not None and gap.high < 0.03
    assert alone is not None and alone.low is not None and alone.low > 44


def test_what_a_design_cannot_suffer_is_refused_all_at_once() -> None:
    said = [str(each) for each in failures.problems(TWO, "aws-a", "dc-1", "tunnel")]
    assert len(said) == 1 and "no tunnel" in said[0]
    assert [p.what for p in failures.problems(HYBRID, "nosuch", "other", "silent")] == ["no such host", "no such host"]
    assert "one site" in str(next(failures.problems(HYBRID, "aws-a", "aws-b", "silent")))


DESIGNS = {
    "hub_and_spoke.py": ("h1-1", "h2-1"), "three_sites.py": ("member-1", "member-2"),
    "one_path.py": None, "twenty_lines.py": ("worker-1", "server"), "vpn_only.py": ("aws-1", "dc-1"),
    "two_vpns.py": ("aws-a", "dc-1"), "two_connections.py": ("dc-1", "aws-b"), "static_vpn.py": ("dc-1", "aws-a"),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(DESIGNS))
def test_every_failure_of_every_design_has_a_forecast_or_is_refused(name: str) -> None:
    plan = load(f"topologies/{name}", {}).plan
    hosts = DESIGNS[name] or (plan.hosts[0].name, plan.hosts[-1].name)
    for failure in FAILURES:
        if [*failures.problems(plan, *hosts, failure)]:
            continue
        found = case(plan, *hosts, Duration.parse("2000 s"), Duration.parse("10 ms"))
        forecast = FAILURES[failure].forecast(found)
        assert FAILURES[failure].target(found)
        assert forecast.gap is None or forecast.gap.unit == "s"
        if not found.detour and failure in ("silent", "carrier", "tunnel"):
            assert forecast.gap is not None and forecast.gap.high is None, "nothing takes over"


def test_traffic_over_a_hub_crosses_two_links() -> None:
    hub = load("topologies/hub_and_spoke.py", {}).plan
    found = case(hub, "h1-1", "h2-1", Duration.parse("45 s"))
    assert (found.usual, found.detour, found.beyond) == (("dx-1", "dx-2"), (), Duration.parse("10 ms"))
