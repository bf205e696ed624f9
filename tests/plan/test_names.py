"""Claims about names of a plan: who has one, who answers for it, and who should learn it."""

from __future__ import annotations

import pytest

from testbed.builder import Topology
from testbed.load import load
from testbed.plan.compile import compile_plan
from testbed.plan.expect import OK, Outcome
from testbed.plan.expect_names import expect_name
from testbed.plan.names import full_name, hosts_file, records, resolv_conf, resolver_of, resolver_on
from testbed.plan.paths import Family
from testbed.plan.plan import Plan
from tests.plan.shipped import ROOT, plan_of


def with_mistake(mistake: str) -> Plan:
    return load(str(ROOT / "topologies" / "names.py"), {"dns.mistake": mistake}, "golden").plan


def three() -> Plan:
    """Two sites with resolvers, one without, and a transit gateway between them."""
    t = Topology("three")
    hub = t.transit_gateway("tgw", asn=64000)
    for number, name in enumerate(("one", "two", "none"), start=1):
        site = t.lan(name, f"10.{number}.0.0/16")
        host = site.host(f"{name}-1")
        t.link(f"link-{number}", hub, site.router(f"gw-{number}", asn=65000 + number), bgp=t.bgp())
        if name != "none":
            site.resolver(host)
    return compile_plan(t.build(), "lab")


def test_hosts_and_routers_of_a_site_with_a_resolver_have_names_and_nobody_else() -> None:
    plan = three()
    names = {node.name: full_name(plan, node.name) for node in plan.nodes}
    assert {node for node, name in names.items() if name} == {"one-1", "gw-1", "two-1", "gw-2"}
    assert names["gw-2"] == "gw-2.two.internal"
    mine = resolver_of(plan, "gw-1")
    assert mine is not None and mine.node == "one-1" and mine.forwards_to == ("two-1",)
    assert [name for name, _ in records(plan, mine)] == ["gw-1.one.internal", "one-1.one.internal"]


def test_a_node_looks_for_names_in_its_own_domain_first() -> None:
    plan = three()
    text = resolv_conf(plan, "gw-1")
    here = plan.node("one-1")
    assert text == f"nameserver {here.address}\nnameserver {here.address6}\nsearch one.internal two.internal\n"
    assert resolv_conf(plan, "none-1") == ""


def test_what_dns_does_not_know_is_in_the_hosts_file() -> None:
    plan = three()
    told = {line.split()[1] for line in hosts_file(plan, "one-1").splitlines()}
    assert told == {"localhost", "one-1", "none-1", "gw-3", "tgw"}
    everybody = {node.name for node in plan.nodes}
    for node in ("none-1", ""):
        assert {line.split()[1] for line in hosts_file(plan, node).splitlines()} == everybody | {"localhost"}


@pytest.mark.parametrize("family", [4, 6])
def test_names_are_expected_unless_a_rule_or_a_group_is_in_the_way(family: Family) -> None:
    right, group, rule = (with_mistake(mistake) for mistake in ("none", "group", "rule"))
    pairs = [("aws-a", "dc-1"), ("dc-1", "aws-a"), ("dc-dns", "dc-1"), ("aws-dns", "aws-dns")]
    assert [expect_name(right, a, b, family) for a, b in pairs] == [OK] * 4
    said = "security group inbound in: no rule allows"
    assert [expect_name(group, a, b, family) for a, b in pairs[:2]] == [OK, Outcome("filtered", "aws-dns", said)]
    assert [expect_name(rule, a, b, family) for a, b in pairs[:2]] == [OK, Outcome("no record", "dc-dns", "refused")]


def test_without_a_resolver_at_either_end_nothing_is_expected() -> None:
    plan = three()
    assert expect_name(plan, "none-1", "one-1", 4) is None
    assert expect_name(plan, "one-1", "none-1", 4) is None
    assert expect_name(plan_of("hybrid.py"), "aws-a", "dc-1", 4) is None
    with pytest.raises(KeyError):
        resolver_on(plan, "gw-1")
