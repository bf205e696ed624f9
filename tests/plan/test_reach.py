"""Claims about which way routers go, judged by hand; the guest tests see real daemons agree."""

from __future__ import annotations

from dataclasses import replace

import pytest

from testbed.builder import Topology
from testbed.errors import InputError
from testbed.plan.compile import compile_plan
from testbed.plan.plan import Plan
from testbed.plan.reach import reach
from testbed.plan.sessions import Reach, Routing, Session
from testbed.units import Duration
from tests.plan.shipped import plan_of

AWS, DC = "10.0.0.0/16", "192.168.0.0/16"


def ways(plan: Plan) -> dict[tuple[str, str], Reach]:
    """What each router must know, IPv4 only."""
    return {(found.node, found.prefix): found for found in plan.reach if ":" not in found.prefix}


def test_direct_connect_is_best_and_the_vpn_known() -> None:
    found = ways(plan_of("hybrid.py"))
    assert set(found) == {("vgw", DC), ("cgw", AWS)}
    for way in found.values():
        assert (way.best, way.paths) == (("dx",), 1)
        assert set(way.via) == {"dx", "vpn-1", "vpn-2"}


def test_without_ecmp_the_first_tunnel_is_best_and_with_it_all() -> None:
    t = Topology("vpn")
    vgw = t.vpc("aws", AWS).router("vgw", asn=64512)
    cgw = t.lan("dc", DC).router("cgw", asn=65000)
    for gateway in (vgw, cgw):
        t.attach(gateway)
    t.internet()
    t.vpn("vpn", vgw, cgw)
    model = t.build()
    for way in ways(compile_plan(model, "lab")).values():
        assert (way.best, way.paths) == (("vpn-1",), 1)
    wide = replace(model, routers=tuple(replace(router, ecmp=2) for router in model.routers))
    for way in ways(compile_plan(wide, "lab")).values():
        assert (way.best, way.paths) == (("vpn-1", "vpn-2"), 2)


def test_a_med_that_was_given_is_kept() -> None:
    t = Topology("vpn")
    vgw = t.vpc("aws", AWS).router("vgw", asn=64512)
    cgw = t.lan("dc", DC).router("cgw", asn=65000)
    t.vpn("vpn", vgw, cgw, bgp=t.bgp(hold="30 s", med=(7, 8)))
    t.attach(vgw)
    t.attach(cgw)
    t.internet()
    plan = compile_plan(t.build(), "lab")
    assert {session.med for session in plan.routing_of("vgw").sessions} == {7}
    assert {session.med for session in plan.routing_of("cgw").sessions} == {8}


def test_a_router_beside_the_preferred_one_goes_through_it() -> None:
    found = ways(plan_of("two_connections.py"))
    assert found["vgw", DC].best == ("dx-near",)
    assert found["cgw-1", AWS].best == ("dx-near",)
    assert found["cgw-2", AWS].best == ("lan0",)
    assert set(found["cgw-2", AWS].via) == {"lan0", "dx-far"}


def test_spokes_reach_each_other_through_a_transit_and_not_otherwise() -> None:
    def spokes(*, transits: bool) -> dict[tuple[str, str], Reach]:
        t = Topology("hub")
        hub = t.vpc("hub", AWS).router("tgw", asn=64512, transits=transits)
        for number in (1, 2):
            gateway = t.lan(f"s{number}", f"172.16.{number}.0/24").router(f"gw-{number}", asn=65000 + number)
            t.direct_connect(f"dx-{number}", hub, gateway)
        return ways(compile_plan(t.build(), "lab"))

    assert spokes(transits=True)["gw-1", "172.16.2.0/24"].best == ("dx-1",)
    assert ("gw-1", "172.16.2.0/24") not in spokes(transits=False)


def test_a_static_vpn_is_preferred_to_one_with_bgp_and_less_than_direct_connect() -> None:
    t = Topology("all")
    vgw = t.vpc("aws", AWS).router("vgw", asn=64512)
    cgw = t.lan("dc", DC).router("cgw", asn=65000)
    t.attach(vgw)
    t.attach(cgw)
    t.internet()
    t.vpn("bgp", vgw, cgw)
    t.vpn("static", vgw, cgw, routing="static")
    assert ways(compile_plan(t.build(), "lab"))["vgw", DC].best == ("static-1",)
    t.direct_connect("dx", vgw, cgw)
    assert ways(compile_plan(t.build(), "lab"))["vgw", DC].best == ("dx",)


def test_a_longer_path_loses_and_a_prepended_one_too() -> None:
    t = Topology("ring")
    gateways = [
        t.lan(f"s{number}", f"10.{number}.0.0/16").router(f"gw-{number}", asn=65000 + number, transits=True)
        for number in range(3)
    ]
    t.link("l01", gateways[0], gateways[1], bgp=t.bgp())
    t.link("l12", gateways[1], gateways[2], bgp=t.bgp())
    t.link("l02", gateways[0], gateways[2], bgp=t.bgp(prepend=(0, 3)))
    found = ways(compile_plan(t.build(), "lab"))
    assert found["gw-2", "10.0.0.0/16"].best == ("l02",)
    assert found["gw-0", "10.2.0.0/16"].best == ("l01",)


def test_preferences_that_contradict_each_other_are_refused() -> None:
    """The bad gadget of Griffin, Shepherd and Wilfong (2002): each prefers the next one's way to its own."""

    def session(here: int, there: int, preference: int) -> Session:
        return Session(
            name=f"s{here}-{there}", interface=f"to-{there}", local=f"10.{here}.{there}.1", peer=f"10.{there}.{here}.1",
            local_as=here + 1, peer_as=there + 1, hold=Duration(3 * 10**9), keepalive=Duration(10**9),
            local_pref=preference,
        )  # fmt: skip

    def router(number: int, sessions: tuple[Session, ...], originate: tuple[str, ...] = ()) -> Routing:
        return Routing(
            node=f"r{number}", daemon="bird", router_id="203.0.113.1", asn=number + 1, originate=originate,
            sessions=sessions, transits=True,
        )  # fmt: skip

    ring = {1: 2, 2: 3, 3: 1}
    before = {after: number for number, after in ring.items()}
    routers = [router(0, tuple(session(0, n, 100) for n in ring), ("10.9.0.0/16",))]
    # The way of the next one is better than the direct one, and that of the one before is worse.
    routers += [router(n, (session(n, 0, 100), session(n, ring[n], 200), session(n, before[n], 50))) for n in ring]
    with pytest.raises(InputError, match="never settle"):
        reach(routers)
