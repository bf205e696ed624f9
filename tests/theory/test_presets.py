"""Presets: each has a source, and they agree with each other."""

from __future__ import annotations

import ipaddress

import pytest

from testbed import presets
from testbed.theory.failover import bgp_hold
from testbed.theory.timers import BIRD, FRR
from testbed.units import Duration


@pytest.mark.parametrize("name", presets.listed())
def test_a_preset_has_a_source_and_a_text(name: str) -> None:
    preset = presets.listed()[name]
    assert preset.source and preset.text


@pytest.mark.parametrize("name", [name for name in presets.listed() if name.endswith("MTU")])
def test_an_mtu_names_bytes(name: str) -> None:
    assert presets.listed()[name].unit == "B"


@pytest.mark.parametrize("name", presets.IPSEC_SUITES)
def test_a_suite_is_written_as_strongswan_reads_it(name: str) -> None:
    suite = presets.IPSEC_SUITES[name]
    assert suite.esp == f"{name}-modp2048"
    assert suite.ike.split("-")[0] == suite.esp.split("-")[0].replace("gcm16", "")
    assert (suite.mode == "gcm") == (suite.hash == "")


def test_the_virtual_private_gateway_prefers_direct_connect_then_static_then_bgp_vpn() -> None:
    assert presets.LOCAL_PREF_DX.value > presets.LOCAL_PREF_VPN_STATIC.value > presets.LOCAL_PREF_VPN_BGP.value


def test_the_inside_range_has_room_for_many_tunnels() -> None:
    inside = ipaddress.ip_network(presets.VPN_INSIDE_CIDR.value)
    assert 2 ** (presets.VPN_INSIDE_PREFIX.value - inside.prefixlen) >= 2**14
    assert inside.is_link_local


@pytest.mark.parametrize(
    ("hold", "keepalive"),
    [
        (presets.DX_BGP_HOLD, presets.DX_BGP_KEEPALIVE),
        (presets.DX_BGP_HOLD_MIN, presets.DX_BGP_KEEPALIVE_MIN),
        (presets.VPN_BGP_HOLD, presets.VPN_BGP_KEEPALIVE),
    ],
)
def test_three_keepalives_fit_a_hold_time_and_neither_daemon_flaps(
    hold: presets.Preset[Duration], keepalive: presets.Preset[Duration]
) -> None:
    assert hold.value == 3 * keepalive.value
    for timers in (BIRD, FRR):
        bgp_hold(hold.value, keepalive.value, a=timers, b=timers)
