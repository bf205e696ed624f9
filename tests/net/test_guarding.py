"""Claims about security groups and ACLs in nftables: what is rendered, and that the kernel has just that."""

from __future__ import annotations

import json

import pytest

from testbed.net import filters
from testbed.plan.guards import dropping
from tests.daemons.sample import check_golden
from tests.net.conftest import InANamespace
from tests.plan.shipped import plan_of


@pytest.mark.parametrize(("topology", "node"), [("guarded", "db"), ("guarded", "vgw"), ("hybrid_kubernetes", "cgw")])
def test_the_ruleset_is_the_golden_one(topology: str, node: str) -> None:
    check_golden(f"filters/{topology}-{node}.json", filters.render(plan_of(f"{topology}.py"), node) + "\n")


@pytest.mark.parametrize("topology", ["guarded.py", "hybrid_kubernetes.py"])
def test_every_guard_ends_by_dropping_the_rest(topology: str) -> None:
    plan = plan_of(topology)
    for guard in plan.guards:
        own = [rule for rule in filters.rules(plan, guard.node) if rule.comment == dropping(guard)]
        assert [(rule.matches, json.loads(rule.action)) for rule in own] == [((), {"drop": None})]


def test_only_guarded_nodes_have_filters() -> None:
    assert filters.nodes(plan_of("guarded.py")) == ("vgw", "web", "db")


IN_A_NAMESPACE = """
from testbed.net import filters
from testbed.net.namespace import Namespaces
from tests.plan.shipped import plan_of
from tests.plan.test_guards import grouped
for plan in (plan_of("guarded.py"), plan_of("hybrid_kubernetes.py"), grouped()):
    spaces = Namespaces()
    for node in filters.nodes(plan):
        spaces.create(node)
    filters.apply(plan, spaces)
    for node in filters.nodes(plan):
        read = filters.counts(spaces, node)
        assert not any(read.values()), read
        assert {*read} == {rule.comment for rule in filters.rules(plan, node)}, read
    spaces.close()
"""


UNDONE = """
import time
from pyroute2 import IPRoute
from testbed.net import filters
from testbed.net.namespace import Namespaces
from tests.plan.shipped import plan_of
plan = plan_of("guarded.py")
spaces = Namespaces()
ip = IPRoute()
spaces.create("home")
for number, node in enumerate(filters.nodes(plan)):
    spaces.create(node)
    # A wire into each namespace goes when the namespace goes, and with it all that the kernel keeps there.
    ip.link("add", ifname=f"wire{number}", kind="veth", peer={"ifname": "far", "net_ns_fd": spaces.fd(node)})
filters.apply(plan, spaces)
wires = {link.get("ifname") for link in ip.get_links()} - {"lo"}
assert len(wires) == len(filters.nodes(plan)) == 3, wires
def tables(node):
    found = filters.nft(spaces, node, ["list", "tables"], "")
    return found.count(filters.TABLE)
assert [tables(node) for node in filters.nodes(plan)] == [1, 1, 1]
assert tables("home") == 0
spaces.close()
spaces._fds["here"] = spaces.home
assert tables("here") == 0
for _ in range(100):
    left = {link.get("ifname") for link in ip.get_links()} - {"lo"}
    if not left:
        break
    time.sleep(0.1)
assert not left, left
"""


@pytest.mark.parametrize("script", [IN_A_NAMESPACE, UNDONE], ids=["given-back", "undone"])
def test_nft_takes_the_guards_and_gives_them_back_and_a_lab_undone_leaves_no_table(
    script: str, in_a_namespace: InANamespace
) -> None:
    in_a_namespace(script)
