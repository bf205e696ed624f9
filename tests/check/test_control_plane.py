"""Claims about what a hybrid Kubernetes needs: a rule that is forgotten is named, it alone, and adding it mends all."""

from __future__ import annotations

import runpy
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from testbed.check.control_plane import FLOWS, Need, RoleName, needs, problems, roles
from testbed.check.missing import Missing, advice, further, missing, told
from testbed.errors import InputError
from testbed.history import Event
from testbed.load import load
from testbed.plan.expect import OK, OWN_PORTS, Outcome, expect
from testbed.plan.plan import Plan
from tests.plan.shipped import ROOT

FILE, SCENARIO = (ROOT / folder / "hybrid_kubernetes.py" for folder in ("topologies", "scenarios"))
SHIPPED: dict[str, Any] = runpy.run_path(str(FILE))
RULES: dict[str, dict[str, str]] = SHIPPED["RULES"]
GIVEN: dict[RoleName, str] = {
    "control plane": "eni-a,eni-b", "nodes": "10.80.0.0/16", "pods": "10.85.0.0/16", "AWS services": "services",
    "cloud pods": "coredns",
}  # fmt: skip


@cache
def plan_without(rule: str = "nothing") -> Plan:
    return load(str(FILE), {"missing": rule}).plan


def foretold(plan: Plan) -> list[tuple[Need, Outcome]]:
    some = needs(roles(plan, GIVEN))
    return [(need, expect(plan, need.a, need.b, 4, need.flow.protocol, need.port)) for need in some]


def named(plan: Plan) -> dict[tuple[str, str], set[str]]:
    """(name of a guard, rule that it lacks) to the flows that fail for it."""
    found: dict[tuple[str, str], set[str]] = {}
    for need, outcome in foretold(plan):
        if outcome != OK:
            one = missing(plan, need, outcome)
            assert one is not None, (need, outcome)
            found.setdefault((one.guard.name, one.rule), set()).add(need.flow.name)
    return found


def test_with_all_rules_everything_that_is_needed_gets_through() -> None:
    found = foretold(plan_without())
    assert {outcome for _, outcome in found} == {OK}
    assert {need.flow for need, _ in found} == set(FLOWS)
    assert len(found) == 2 + 4 + 1 + 2 + 2 + 4 + 2 + 2 + 2 + 2 + 2 + 2  # hosts by hosts, flow by flow


@pytest.mark.parametrize("rule", SHIPPED["ALL"])
def test_a_rule_that_is_forgotten_is_named_and_nothing_else(rule: str) -> None:
    guard, _, use = rule.partition(".")
    found = named(plan_without(rule))
    assert [*found] == [(guard, RULES[guard][use])]
    assert use.removesuffix("-answers") in found[guard, RULES[guard][use]]


def test_each_flow_has_a_rule_without_which_it_alone_or_with_its_like_fails() -> None:
    stopped = [flows for rule in SHIPPED["ALL"] for flows in named(plan_without(rule)).values()]
    assert {name for flows in stopped for name in flows} == {flow.name for flow in FLOWS}
    assert [flows for flows in stopped if len(flows) > 1] == [{"api", "aws"}, {"api-pods", "aws-pods"}]


def test_short_names_stand_for_rules_that_there_are() -> None:
    assert set(SHIPPED["SHORT"].values()) <= set(SHIPPED["ALL"])
    assert plan_without("dns").guards == plan_without("fw-pods.dns-out-udp").guards


def test_where_answers_go_is_what_the_kernel_chooses_from() -> None:
    assert SHIPPED["OWN_PORTS"] == "-".join(map(str, OWN_PORTS))


def test_a_rule_that_denies_is_named_with_what_has_to_come_before_it() -> None:
    plan = plan_without()
    guard = next(each for each in plan.guards if each.name == "fw-nodes" and each.way == "in")
    denying = replace(guard.rules[0], text="deny in tcp 1-65535 from any", allow=False, ports=(1, 65535), peers=())
    guards = tuple(replace(each, rules=(denying, *each.rules)) if each is guard else each for each in plan.guards)
    found = {str(missing(replace(plan, guards=guards), *each)) for each in foretold(replace(plan, guards=guards))}
    told = "firewall fw-nodes lacks 'in tcp 10250 from 10.0.0.0/16' before 'deny in tcp 1-65535 from any'"
    assert found == {"None", told}


def test_what_no_guard_stops_is_told_as_what_it_is() -> None:
    plan = plan_without()
    need = next(need for need, _ in foretold(plan) if need.flow.name == "kubelet")
    assert advice(plan, need, OK) == ""
    assert advice(plan, need, Outcome("reset", "node-1")) == "node-1 refuses tcp 10250: nothing listens there"
    lost = advice(plan, need, Outcome("timeout", "cgw"))
    assert lost == "tcp 10250 from eni-a to node-1 is lost at cgw: timeout"
    routeless = advice(plan, need, Outcome("no route", "vgw"))
    assert routeless == "vgw has no route from 10.0.0.0/16 to 10.80.0.0/16, or none back"


def flow_fields(plan: Plan, need: Need, outcome: Outcome) -> dict[str, Any]:
    more = [str(each) for each in further(plan, need, outcome)]
    return {"flow": need.flow.name, "where": outcome.where, "advice": advice(plan, need, outcome), "further": more}


def test_what_else_would_stop_a_flow_is_told_from_the_plan() -> None:
    plan = plan_without()
    forgotten = {("fw-nodes", "in tcp 10250 from 10.0.0.0/16"), ("nodes", "in tcp 10250 from 10.0.0.0/16"),
                 ("acl", "in tcp 32768-60999 from 10.80.0.0/16")}  # fmt: skip
    guards = tuple(
        replace(each, rules=tuple(rule for rule in each.rules if (each.name, rule.text) not in forgotten))
        for each in plan.guards
    )
    plan = replace(plan, guards=guards)
    events = [Event(0, "flow", flow_fields(plan, *each)) for each in foretold(plan)]
    assert told(events) == {
        "firewall fw-nodes lacks 'in tcp 10250 from 10.0.0.0/16'": "at cgw, for kubelet",
        "security group nodes lacks 'in tcp 10250 from 10.0.0.0/16'": "by the plan, for kubelet",
        "network ACL acl lacks 'in tcp 32768-60999 from 10.80.0.0/16', for the answers": "by the plan, for kubelet",
    }


def test_what_is_missing_is_told_once_with_where_and_for_which_flows() -> None:
    plan = plan_without("cluster.api")
    events = [Event(0, "flow", flow_fields(plan, need, outcome)) for need, outcome in foretold(plan)]
    said = "security group cluster lacks 'in tcp 443 from 10.80.0.0/16'"
    assert told(events) == {said: "at eni-a, at eni-b, for api"}
    assert told([Event(0, "attempt", {}), Event(0, "flow", {"advice": "", "further": []})]) == {}


def test_a_role_is_a_range_or_names_and_one_that_is_off_needs_nothing() -> None:
    plan = plan_without()
    found = roles(plan, GIVEN | {"cloud pods": "off"})
    assert found["nodes"].hosts == ("node-1",)
    assert (found["control plane"].hosts, found["control plane"].range) == (("eni-a", "eni-b"), "10.0.0.0/16")
    assert roles(plan, GIVEN | {"control plane": "eni-a+eni-b"})["control plane"] == found["control plane"]
    assert not {need.flow.name for need in needs(found)} & {"dns-out-udp", "dns-out-tcp", "dns-in-udp", "dns-in-tcp"}
    assert {need.port for need in needs(found, 8443) if need.flow.name == "webhook"} == {8443}


def test_roles_that_nobody_has_are_refused_all_at_once() -> None:
    wrong = GIVEN | {"control plane": "eni-a,enib", "nodes": "10.81.0.0/16", "pods": "off"}
    assert [(each.where, each.what) for each in problems(plan_without(), wrong)] == [
        ("--set control-plane=eni-a,enib", "no such host: enib"),
        ("--set nodes=10.81.0.0/16", "no host has an address in it"),
    ]
    with pytest.raises(InputError, match="no such host: nobody"):
        load(str(SCENARIO), {"services": "nobody"})
    with pytest.raises(InputError, match="no flow is left"):
        load(str(SCENARIO), {"control-plane": "off", "services": "off", "pods": "off"})


def test_a_missing_rule_says_whose_answers_it_is_for() -> None:
    guard = plan_without().guards[0]
    assert str(Missing(guard, "out tcp 1 to any", answers=True)) == (
        f"security group {guard.name} lacks 'out tcp 1 to any', for the answers"
    )
