"""Claims about what charon is told, and about what is read from its log."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testbed.daemons import charon_log, strongswan
from testbed.daemons.base import StateChange
from testbed.daemons.strongswan import Strongswan, charons, rekey_margin_s, render_connections
from testbed.plan.plan import PlannedTunnel
from testbed.presets import IPSEC_SUITES
from testbed.theory.dpd import dpd_delay, retransmission
from testbed.units import Duration
from tests.daemons.sample import LOGS, check_golden, plan, seconds, tunnel

S = 10**9
TUNNELS = (tunnel(1), tunnel(2, suite="aes256-sha512", nat_traversal=True))
NAMES = frozenset({"vpn-1", "vpn-2"})


@pytest.mark.parametrize("node", ["vgw", "cgw"])
def test_the_configs_are_the_golden_ones(node: str) -> None:
    for name, text in Strongswan(node, TUNNELS).configs().items():
        check_golden(f"strongswan/{node}-{name}", text)


@given(st.integers(10, 600).map(seconds))
def test_a_peer_is_dead_the_timeout_after_a_request_that_it_did_not_answer(timeout: Duration) -> None:
    assert retransmission(timeout).gives_up_s == pytest.approx(timeout.seconds, abs=0.021)  # half a ms, times 41
    assert f"retransmit_timeout = {retransmission(timeout).timeout.seconds:g}\n" in strongswan.render_daemon(
        (tunnel(1, dpd=timeout),), "socket"
    )


@pytest.mark.parametrize("node", ["vgw", "cgw"])
def test_the_interface_of_a_tunnel_goes_down_and_up_with_ike_where_it_shall(node: str) -> None:
    asked, not_asked = (render_connections(node, (tunnel(1, follows_ike=each),)) for each in (True, False))
    assert 'updown = "ip link set dev vpn-1 ${PLUTO_VERB%%-*}"' in asked
    assert "updown" not in not_asked


def test_three_probes_fit_into_the_timeout_in_whole_seconds() -> None:
    assert dpd_delay(seconds(30)) == seconds(10)
    assert dpd_delay(seconds(31)) == seconds(11)


def test_nothing_that_breaks_repeatability_or_takes_esp_from_the_kernel_is_loaded() -> None:
    assert not {"rdrand", "kernel-libipsec"} & set(strongswan.PLUGINS)
    # The first plugin that offers an algorithm provides it.
    assert strongswan.PLUGINS.index("gmp") < strongswan.PLUGINS.index("openssl")


@given(st.integers(60, 100_000).map(seconds))
def test_rekeying_starts_before_the_end_and_not_in_the_first_half(lifetime: Duration) -> None:
    margin = rekey_margin_s(lifetime)
    assert 0 < margin <= 270
    assert lifetime.seconds - 2 * margin >= lifetime.seconds / 2


def test_aws_lifetimes_have_aws_margin() -> None:
    text = render_connections("cgw", (tunnel(1),))
    assert "rekey_time = 28530s\n    over_time = 270s\n    rand_time = 270s" in text
    assert "life_time = 3600s\n        rekey_time = 3330s\n        rand_time = 270s" in text


def test_the_customer_gateway_initiates_and_comes_back_while_the_provider_only_answers() -> None:
    customer, provider = (render_connections(node, (tunnel(1),)) for node in ("cgw", "vgw"))
    for line in ("start_action = start", "close_action = start", "dpd_action = restart", "keyingtries = 0"):
        assert line in customer
    for line in ("start_action = none", "close_action = none", "dpd_action = clear", "keyingtries = 1"):
        assert line in provider


def test_the_two_ends_mirror_each_other() -> None:
    customer, provider = (render_connections(node, TUNNELS) for node in ("cgw", "vgw"))
    for made in TUNNELS:
        for text, here, there in ((provider, made.outer_a, made.outer_b), (customer, made.outer_b, made.outer_a)):
            assert f"local_addrs = {here}\n    remote_addrs = {there}" in text
            assert f"if_id_in = {made.number}\n        if_id_out = {made.number}" in text


@pytest.mark.parametrize("suite", IPSEC_SUITES)
def test_each_suite_brings_its_proposals(suite: str) -> None:
    text = render_connections("cgw", (tunnel(1, suite=suite),))
    assert f"proposals = {IPSEC_SUITES[suite].ike}\n" in text
    assert f"esp_proposals = {IPSEC_SUITES[suite].esp}\n" in text


def test_encapsulation_is_forced_only_where_nat_traversal_is_asked() -> None:
    assert "encap = no" in render_connections("cgw", (tunnel(1),))
    assert "encap = yes" in render_connections("cgw", (tunnel(1, nat_traversal=True),))


def test_each_router_that_ends_ipsec_has_one_charon_and_those_that_only_answer_come_first() -> None:
    wireguard: PlannedTunnel = tunnel(3, kind="wireguard")
    other = replace(tunnel(4), b=replace(tunnel(4).b, node="branch"))
    made = charons(plan(*TUNNELS, wireguard, other))
    assert [(charon.node, [t.name for t in charon.tunnels]) for charon in made] == [
        ("vgw", ["vpn-1", "vpn-2", "vpn-4"]),
        ("branch", ["vpn-4"]),
        ("cgw", ["vpn-1", "vpn-2"]),
    ]


def read(name: str) -> list[StateChange]:
    return charon_log.parse("cgw", (LOGS / name).read_text(encoding="utf-8"), NAMES)


def test_a_real_log_tells_up_rekeys_death_of_the_peer_and_its_return() -> None:
    changes = read("charon-cgw.log")
    dead = "peer is dead: no answer to 5 retransmissions"
    assert [(c.t_ns // 10**6 - 10**12, c.session, c.state, c.detail) for c in changes if "rekeyed" not in c.detail] == [
        (172, "vpn-1", "up", "CHILD_SA established"),
        (173, "vpn-2", "up", "CHILD_SA established"),
        (540_173, "vpn-2", "down", dead),
        (542_231, "vpn-1", "down", dead),
        (602_298, "vpn-2", "up", "CHILD_SA established"),
        (602_298, "vpn-1", "up", "CHILD_SA established"),
        (688_295, "vpn-2", "down", dead),
        (688_295, "vpn-1", "down", dead),
        (688_356, "vpn-2", "up", "CHILD_SA established"),
        (688_356, "vpn-1", "up", "CHILD_SA established"),
        (729_602, "vpn-1", "down", "deleted by the peer"),
        (729_602, "vpn-2", "down", "deleted by the peer"),
    ]
    rekeys = [(c.session, c.state, c.detail) for c in changes if "rekeyed" in c.detail]
    assert rekeys.count(("vpn-1", "up", "CHILD_SA rekeyed")) == 7
    assert rekeys.count(("vpn-1", "up", "IKE_SA rekeyed")) == 2
    assert len(rekeys) == 9


def test_a_charon_that_was_killed_is_told_as_down_when_the_next_one_starts() -> None:
    told = [(c.session, c.state, c.detail) for c in read("charon-vgw.log")]
    first = told.index(("vpn-1", "down", "charon started anew"))
    assert told[first + 1 :] == [
        ("vpn-2", "down", "charon started anew"),
        ("vpn-2", "up", "CHILD_SA established"),
        ("vpn-1", "up", "CHILD_SA established"),
        ("vpn-1", "down", "charon was stopped"),
        ("vpn-2", "down", "charon was stopped"),
    ]


def test_microseconds_of_newer_releases_are_read_too() -> None:
    line = "2026-11-22T10:00:00.123456 05[CHD] <vpn-1|1> CHILD_SA vpn-1{1} state change: INSTALLING => INSTALLED"
    (change,) = charon_log.parse("cgw", line, NAMES)
    assert change.t_ns % S == 123_456_000


STATES = ("CREATED", "INSTALLING", "INSTALLED", "REKEYING", "REKEYED", "DELETING", "DELETED", "DESTROYING")


@given(st.lists(st.tuples(st.sampled_from(STATES), st.integers(1, 3)) | st.text(max_size=20), max_size=40))
def test_a_tunnel_never_goes_down_twice_whatever_the_log_says(events: list[tuple[str, int] | str]) -> None:
    lines = [
        f"CHILD_SA vpn-1{{{event[1]}}} state change: CREATED => {event[0]}" if isinstance(event, tuple) else event
        for event in events
    ]
    text = "\n".join(f"2001-09-09T01:46:{i:02}.000 05[CHD] <vpn-1|1> {line}" for i, line in enumerate(lines))
    states = [c.state for c in charon_log.parse("cgw", text, NAMES)]
    assert states[:1] in ([], ["up"])
    assert not any(a == b == "down" for a, b in pairwise(states))
