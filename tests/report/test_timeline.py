"""Lanes: who was in which state from when to when, and nothing of what came after the scenario."""

from __future__ import annotations

import json
from pathlib import Path

from testbed.report.lane import LOST, SOME, Lane, Span, coarse
from testbed.report.lanes import fault_bands, lanes
from testbed.report.rundir import Run, read_run
from testbed.report.sites import broken_by
from testbed.report.timeline import close_ups
from tests.report.test_page import add_event, keep_events


def lane(run: Run, group: str, label: str) -> Lane:
    return next(lane for lane in lanes(run) if (lane.group, lane.label) == (group, label))


def states(lane: Lane, row: int = 0) -> list[tuple[float, str]]:
    return [(round(span.start_s, 1), span.state) for span in lane.rows[row]]


def test_sessions_paths_and_traffic_tell_the_story_of_a_fail_over(run_dir: Path) -> None:
    run = read_run(run_dir)
    assert states(lane(run, "vgw", "path to dc")) == [(0.0, "dx"), (16.0, "vpn-1"), (61.0, "dx")]
    assert states(lane(run, "cgw", "BFD dx")) == [(0.0, "up"), (15.9, "down"), (61.2, "up")]
    assert states(lane(run, "Traffic", "aws-a → dc-1")) == [(0.0, "arrives"), (15.2, "lost"), (16.1, "arrives")]


def test_ipv4_and_ipv6_are_two_rows_of_one_lane(run_dir: Path) -> None:
    both = lane(read_run(run_dir), "vgw", "BGP dx")
    assert [row[1].state for row in both.rows] == ["down", "down"]
    assert both.rows[0][1].start_s != both.rows[1][1].start_s


def test_sessions_that_never_change_share_a_lane(run_dir: Path) -> None:
    run = read_run(run_dir)
    assert not lane(run, "vgw", "BGP vpn-1, vpn-2").changes
    assert not lane(run, "vgw", "IKE vpn-1, vpn-2").changes


def test_daemons_that_are_stopped_after_the_scenario_are_not_down_in_it(run_dir: Path) -> None:
    run = read_run(run_dir)
    assert any(event.fields.get("detail") == "Shutting down" for event in run.events)
    ends = [lane.rows[0][-1] for lane in lanes(run) if lane.kind == "session"]
    assert all(span.state == "up" for span in ends)
    assert all(span.end_s <= run.since_start(run.stop_ns) for span in ends)


def test_a_session_that_never_came_up_is_down_throughout(run_dir: Path) -> None:
    keep_events(run_dir, "scenario.start", "scenario.stop", "route")
    assert [span.state for span in lane(read_run(run_dir), "cgw", "BGP vpn-1").rows[0]] == ["down"]


def test_the_close_up_shows_breaking_and_healing(run_dir: Path) -> None:
    run = read_run(run_dir)
    windows = close_ups(run, lanes(run), fault_bands(run))
    assert [window.title for window in windows] == ["silent loss on dx begins", "silent loss on dx is healed"]
    assert all(window.length_s < 3 for window in windows)


def test_a_fault_of_one_direction_says_which(run_dir: Path) -> None:
    add_event(run_dir, 80.0, "fault.start", number=2, fault="impaired", target="dx", directions=["b_to_a"])
    band = fault_bands(read_run(run_dir))[1]
    assert band.words == "brown-out on dx, cgw → vgw only"
    assert not band.healed


def test_a_flapping_fault_is_on_only_in_its_phases(run_dir: Path) -> None:
    add_event(run_dir, 70.0, "fault.start", number=2, fault="flap", target="dx", directions=["a_to_b", "b_to_a"])
    for instant, on in ((71.0, False), (72.0, True), (73.0, False)):
        add_event(run_dir, instant, "fault.flap", number=2, target="dx", on=on)
    add_event(run_dir, 75.0, "fault.heal", number=2, fault="flap", target="dx")
    run = read_run(run_dir)
    band = fault_bands(run)[1]
    offset = run.start_ns / 1e9
    assert [(round(since + offset), round(until + offset)) for since, until in band.phases] == [(70, 71), (72, 73)]
    assert band.words == "flapping of dx"
    assert band.healed


def test_what_a_fault_breaks_is_marked_whatever_it_is_aimed_at(run_dir: Path) -> None:
    links = ["dx", "inet-cgw"]
    add_event(run_dir, 80.0, "fault.start", number=2, fault="partition", target="dc", directions=[], links=links)
    add_event(run_dir, 81.0, "fault.start", number=3, fault="kill", target="cgw/bird", directions=[], links=[])
    run = read_run(run_dir)
    _, partition, kill = fault_bands(run)
    assert partition.broke == tuple(links)
    assert [name for target in kill.broke for name in broken_by(run.plan, target)] == ["cgw"]


def test_very_many_spans_become_columns_in_which_what_is_bad_stays_visible() -> None:
    row = tuple(
        Span(i / 1000, (i + 1) / 1000, LOST if i % 10 == 0 or 4000 <= i < 5000 else "arrives") for i in range(10_000)
    )
    found = coarse(row, 0.0, 10.0)
    assert len(found) < 1500
    assert found[0].start_s == 0.0
    assert abs(found[-1].end_s - 10.0) < 1e-9
    assert {span.state for span in found} <= {SOME, LOST}
    (gap,) = [span for span in found if span.state == LOST]
    assert abs(gap.start_s - 4.0) < 0.02
    assert abs(gap.end_s - 5.0) < 0.02


def test_a_record_of_bring_up_alone_has_an_axis_of_its_own(run_dir: Path) -> None:
    keep_events(run_dir, "lab.applied", "bgp", "run.failed")
    run = read_run(run_dir)
    assert run.axis == "seconds since the lab was built"
    first = json.loads((run_dir / "record" / "events.jsonl").read_text().splitlines()[0])
    assert run.start_ns == first["t_ns"]


def test_a_node_that_is_lost_and_a_service_that_loses_endpoints_have_lanes(run_dir: Path) -> None:
    start = read_run(run_dir).start_ns / 1e9
    taint = "node.kubernetes.io/unreachable:NoExecute"
    for instant, ready, taints in ((0.1, True, []), (start + 9, False, []), (start + 14, False, [taint])):
        add_event(run_dir, instant, "kubernetes.node", name="dc-1", ready=ready, condition="", taints=taints)
    add_event(run_dir, 0.1, "kubernetes.node", name="calm", ready=True, condition="True", taints=[])
    for instant, some in ((0.2, ["10.0.0.1", "10.0.0.2"]), (start + 10, ["10.0.0.2"]), (start + 20, [])):
        add_event(run_dir, instant, "kubernetes.endpoints", name="web-x7k2p", namespace="default", ready=some)
    run = read_run(run_dir)
    assert states(lane(run, "Cluster", "node dc-1")) == [
        (0.0, "ready"),
        (9.0, "not ready"),
        (14.0, "not ready, NoExecute"),
    ]
    assert states(lane(run, "Cluster", "endpoints of web")) == [(0.0, "2"), (10.0, "1"), (20.0, "none")]
    assert "node calm" not in [lane.label for lane in lanes(run)]


def test_things_of_one_name_in_two_clusters_have_a_lane_each(run_dir: Path) -> None:
    start = read_run(run_dir).start_ns / 1e9
    for cluster, later in (("cloud", ["10.0.0.1"]), ("premises", [])):
        for instant, some in ((0.1, ["10.0.0.1", "10.0.0.2"]), (start + 9, later)):
            add_event(
                run_dir, instant, "kubernetes.endpoints", cluster=cluster, name="web-x7k2p", namespace="default",
                ready=some,
            )  # fmt: skip
    run = read_run(run_dir)
    assert states(lane(run, "Cluster", "endpoints of web, cloud")) == [(0.0, "2"), (9.0, "1")]
    assert states(lane(run, "Cluster", "endpoints of web, premises")) == [(0.0, "2"), (9.0, "none")]


def test_connections_that_fail_now_and_then_are_seen(run_dir: Path) -> None:
    run = read_run(run_dir)
    start = run.start_ns
    add_event(run_dir, start / 1e9, "probe.start", probe="opened", source="a", target="b", sort="tcp")
    rows = [f"{i},{start + i * 10**9},{start + i * 10**9 + 5},{2 if i in (3, 4, 7) else 0}" for i in range(10)]
    text = "\n".join(["seq,sent_ns,done_ns,result", *rows])
    (run_dir / "record" / "samples" / "opened.csv").write_text(text + "\n", encoding="ascii")
    found = [span for _, span in states(lane(read_run(run_dir), "Traffic", "a → b"))]
    assert found == ["arrives", "lost", "arrives", "lost", "arrives"]
