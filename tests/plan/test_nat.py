"""Claims about NAT gateways and mapped ranges in plans: who goes where, as whom, and what cannot be."""

from __future__ import annotations

from ipaddress import IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testbed.builder import Topology
from testbed.daemons.bird_config import render
from testbed.plan.compile import compile_plan
from testbed.plan.expect import ATTEMPTS, OK, Attempt, Outcome, expect
from testbed.plan.nat import lends, moved
from testbed.plan.paths import back, path, seen
from testbed.plan.plan import Plan
from testbed.plan.schema import plan_from_json, plan_json
from testbed.plan.steps import steps
from testbed.presets import NAT_CONNECTIONS, NAT_IDLE, NAT_PORTS
from tests.plan.shipped import plan_of

GATEWAY, OFFICES = "nat_gateway.py", "overlapping.py"


@given(st.integers(0, 32), st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
def test_mapping_moves_each_address_to_its_own_and_back(length: int, real: int, other: int, host: int) -> None:
    mask = (2**32 - 1) << (32 - length) & (2**32 - 1)
    a, b = (str(IPv4Network((number & mask, length))) for number in (real, other))
    address = str(IPv4Network(a)[host & ~mask & (2**32 - 1)])
    there = moved(address, a, b)
    assert moved(there, b, a) == address
    assert int(IPv4Network(f"{there}/32").network_address) & ~mask == host & ~mask


def test_what_is_not_in_a_range_is_not_moved() -> None:
    assert moved("10.1.0.1", "10.0.0.0/16", "100.64.0.0/16") == "10.1.0.1"
    assert moved("fd00::1", "10.0.0.0/16", "100.64.0.0/16") == "fd00::1"


def routes(plan: Plan, node: str) -> list[tuple[str, str]]:
    return [(route.prefix, route.via) for route in plan.routes if route.node == node]


def test_hosts_go_elsewhere_through_the_nat_gateway_and_to_their_own_site_by_its_router() -> None:
    plan = plan_of(GATEWAY)
    assert routes(plan, "app-1") == [
        ("0.0.0.0/0", "10.0.1.2"), ("10.0.0.0/16", "10.0.1.1"), ("::/0", "fd00:0:1:1::1"),
    ]  # fmt: skip
    assert routes(plan, "nat") == [("0.0.0.0/0", "10.0.2.1"), ("::/0", "fd00:0:1:2::1")]
    assert [hop.node for hop in path(plan, "app-1", "db", 4).hops] == ["app-1", "nat", "vgw", "cgw"]
    assert [hop.node for hop in path(plan, "app-1", "db", 6).hops] == ["app-1", "vgw", "cgw"]


def test_the_far_side_sees_the_gateway_and_its_answers_find_the_host() -> None:
    plan = plan_of(GATEWAY)
    there = path(plan, "app-1", "db", 4)
    assert (there.source, there.target) == ("10.0.2.2", "192.168.1.10")
    answers = back(plan, there, 4)
    assert [hop.node for hop in answers.hops] == ["db", "cgw", "vgw", "nat"]
    assert (answers.source, answers.target, answers.stuck) == ("192.168.1.10", "10.0.1.10", "")


def test_a_gateway_has_the_published_timeout_limit_and_ports() -> None:
    (nat,) = plan_of(GATEWAY).nats
    assert (nat.idle, nat.connections, nat.ports) == (NAT_IDLE.value, NAT_CONNECTIONS.value, NAT_PORTS.value)
    assert (nat.idle.seconds, nat.connections, nat.ports[1] - nat.ports[0] + 1) == (350, 55_000, 64_512)


def test_nothing_is_translated_inside_the_site_or_by_ipv6() -> None:
    (nat,) = plan_of(GATEWAY).nats
    assert lends(nat, "10.0.1.10", "192.168.1.10")
    assert not lends(nat, "10.0.1.10", "10.0.2.1")
    assert not lends(nat, "10.0.3.10", "192.168.1.10")
    assert not lends(nat, "fd00:0:1:1::a", "fd00:0:2:1::a")


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_hosts_behind_a_gateway_begin_connections_and_nobody_begins_one_with_them(attempt: Attempt) -> None:
    plan = plan_of(GATEWAY)
    assert expect(plan, "app-1", "db", 4, attempt, 443) == OK
    assert expect(plan, "db", "app-1", 6, attempt, 443) == OK
    found = expect(plan, "db", "app-1", 4, attempt, 443)
    stray = "NAT gateway nat: no such connection: "
    if attempt == "udp":
        assert found == Outcome("timeout"), "the answer comes from the gateway's own address"
    else:
        assert found == Outcome("filtered", "nat", stray + ("dropped" if attempt == "icmp" else "reset"))


def test_only_where_it_is_asked_to_a_gateway_is_in_the_way() -> None:
    t = Topology("some")
    aws = t.vpc("aws", "10.0.0.0/16")
    private, public = aws.subnet("private"), aws.subnet("public")
    aws.host("app", subnet=private)
    vgw = aws.router("vgw", asn=64512)
    t.nat_gateway("nat", aws, subnet=public, serves=[private], to=["dc"])
    for name, cidr, asn in (("dc", "192.168.0.0/16", 65001), ("lab", "172.16.0.0/16", 65002)):
        site = t.lan(name, cidr)
        site.host(f"{name}-1")
        t.direct_connect(f"dx-{name}", vgw, site.router(f"gw-{name}", asn=asn))
    plan = compile_plan(t.build(), "lab")
    assert path(plan, "app", "dc-1", 4).source == "10.0.2.2"
    assert path(plan, "app", "lab-1", 4).source == "10.0.1.10"
    assert expect(plan, "lab-1", "app", 4, "tcp", 443) == OK


def test_offices_with_one_range_are_announced_reached_and_seen_under_another() -> None:
    plan = plan_of(OFFICES)
    assert plan.routing_of("gw-berlin").originate == ("100.64.0.0/16", "fd00:0:2::/48")
    told = render(plan.routing_of("gw-berlin"), "bird.log")
    assert "route 100.64.0.0/16 unreachable;" in told
    assert "192.168.0.0/16" not in told
    assert ("vgw", "100.65.0.0/16", ("dx-madrid",)) in [(r.node, r.prefix, r.best) for r in plan.reach]
    berlin, madrid = plan.node("berlin-1"), plan.node("madrid-1")
    assert berlin.address == madrid.address == "192.168.1.10"
    assert (seen(plan, berlin, madrid, 4), seen(plan, madrid, berlin, 4)) == ("100.65.1.10", "100.64.1.10")
    assert seen(plan, berlin, berlin, 4) == berlin.address
    there = path(plan, "berlin-1", "madrid-1", 4)
    assert [hop.node for hop in there.hops] == ["berlin-1", "gw-berlin", "vgw", "gw-madrid"]
    assert (there.source, there.target) == ("100.64.1.10", "192.168.1.10")
    answers = back(plan, there, 4)
    assert (answers.source, answers.target) == ("100.65.1.10", "192.168.1.10")
    assert path(plan, "app", "berlin-1", 4).source == "10.0.2.2"


def test_a_path_within_a_mapped_site_stays_there() -> None:
    t = Topology("two")
    for name, asn in (("left", 65001), ("right", 65002)):
        site = t.lan(name, "10.0.0.0/16", seen_as=f"100.{asn - 64937}.0.0/16")
        site.hosts(f"{name}-", 2)
        site.router(f"gw-{name}", asn=asn)
    t.link("wan", "gw-left", "gw-right", bgp=t.bgp())
    plan = compile_plan(t.build(), "lab")
    assert [hop.node for hop in path(plan, "left-1", "left-2", 4).hops] == ["left-1"]
    assert path(plan, "left-1", "right-2", 4).source == "100.64.1.10"


def test_rules_name_others_as_they_are_seen_and_their_own_as_they_are() -> None:
    t = Topology("guarded")
    for name, asn, seen_as in (("left", 65001, "100.64.0.0/16"), ("right", 65002, "100.65.0.0/16")):
        site = t.lan(name, "10.0.0.0/16", seen_as=seen_as)
        site.hosts(f"{name}-", 2)
        site.router(f"gw-{name}", asn=asn)
    t.link("wan", "gw-left", "gw-right", bgp=t.bgp())
    rules = ["in tcp 443 from right", "in tcp 80 from left", "in tcp 22 from right-1", "out any to any"]
    t.security_group("web", ["left-1"], rules)
    plan = compile_plan(t.build(), "lab")
    peers = {rule.text: rule.peers[0] for guard in plan.guards for rule in guard.rules if rule.peers}
    assert peers == {
        "in tcp 443 from right": "100.65.0.0/16", "in tcp 80 from left": "10.0.0.0/16",
        "in tcp 22 from right-1": "100.65.1.10/32",
    }  # fmt: skip
    assert expect(plan, "right-1", "left-1", 4, "tcp", 22) == OK
    assert expect(plan, "right-2", "left-1", 4, "tcp", 22).reason == "filtered"
    assert expect(plan, "left-2", "left-1", 4, "tcp", 80) == OK
    assert expect(plan, "right-1", "left-1", 4, "tcp", 80).reason == "filtered"


@pytest.mark.parametrize("name", [GATEWAY, OFFICES])
def test_a_plan_that_translates_is_read_back_as_it_was(name: str) -> None:
    assert plan_from_json(plan_json(plan_of(name))) == plan_of(name)


def test_the_steps_say_what_is_translated_where() -> None:
    told = next(step for step in steps(plan_of(OFFICES)) if step.action == "filters").what
    assert told == (
        "nat: 10.0.1.0/24 go elsewhere as 10.0.2.2; forgotten after 350 s of silence, at most 55000 to one place",
        "gw-berlin: berlin, 192.168.0.0/16, is seen as 100.64.0.0/16 by dx-berlin",
        "gw-madrid: madrid, 192.168.0.0/16, is seen as 100.65.0.0/16 by dx-madrid",
    )
