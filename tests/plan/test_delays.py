"""Claims about how long a path is: the delays of all that a packet passes."""

from __future__ import annotations

import pytest

from testbed.builder import Topology
from testbed.plan.compile import compile_plan
from testbed.plan.paths import delays
from tests.plan.shipped import plan_of

MS = 10**6


def test_a_path_is_as_long_as_its_links_and_the_hosts_own() -> None:
    plan = plan_of("names.py")
    own = (MS // 4, MS // 4, 0)
    assert sorted(delays(plan, "aws-dns", "dc-dns", 4)) == [own, own, (5 * MS, 5 * MS, 0)]
    assert delays(plan, "aws-a", "aws-dns", 6) == ((MS // 4, MS // 4, 0),)
    assert delays(plan, "aws-a", "aws-a", 4) == ()


def test_there_and_back_are_told_from_where_one_stands() -> None:
    t = Topology("uneven")
    for number, name in enumerate(("one", "two"), start=1):
        site = t.lan(name, f"10.{number}.0.0/16")
        site.host(f"{name}-1")
        site.router(f"gw-{number}", asn=65000 + number)
    t.link("wan", "gw-1", "gw-2", bgp=t.bgp(), a_to_b=t.impairment(delay="1 ms"), b_to_a=t.impairment(delay="2 ms"))
    plan = compile_plan(t.build(), "lab")
    assert delays(plan, "one-1", "two-1", 4) == ((MS, 2 * MS, 0),)
    assert delays(plan, "two-1", "one-1", 4) == ((2 * MS, MS, 0),)


def test_a_tunnel_is_as_long_as_both_ways_to_the_internet() -> None:
    plan = plan_of("vpn_only.py")
    both = delays(plan, plan.hosts[0].name, plan.hosts[-1].name, 4)
    ways = [link for link in plan.links if link.kind == "internet"]
    assert sum(there for there, _, _ in both) == sum(link.a_to_b.delay for link in ways) > 0


def test_where_there_is_no_way_there_is_no_length() -> None:
    t = Topology("apart")
    for number in (1, 2):
        t.lan(f"site-{number}", f"10.{number}.0.0/16").host(f"h-{number}")
    with pytest.raises(ValueError, match="no route"):
        delays(compile_plan(t.build(), "lab"), "h-1", "h-2", 4)
