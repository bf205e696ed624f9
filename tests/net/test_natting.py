"""Claims about address translation in nftables: what is rendered, that the kernel has that, and that it is gone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from testbed.net import filters, natting
from tests.daemons.sample import check_golden
from tests.net.conftest import InANamespace
from tests.plan.shipped import plan_of

PLACES = [("nat_gateway.py", "nat"), ("overlapping.py", "gw-berlin")]


@pytest.mark.parametrize(("name", "node"), PLACES)
def test_the_ruleset_is_the_golden_one(name: str, node: str) -> None:
    check_golden(f"filters/{Path(name).stem}-{node}.json", filters.render(plan_of(name), node) + "\n")


@pytest.mark.parametrize(("name", "node"), PLACES)
def test_comments_tell_rules_apart_and_fit_into_the_kernel(name: str, node: str) -> None:
    comments = [rule.comment for rule in filters.rules(plan_of(name), node)]
    assert len(comments) == len(set(comments))
    assert max(map(len, comments)) < 128


def test_packets_of_no_connection_are_met_before_any_other_rule_and_tcp_gets_a_reset() -> None:
    passing = (rule for rule in filters.rules(plan_of("nat_gateway.py"), "nat") if rule.chain == "forward")
    first, second, *_ = passing
    assert json.loads(first.action) == {"reject": {"type": "tcp reset"}}
    assert json.loads(second.action) == {"drop": None}
    assert all(any("invalid" in match for match in rule.matches) for rule in (first, second))


def test_every_timeout_of_a_connection_that_is_open_is_the_gateways_and_it_takes_up_none_halfway() -> None:
    told = natting.settings(plan_of("nat_gateway.py").nats[0])
    prefix = "net/netfilter/nf_conntrack_"
    assert {key.removeprefix(prefix): value for key, value in told.items()} == {
        "tcp_timeout_established": "350", "tcp_timeout_unacknowledged": "350", "tcp_timeout_max_retrans": "350",
        "udp_timeout": "350", "udp_timeout_stream": "350", "icmp_timeout": "350", "tcp_loose": "0",
        "tcp_be_liberal": "1",
    }  # fmt: skip


def test_only_nodes_that_translate_have_filters() -> None:
    assert filters.nodes(plan_of("nat_gateway.py")) == ("nat",)
    assert filters.nodes(plan_of("overlapping.py")) == ("gw-berlin", "gw-madrid", "nat")


IN_A_NAMESPACE = """
import subprocess
from dataclasses import replace
from testbed.errors import MachineError
from testbed.net import filters, natting
from testbed.net.namespace import Namespaces, read_sysctl
from tests.plan.shipped import plan_of

ESTABLISHED = "net/netfilter/nf_conntrack_tcp_timeout_established"
before = read_sysctl(ESTABLISHED)
for plan in (plan_of("nat_gateway.py"), plan_of("overlapping.py")):
    small = replace(plan, nats=tuple(replace(nat, connections=1000) for nat in plan.nats))
    spaces = Namespaces()
    for node in filters.nodes(small):
        spaces.create(node)
    filters.apply(small, spaces)
    natting.apply(small, spaces)
    for node in filters.nodes(small):
        read = filters.counts(spaces, node)
        assert not any(read.values()), read
        assert {*read} == {rule.comment for rule in filters.rules(small, node)}, read
    with spaces.inside("nat"):
        assert read_sysctl(ESTABLISHED) == "350"
    many = replace(plan, nats=tuple(replace(nat, connections=10**9) for nat in plan.nats))
    try:
        natting.apply(many, spaces)
    except MachineError as error:
        assert "fewer than 1000000000" in str(error)
    else:
        raise AssertionError("a kernel that tracks a billion connections")
    spaces.close()
assert read_sysctl(ESTABLISHED) == before != "350", before
left = subprocess.run(["nft", "list", "tables"], capture_output=True, text=True, check=True, env={"PATH": "/usr/sbin"})
assert left.stdout == "", left.stdout
"""


def test_nft_takes_the_rules_and_gives_them_back_and_nothing_stays(in_a_namespace: InANamespace) -> None:
    in_a_namespace(IN_A_NAMESPACE)
