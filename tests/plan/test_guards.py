"""Claims about security groups and network ACLs: how a rule reads, where it stands, and what it says to a packet."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testbed.builder import Topology
from testbed.guards import PORT_MAX, PROTOCOLS, GuardRule, parse
from testbed.plan.compile import compile_plan
from testbed.plan.expect import OK, Outcome, expect
from testbed.plan.guards import Guard, Packet, PlannedRule, allows, deciding
from testbed.plan.plan import Plan
from testbed.plan.schema import plan_from_json, plan_json
from testbed.plan.steps import steps
from tests.plan.shipped import plan_of

ports = st.tuples(st.integers(1, PORT_MAX), st.integers(1, PORT_MAX)).map(lambda two: (min(two), max(two)))


@given(st.booleans(), st.sampled_from(["in", "out"]), st.sampled_from(PROTOCOLS), st.none() | ports)
def test_a_rule_that_is_written_down_reads_as_it_was(
    allow: bool, way: str, protocol: str, range_: tuple[int, int] | None
) -> None:
    where = f" {range_[0]}-{range_[1]}" if range_ and protocol in ("tcp", "udp") else ""
    text = f"{'allow' if allow else 'deny'} {way} {protocol}{where} {'from' if way == 'in' else 'to'} any"
    read = parse(text)
    assert (read.allow, read.way, read.protocol, read.peer) == (allow, way, protocol, "any")
    assert read.ports == (range_ if where else None)


def test_allow_need_not_be_said_and_one_port_is_a_range_of_one() -> None:
    wanted = GuardRule(allow=True, way="in", protocol="tcp", ports=(443, 443), peer="dc")
    assert parse("in tcp 443 from dc") == parse("allow in tcp 443 from dc") == wanted


def guard(*texts: str, peers: tuple[str, ...] = ()) -> Guard:
    read = [(text, parse(text)) for text in texts]
    rules = tuple(
        PlannedRule(text=text, allow=rule.allow, protocol=rule.protocol, ports=rule.ports, peers=peers)
        for text, rule in read
    )
    return Guard(name="one", kind="network ACL", node="gw", interface="lan0", way="in", rules=rules)


def packet(port: int, source: str = "10.0.0.1") -> Packet:
    return Packet(source=source, target="192.168.0.1", protocol="tcp", port=port)


def test_the_first_rule_that_fits_decides_and_none_denies() -> None:
    one = guard("deny in tcp 22 from any", "in tcp 1-1023 from any")
    assert [allows(one, packet(port)) for port in (22, 23, 1023, 1024)] == [False, True, True, False]
    assert deciding(one, packet(1024)) is None


def test_a_rule_speaks_of_one_family_alone() -> None:
    one = guard("in tcp 443 from any", peers=("10.0.0.0/8",))
    assert [allows(one, packet(443, source)) for source in ("10.9.9.9", "11.0.0.1", "fd00::1")] == [True, False, False]


def test_groups_stand_at_hosts_and_acls_at_the_subnet_of_every_router_both_ways() -> None:
    places = [(each.name, each.node, each.interface, each.way) for each in plan_of("guarded.py").guards]
    assert places == [
        ("web", "web", "", "in"), ("web", "web", "", "out"), ("db", "db", "", "in"), ("db", "db", "", "out"),
        ("zone-b", "vgw", "lan1", "in"), ("zone-b", "vgw", "lan1", "out"),
    ]  # fmt: skip


def test_a_site_in_a_rule_is_its_ranges_of_both_families() -> None:
    rules = [rule for each in plan_of("guarded.py").guards for rule in each.rules if rule.text.endswith("from dc")]
    assert [rule.peers for rule in rules] == [("192.168.0.0/16", "fd00:0:2::/48")]


def test_a_plan_with_guards_is_read_back_as_it_was_and_says_them_in_its_steps() -> None:
    plan = plan_of("guarded.py")
    assert plan_from_json(plan_json(plan)) == plan
    told = next(step for step in steps(plan) if step.action == "filters").what
    assert "db: security group db, in: in tcp 5432 from aws; in udp 4789 from any; else nothing" in told


@pytest.mark.parametrize("name", ["hybrid.py", "twenty_lines.py"])
def test_a_plan_without_guards_has_none(name: str) -> None:
    assert plan_of(name).guards == ()


def grouped() -> Plan:
    """A group that lets itself in, and one that lets the other in."""
    t = Topology("grouped")
    aws = t.vpc("aws", "10.0.0.0/16")
    workers = aws.hosts("worker-", 3)
    db = aws.host("db")
    aws.router("vgw", asn=64512)
    t.security_group("workers", workers, ["in any from group:workers", "out any to any"])
    t.security_group("db", [db], ["in tcp 5432 from group:workers", "out any to any"])
    return compile_plan(t.build(), "grouped")


def test_a_group_in_a_rule_is_the_addresses_of_its_hosts() -> None:
    plan = grouped()
    rules = {rule.text: rule.peers for each in plan.guards for rule in each.rules}
    members = [plan.node(f"worker-{number}") for number in (1, 2, 3)]
    addresses = tuple(range_ for node in members for range_ in (f"{node.address}/32", f"{node.address6}/128"))
    assert rules["in any from group:workers"] == rules["in tcp 5432 from group:workers"] == addresses
    assert expect(plan, "worker-1", "db", 6, "tcp", 5432) == expect(plan, "worker-3", "worker-1", 4, "udp", 9) == OK
    lonely = "security group workers in: no rule allows"
    assert expect(plan, "db", "worker-1", 4, "tcp", 22) == Outcome("filtered", "worker-1", lonely)
