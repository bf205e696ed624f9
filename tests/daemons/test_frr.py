"""Claims about what FRR is told, and about what is read from its logs."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testbed.daemons import frr_config
from testbed.daemons.frr import Frr
from testbed.daemons.frr_log import parse
from testbed.plan.sessions import Routing
from tests.daemons.sample import CLUSTERED, DX, DX_6, GATEWAY, LOGS, SITE, check_golden, program

S = 10**9
REFUSED = "on config line"
"""What FRR says of a line that it cannot use. Its exit status is 0 all the same."""
PEERS = (replace(DX, peer="169.254.0.6"), replace(DX_6, peer="fd00:ffff::12"))


def accepted(daemon: str, text: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """What a daemon's own parser says, in a network namespace of its own."""
    path = folder / f"{daemon}.conf"
    path.write_text(text, encoding="utf-8")
    binary = program(daemon)
    if os.geteuid() != 0:
        pytest.skip("FRR's daemons start as root only")
    argv = [
        program("unshare"), "--net", binary, "-C", "-f", str(path), "-u", "root", "-g", "frrvty",
        "-i", str(folder / "pid"), "--vty_socket", str(folder),
    ]  # fmt: skip
    return subprocess.run(argv, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(("name", "routing"), [("gateway", GATEWAY), ("site", SITE), ("clustered", CLUSTERED)])
def test_the_configs_are_the_golden_ones(name: str, routing: Routing) -> None:
    check_golden(f"frr/{name}.conf", "\n".join(f"# {file}\n{text}" for file, text in Frr(routing).configs().items()))


@pytest.mark.parametrize("daemon", ["zebra", "bfdd", "staticd", "ospfd", "ospf6d", "bgpd"])
def test_each_daemon_accepts_its_config(daemon: str, tmp_path: Path) -> None:
    done = accepted(daemon, frr_config.render(SITE, f"{tmp_path}/")[f"{daemon}.conf"], tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert REFUSED not in done.stdout + done.stderr


def test_bgpd_accepts_sessions_with_nodes_of_clusters(tmp_path: Path) -> None:
    done = accepted("bgpd", frr_config.render(CLUSTERED, f"{tmp_path}/")["bgpd.conf"], tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert REFUSED not in done.stdout + done.stderr


def test_bgpd_refuses_what_is_wrong(tmp_path: Path) -> None:
    done = accepted("bgpd", "router bgp 1\n neighbor nobody remote-as 2\n", tmp_path)
    assert REFUSED in done.stdout + done.stderr


def test_only_the_daemons_that_are_needed_run_and_zebra_comes_first() -> None:
    assert list(Frr(replace(GATEWAY, sessions=())).configs()) == ["zebra.conf"]
    assert list(Frr(GATEWAY).configs()) == ["zebra.conf", "bfdd.conf", "bgpd.conf"]
    assert next(iter(Frr(SITE).configs())) == "zebra.conf"


def test_policies_stand_before_the_sessions_that_name_them() -> None:
    text = Frr(SITE).configs()["bgpd.conf"]
    assert text.index("route-map dx-in permit") < text.index("router bgp")


def test_distances_keep_the_order_of_the_preferences_across_protocols() -> None:
    distance = frr_config.distances(SITE)
    preferences = sorted(distance, reverse=True)
    assert [distance[p] for p in preferences] == sorted(distance.values())
    assert distance[300] < distance[200] < distance[199] < distance[100] < frr_config.IBGP_DISTANCE


def test_a_routers_own_route_comes_before_a_siblings_of_the_same_preference() -> None:
    values = frr_config.distances(SITE).values()
    assert not {value + 1 for value in values} & set(values)


@given(st.lists(st.integers(1, 65_535), min_size=1, max_size=40, unique=True))
def test_distances_fit_below_those_of_unknown_routes(preferences: list[int]) -> None:
    sessions = tuple(replace(DX, name=f"s{p}", local_pref=p) for p in preferences)
    distance = frr_config.distances(replace(GATEWAY, sessions=sessions))
    assert set(preferences) <= set(distance)
    assert max(distance.values()) + 1 < frr_config.IBGP_DISTANCE


def logs(name: str) -> dict[str, str]:
    return {daemon: (LOGS / f"{name}-{daemon}.log").read_text(encoding="utf-8") for daemon in ("bgpd", "bfdd")}


def test_real_logs_tell_when_bfd_took_bgp_down_and_when_both_came_back() -> None:
    told = [(c.protocol, c.session, c.state, c.detail) for c in parse("vgw", logs("frr"), PEERS)]
    assert told == [
        ("bgp", "dx", "up", "Established"),
        ("bgp", "dx_6", "up", "Established"),
        ("bfd", "dx_6", "up", "up"),
        ("bfd", "dx", "up", "up"),
        ("bfd", "dx", "down", "down control-expired"),
        ("bgp", "dx", "down", "sent Cease/BFD Down"),
        ("bfd", "dx_6", "down", "down control-expired"),
        ("bgp", "dx_6", "down", "sent Cease/BFD Down"),
        ("bfd", "dx_6", "up", "up"),
        ("bfd", "dx", "up", "up"),
        ("bgp", "dx_6", "up", "Established"),
        ("bgp", "dx", "up", "Established"),
    ]


def test_instants_are_exact_to_the_microsecond() -> None:
    down = next(c for c in parse("vgw", logs("frr"), PEERS) if c.protocol == "bgp" and c.state == "down")
    line = next(line for line in logs("frr")["bgpd"].splitlines() if "Down BGP Notification" in line)
    assert down.t_ns % S == int(line.partition(".")[2][:6]) * 1000


def test_what_was_up_when_a_daemon_starts_anew_is_told_as_down() -> None:
    start = 1_000_000_010 * S
    changes = parse("vgw", logs("frr"), PEERS, starts=[(1_000_000_000 * S, "bgpd"), (start, "bgpd")])
    anew = [c for c in changes if c.detail == "bgpd started anew"]
    assert [(c.t_ns, c.session, c.state) for c in anew] == [(start, "dx", "down"), (start, "dx_6", "down")]


def test_ospf_neighbours_of_both_families_are_up_when_full() -> None:
    text = {daemon: (LOGS / f"frr-{daemon}.log").read_text(encoding="utf-8") for daemon in ("ospfd", "ospf6d")}
    assert {(c.session, c.state) for c in parse("cgw1", text, ())} == {
        ("lan0 203.0.113.3", "up"),
        ("lan0 203.0.113.3_6", "up"),
    }


LINES = st.sampled_from(
    [
        "%ADJCHANGE: neighbor 169.254.0.6(cgw) in vrf default Up",
        "%ADJCHANGE: neighbor 169.254.0.6(cgw) in vrf default Down Peer closed the session",
        "%NOTIFICATION: sent to neighbor 169.254.0.6 4/0 (Hold Timer Expired) 0 bytes",
        "nonsense",
    ]
)


@given(st.lists(LINES | st.text(max_size=20), max_size=30))
def test_every_session_goes_up_and_down_in_turn_whatever_the_log_says(lines: list[str]) -> None:
    text = "\n".join(f"2001/09/09 01:46:{i:02}.000000 BGP: [N9HHH-F8H1M] {line}" for i, line in enumerate(lines))
    states = [c.state for c in parse("vgw", {"bgpd": text}, PEERS)]
    assert states[:1] in ([], ["up"])
    assert all(a != b for a, b in pairwise(states))
