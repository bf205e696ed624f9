"""Claims about paths and what a pair should get: from the plan alone, each failure with its reason and place."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path

import pytest

from testbed.builder import Topology
from testbed.load import load
from testbed.model import Bgp
from testbed.plan.compile import compile_plan
from testbed.plan.expect import ATTEMPTS, OK, Outcome, announced, expect, segment
from testbed.plan.paths import Family, path
from testbed.plan.plan import Plan
from tests.plan.shipped import ROOT, SHIPPED, plan_of

FAMILIES: tuple[Family, Family] = (4, 6)


def filtering(name: str) -> bool:
    """Whether something in a topology lets through only what answers, or what a rule says."""
    return bool(plan_of(name).guards or plan_of(name).nats)


def nodes(plan: Plan, a: str, b: str) -> list[str]:
    return [hop.node for hop in path(plan, a, b, 4).hops]


def test_a_path_goes_the_preferred_way_and_knows_its_smallest_mtu() -> None:
    plan = plan_of("hybrid.py")
    assert nodes(plan, "aws-a", "dc-1") == ["aws-a", "vgw", "cgw"]
    assert path(plan, "aws-a", "dc-1", 6).hops[1].interface == "dx"
    assert (path(plan, "aws-a", "dc-1", 4).mtu, path(plan, "aws-a", "aws-b", 4).mtu) == (1500, 9001)
    assert nodes(plan, "dc-1", "dc-2") == ["dc-1"]


@pytest.mark.parametrize("name", [name for name in SHIPPED if not filtering(name)])
def test_in_shipped_topologies_without_guards_everything_reaches_everything(name: str) -> None:
    plan = plan_of(name)
    hosts = [host.name for host in plan.hosts]
    for a in hosts:
        for b in hosts:
            for attempt in ("icmp", "tcp", "udp") if a != b else ():
                assert expect(plan, a, b, 4, attempt, 443) == OK, (a, b, attempt)
                assert expect(plan, a, b, 6, attempt, 443) == OK, (a, b, attempt)


def test_two_sites_without_a_link_have_no_route_and_it_is_said_where() -> None:
    t = Topology("two")
    for name, cidr, asn in (("aws", "10.0.0.0/16", 64512), ("dc", "192.168.0.0/16", 65000)):
        site = t.lan(name, cidr)
        site.host(f"{name}-1")
        site.router(f"{name}-gw", asn=asn)
    plan = compile_plan(t.build(), "two")
    assert {expect(plan, "aws-1", "dc-1", 4, each, 443) for each in ATTEMPTS} == {Outcome("no route", "aws-gw")}


def test_a_group_and_an_acl_filter_and_the_rule_that_is_missing_is_named() -> None:
    plan = plan_of("guarded.py")
    db = "security group db in: no rule allows"
    assert expect(plan, "web", "db", 4, "tcp", 443) == Outcome("filtered", "db", db)
    assert expect(plan, "web", "db", 4, "tcp", 5432) == OK
    assert expect(plan, "ops", "db", 4, "tcp", 5432) == Outcome("filtered", "db", db)
    acl = "network ACL zone-b lan1 in: no rule allows"
    assert expect(plan, "ops", "batch", 6, "udp", 4789) == Outcome("filtered", "vgw", acl)


def test_answers_pass_a_stateful_guard_and_not_a_stateless_one() -> None:
    plan = plan_of("guarded.py")
    assert expect(plan, "web", "ops", 4, "udp", 4789) == OK
    acl = "network ACL zone-b lan1 in: no rule allows"
    assert expect(plan, "batch", "ops", 4, "udp", 4789) == Outcome("filtered", "vgw", acl)


def walled(*rules: str, sessions: Callable[[Topology], list[Bgp]] = lambda t: [t.bgp()]) -> Plan:
    """A VPC, and a data centre with a firewall on as many routers as there are sessions."""
    t = Topology("walled")
    a, b = t.vpc("aws", "10.0.0.0/16", mtu=9001), t.lan("dc", "192.168.0.0/16", mtu=9001)
    a.host("app")
    b.host("store")
    vgw = a.router("vgw", asn=64512)
    for number, bgp in enumerate(sessions(t), start=1):
        t.direct_connect(f"dx-{number}", vgw, b.router(f"cgw-{number}", asn=65000), mtu=1500, bgp=bgp)
    t.firewall("wall", b, rules)
    return compile_plan(t.build(), "walled")


def test_a_firewall_lets_answers_pass_and_messages_about_them() -> None:
    plan = walled("out tcp 443 to aws")
    assert expect(plan, "store", "app", 4, "tcp", 443) == OK
    assert expect(plan, "store", "app", 4, "data", 443) == OK  # whose segments the router finds too large, and says so
    filtered = Outcome("filtered", "cgw-1", "firewall wall lan0 in: no rule allows")
    assert expect(plan, "app", "store", 4, "tcp", 443) == filtered
    assert expect(plan, "app", "store", 6, "icmp", 0) == filtered


def in_by_the_second(t: Topology) -> list[Bgp]:
    """The VPC is told to come by the second; the first, which is the hosts' gateway, goes out by itself."""
    return [t.bgp(med=(None, 1)), t.bgp(med=(None, 0))]


def test_a_firewall_that_saw_no_question_lets_no_answer_pass() -> None:
    plan = walled("in tcp 443 from aws", sessions=in_by_the_second)
    assert nodes(plan, "app", "store") == ["app", "vgw", "cgw-2"]
    assert nodes(plan, "store", "app") == ["store", "cgw-1", "vgw"]
    filtered = Outcome("filtered", "cgw-1", "firewall wall lan0 out: no rule allows")
    assert expect(plan, "app", "store", 4, "tcp", 443) == filtered
    mended = walled("in tcp 443 from aws", "out tcp 1024-65535 to aws", sessions=in_by_the_second)
    assert expect(mended, "app", "store", 4, "tcp", 443) == OK


def test_what_turns_round_in_a_subnet_crosses_no_border() -> None:
    plan = walled("out tcp 443 to aws", sessions=lambda t: [t.bgp(local_pref=100), t.bgp(local_pref=200)])
    assert nodes(plan, "store", "app") == ["store", "cgw-1", "cgw-2", "vgw"]
    assert expect(plan, "store", "app", 4, "tcp", 443) == OK


def black_hole(**settings: str) -> Plan:
    given = {name.replace("_", "."): value for name, value in settings.items()}
    return load(str(Path(ROOT) / "topologies" / "black_hole.py"), given).plan


@pytest.mark.parametrize(
    ("settings", "wanted", "size"),
    [
        ({}, Outcome("black hole", "vgw", "MTU 1446"), 9001),
        ({"vpn_clamp": "yes"}, OK, 1446),
        ({"mtu": "1446"}, OK, 1446),
        ({"icmp": "passes"}, OK, 9001),
    ],
)
def test_a_black_hole_is_foretold_and_what_mends_it(settings: dict[str, str], wanted: Outcome, size: int) -> None:
    plan = black_hole(**settings)
    assert expect(plan, "app", "store", 4, "data", 443) == wanted
    assert expect(plan, "app", "store", 4, "tcp", 443) == OK
    there, back = path(plan, "app", "store", 4), path(plan, "store", "app", 4)
    assert segment(plan, there, back, 4) == size


def test_a_security_group_without_icmp_makes_a_black_hole_too() -> None:
    t = Topology("grouped")
    a = t.vpc("aws", "10.0.0.0/16", mtu=9001)
    b = t.lan("dc", "192.168.0.0/16", mtu=9001)
    a.host("app")
    b.host("store")
    t.direct_connect("dx", a.router("vgw", asn=64512), b.router("cgw", asn=65000), mtu=1500)
    assert expect(compile_plan(t.build(), "g"), "app", "store", 4, "data", 443) == OK
    t.security_group("app", ["app"], ["out any to any"])
    found = expect(compile_plan(t.build(), "g"), "app", "store", 4, "data", 443)
    assert found == Outcome("black hole", "vgw", "MTU 1500")


def test_in_the_study_of_the_black_hole_data_is_lost_where_nothing_mends_it_and_there_alone() -> None:
    study = runpy.run_path(str(ROOT / "scenarios" / "mtu_black_hole.py"))["study"]
    lost = {}
    for cell in study.cells():
        settings = {name: value for name, value in cell.settings.items() if name != "topology"}
        plan = load(str(ROOT / "topologies" / "black_hole.py"), settings).plan
        ways = [(a, b, family) for a, b in (("app", "store"), ("store", "app")) for family in FAMILIES]
        found = [expect(plan, *way, each, 443) for way in ways for each in ATTEMPTS]
        assert {each.reason for each in found if not each.ok} <= {"black hole"}
        lost[cell.at["mended by"], cell.at["tunnel"]] = sum(not each.ok for each in found)
    assert {mend: count for (mend, _), count in lost.items()} == {
        "nothing": 4, "MSS clamping": 0, "MTU 1400 at hosts": 0, "ICMP let through": 0,
    }  # fmt: skip
    assert len(lost) == 8 and sum(lost.values()) == 8


@pytest.mark.parametrize(("mtu", "clamp", "mss"), [("9001", "no", 8961), ("9001", "yes", 1406), ("1400", "yes", 1360)])
def test_a_syn_arrives_with_what_its_sender_and_the_tunnels_leave(mtu: str, clamp: str, mss: int) -> None:
    plan = black_hole(mtu=mtu, vpn_clamp=clamp)
    assert announced(plan, path(plan, "app", "store", 4), 4) == mss
    assert announced(plan, path(plan, "app", "store", 6), 6) == mss - 20
