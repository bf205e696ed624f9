"""Claims about what BIRD is told, and about what is read from its log."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from testbed.daemons import bird_config
from testbed.daemons.base import StateChange
from testbed.daemons.bird import Bird, parse_log
from testbed.daemons.bird_config import render
from testbed.model import Bfd
from testbed.plan.sessions import Routing, Session, StaticVpnRoute
from testbed.units import Duration
from tests.conftest import RunScenario, measured
from tests.daemons.sample import CLUSTERED, DX, DX_6, GATEWAY, LOGS, SITE, check_golden, program, seconds, session

S = 10**9


def accepted(routing: Routing, folder: Path) -> subprocess.CompletedProcess[str]:
    """What BIRD's own parser says."""
    path = folder / "bird.conf"
    path.write_text(render(routing, str(folder / "bird.log")), encoding="utf-8")
    return subprocess.run([program("bird"), "-p", "-c", str(path)], capture_output=True, text=True, check=False)


@pytest.mark.parametrize(("name", "routing"), [("gateway", GATEWAY), ("site", SITE), ("clustered", CLUSTERED)])
def test_the_config_is_the_golden_one_and_bird_accepts_it(name: str, routing: Routing, tmp_path: Path) -> None:
    check_golden(f"bird/{name}.conf", Bird(routing).configs()["bird.conf"])
    done = accepted(routing, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


def test_bird_refuses_what_is_wrong(tmp_path: Path) -> None:
    wrong = replace(GATEWAY, sessions=(replace(DX, local_pref=-1),))
    assert accepted(wrong, tmp_path).returncode != 0


SHORTS = st.integers(0, 65_535)
BFDS = st.builds(
    Bfd, interval=st.integers(10, 60_000).map(lambda ms: Duration(ms * 10**6)), multiplier=st.integers(2, 255)
)


@st.composite
def routings(draw: st.DrawFn) -> Routing:
    """Any routing that a plan may hold."""
    sessions: list[Session] = []
    for number in range(draw(st.integers(0, 3))):
        keepalive = draw(st.integers(1, 1_000))  # BIRD wants the hold time to be twice that
        made = session(
            f"s{number}", f"if{number}", f"169.254.{number}.2", f"169.254.{number}.1",
            peer_as=draw(st.sampled_from((65000, 64512, 4_200_000_000))),
            hold=seconds(draw(st.integers(max(3, 2 * keepalive), 65_535))), keepalive=seconds(keepalive),
            local_pref=draw(st.integers(50, 65_535)), med=draw(st.none() | st.integers(0, 2**32 - 1)),
            prepend=draw(st.integers(0, 5)), prefix_limit=draw(st.none() | st.integers(1, 1_000)),
            communities=draw(st.lists(st.tuples(SHORTS, SHORTS), max_size=3).map(tuple)), bfd=draw(st.none() | BFDS),
        )  # fmt: skip
        sessions += [made, replace(made, name=f"s{number}_6", local=f"fd00::{number}:2", peer=f"fd00::{number}:1")]
    statics = tuple(
        StaticVpnRoute(prefix=prefix, interface=f"vpn-{number}", local_pref=draw(st.integers(50, 65_535)))
        for number in range(draw(st.integers(0, 2)))
        for prefix in ("10.0.0.0/8", "fd00:1::/48")
    )
    return replace(
        GATEWAY, sessions=tuple(sessions), statics=statics, ecmp=draw(st.integers(1, 16)),
        ospf=draw(st.sampled_from(((), ("lan0",), ("lan0", "lan1")))),
    )  # fmt: skip


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(routing=routings())
def test_bird_accepts_whatever_a_plan_may_hold(routing: Routing, tmp_path: Path) -> None:
    assert accepted(routing, tmp_path).stderr == ""


def test_two_static_routes_to_one_network_are_in_two_protocols_so_that_both_count() -> None:
    text = render(SITE, "bird.log")
    for block in re.findall(r"protocol static .*?\n}", text, re.DOTALL):
        networks = re.findall(r"route (\S+)", block)
        assert len(networks) == len(set(networks))
    assert text.count("route 10.0.0.0/16 via") == 2


def test_preference_compares_bgp_siblings_and_static_routes_alike() -> None:
    text = render(SITE, "bird.log")
    assert "bgp_local_pref = 300; preference = 300;" in text
    assert "import filter { preference = bgp_local_pref; accept; };" in text
    assert 'via "vpn-1" { preference = 200; };' in text


def test_internal_sessions_are_direct_since_the_table_has_no_connected_networks() -> None:
    internal = render(SITE, "bird.log").partition("protocol bgp 'bgp-ibgp_cgw2' {")[2].partition("\n}\n")[0]
    external = render(SITE, "bird.log").partition("protocol bgp 'bgp-dx' {")[2].partition("\n}\n")[0]
    assert "  direct;" in internal
    assert "  direct;" not in external


@pytest.mark.guest
def test_a_router_tells_its_site_by_ospf_of_what_it_has_from_outside_itself_alone(run_scenario: RunScenario) -> None:
    """What it has by iBGP the sibling tells: in OSPF it would lead back to the sibling once that has lost it."""
    found = {name: each["value"] for name, each in measured(run_scenario("tests/daemons/ospf_scenario.py")).items()}
    assert found == {"told_near_ipv4": 1, "told_near_ipv6": 1, "told_far_ipv4": 0, "told_far_ipv6": 0}


def test_pods_go_to_neighbours_from_the_sites_own_nodes_alone() -> None:
    """What was learned of other sites' pods is in another path, and a site passes nothing on."""
    text = render(CLUSTERED, "bird.log")
    told = text.partition("protocol bgp 'bgp-dx' {")[2].partition("\n}\n")[0]
    own = "!(source = RTS_BGP && net ~ [ 10.244.0.0/16+ ] && bgp_path ~ [= 64513 =])"
    assert f'export filter {{ if proto != "own4" && {own} then reject; accept; }};' in told
    told6 = text.partition("protocol bgp 'bgp-dx_6' {")[2].partition("\n}\n")[0]
    assert 'export filter { if proto != "own6" then reject; accept; };' in told6


def test_a_node_is_waited_for_and_told_of_pods_alone() -> None:
    node = render(CLUSTERED, "bird.log").partition("protocol bgp 'bgp-node_onprem-1' {")[2].partition("\n}\n")[0]
    assert "passive yes;" in node
    assert "export filter { if !(net ~ [ 10.244.0.0/16+ ]) then reject; accept; };" in node
    assert "bgp_local_pref = 400;" in node


def read(name: str) -> list[StateChange]:
    text = (LOGS / name).read_text(encoding="utf-8")
    return parse_log("vgw", text, (replace(DX, peer="169.254.0.6"), replace(DX_6, peer="fd00:ffff::12")))


def test_a_real_log_tells_when_bfd_took_bgp_down_and_when_both_came_back() -> None:
    told = [(c.protocol, c.session, c.state, c.detail) for c in read("bird-silent.log")]
    assert told == [
        ("bfd", "dx", "up", "Up"),
        ("bfd", "dx_6", "up", "Up"),
        ("bgp", "dx_6", "up", "Established"),
        ("bgp", "dx", "up", "Established"),
        ("bfd", "dx_6", "down", "expired"),
        ("bgp", "dx_6", "down", "BFD session down"),
        ("bfd", "dx", "down", "expired"),
        ("bgp", "dx", "down", "BFD session down"),
        ("bfd", "dx", "up", "Up"),
        ("bfd", "dx_6", "up", "Up"),
        ("bgp", "dx_6", "up", "Established"),
        ("bgp", "dx", "up", "Established"),
    ]


def test_a_session_may_be_named_by_a_word_of_birds_own_language() -> None:
    named = replace(SITE, sessions=tuple(replace(session, name="path") for session in SITE.sessions))
    assert "protocol bgp 'path'" not in render(named, "bird.log")


def test_instants_are_exact_to_the_microsecond() -> None:
    down = next(c for c in read("bird-silent.log") if c.protocol == "bgp" and c.state == "down")
    assert down.t_ns == 1_000_000_013 * S + 772_526_000


def test_a_peer_that_was_killed_and_one_that_started_anew_are_told() -> None:
    killed = [(c.protocol, c.session, c.state, c.detail) for c in read("bird-peer-killed.log")]
    assert ("bgp", "dx", "down", "Connection closed") in killed
    assert ("bfd", "dx", "down", "removed") in killed
    first = (LOGS / "bird-silent.log").read_text(encoding="utf-8").partition("bgp-dx_6: BFD session down")[0]
    restarted = first.rpartition("\n")[0] + "\n2001-09-09T01:47:40.000000 <TRACE> device1: Initializing\n"
    changes = parse_log("vgw", restarted, (replace(DX, peer="169.254.0.6"), replace(DX_6, peer="fd00:ffff::12")))
    anew = {(c.protocol, c.session) for c in changes if c.detail == "BIRD started anew"}
    assert ("bgp", "dx") in anew and ("bfd", "dx") in anew


def test_ospf_neighbours_are_up_when_full() -> None:
    changes = parse_log("cgw1", (LOGS / "bird-ospf.log").read_text(encoding="utf-8"), ())
    assert {(c.session, c.state) for c in changes} == {
        ("lan0 203.0.113.3", "up"),
        ("lan0 203.0.113.3_6", "up"),
    }


LINES = st.sampled_from(
    [
        "bgp-dx: State changed to up", "bgp-dx: State changed to down", "bgp-dx: State changed to start",
        "bgp-dx: Error: Hold timer expired",
        "bfd1: Session to 169.254.0.5 changed state from Init to Up", "bfd1: Session to 169.254.0.5 removed",
        "bfd1: Session to 169.254.0.5 changed state from Up to Down", "device1: Initializing", "nonsense", "",
    ]
)  # fmt: skip


@given(st.lists(LINES | st.text(max_size=20), max_size=30))
def test_every_session_goes_up_and_down_in_turn_whatever_the_log_says(lines: list[str]) -> None:
    text = "\n".join(f"2001-09-09T01:46:{i:02}.000000 <TRACE> {line}" for i, line in enumerate(lines))
    changes = parse_log("cgw", text, (DX,))
    for protocol in ("bgp", "bfd"):
        states = [c.state for c in changes if c.protocol == protocol]
        assert states[:1] in ([], ["up"])
        assert all(a != b for a, b in pairwise(states))
    assert [c.t_ns for c in changes] == sorted(c.t_ns for c in changes)


def test_timers_finer_than_a_millisecond_are_told_in_microseconds() -> None:
    fine = replace(GATEWAY, sessions=(replace(DX, bfd=Bfd(interval=Duration(1_500_000))),))
    assert "interval 1500 us;" in render(fine, "bird.log")
    assert bird_config.OSPF_PREFERENCE < 50
