"""Claims about the routers' packet filters: what is rendered, what nft takes, and what real packets meet."""

from __future__ import annotations

import json
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from testbed.net import filters
from testbed.plan.plan import Plan
from tests.daemons.sample import check_golden, plan, tunnel
from tests.net.conftest import InANamespace

TUNNELS = (tunnel(1), tunnel(2, mtu=1406), tunnel(3, clamp_mss=False))


def test_the_ruleset_is_the_golden_one() -> None:
    check_golden("filters/vgw.json", filters.render(plan(*TUNNELS, blocks_icmp=("vgw",)), "vgw") + "\n")


@given(st.integers(1280, 9001))
def test_the_mss_is_the_mtu_less_the_headers_of_each_family_both_ways(mtu: int) -> None:
    comments = [rule.comment for rule in filters.rules(plan(tunnel(1, mtu=mtu)), "cgw")]
    assert comments == [
        f"vpn-1 {way} IPv{family} MSS {mtu - headers}"
        for way in ("out", "in")
        for family, headers in ((4, 40), (6, 60))
    ]


def test_a_tunnel_without_clamping_and_a_router_without_tunnels_have_no_rules() -> None:
    assert filters.rules(plan(tunnel(3, clamp_mss=False)), "vgw") == ()
    elsewhere = tunnel(1)
    elsewhere = replace(elsewhere, a=replace(elsewhere.a, node="other"))
    assert filters.rules(plan(elsewhere), "vgw") == ()
    assert filters.nodes(plan(elsewhere)) == ("cgw",)


def test_only_routers_that_block_icmp_drop_it_and_both_what_they_send_and_what_they_pass_on() -> None:
    blocking = plan(blocks_icmp=("vgw",))
    assert filters.nodes(blocking) == ("vgw",)
    assert [(rule.chain, json.loads(rule.action)) for rule in filters.rules(blocking, "vgw")] == [
        (chain, {"drop": None}) for chain in ("forward", "forward", "output", "output")
    ]


def test_comments_tell_rules_apart() -> None:
    comments = [rule.comment for rule in filters.rules(plan(*TUNNELS, blocks_icmp=("vgw",)), "vgw")]
    assert len(comments) == len(set(comments))


def everything() -> Plan:
    return plan(*TUNNELS, blocks_icmp=("vgw", "cgw"))


IN_A_NAMESPACE = """
from testbed.net import filters
from testbed.net.namespace import Namespaces
from tests.net.test_filters import everything
spaces = Namespaces()
for node in ("vgw", "cgw"):
    spaces.create(node)
filters.apply(everything(), spaces)
counts = filters.counts(spaces, "vgw")
assert len(counts) == 12 and not any(counts.values()), counts
"""


BESIDE = """
import json
from testbed.net import early, filters, fragments
from testbed.net.namespace import Namespaces
from tests.plan.shipped import plan_of
(cluster,) = plan_of("stretched_cluster.py").clusters
spaces = Namespaces()
for node in cluster.nodes:
    spaces.create(node.name)
name = cluster.nodes[0].name
tables = lambda: json.loads(filters.nft(spaces, name, ["list", "tables"], ""))["nftables"][1:]
for drop in (False, True):
    fragments.watch(spaces, name, drop=drop)
    assert fragments.seen(spaces, name) == 0
early.refuse(cluster, spaces)
rejects = [rule["expr"][-1] for rule in filters.read(spaces, name, early.TABLE)]
assert len(rejects) == 2 and all("reject" in each for each in rejects), rejects
assert len(tables()) == 2, tables()
fragments.leave(spaces, name)
early.allow(cluster, spaces)
assert tables() == [], tables()
"""


def test_tables_for_a_while_are_read_back_and_leave_nothing(in_a_namespace: InANamespace) -> None:
    """Those that count fragments, and that refuse who speaks to a service too early."""
    in_a_namespace(BESIDE)


def test_nft_takes_the_rules_and_gives_them_back(in_a_namespace: InANamespace) -> None:
    in_a_namespace(IN_A_NAMESPACE)
