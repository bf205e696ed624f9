"""Security groups, network ACLs and firewalls as rules of nftables. Pure.

A security group is two chains of its host, ``input`` and ``output``: what belongs to a connection that was let through
passes, then what a rule allows, and the rest is dropped and counted. An ICMP error about a connection is no answer: EC2
drops it unless a rule lets it in, which is how path MTU discovery breaks (EC2 user guide, network MTU).

A network ACL is two chains of each router of its site, for each of its subnets: what a rule allows returns to where it
came from, since the other subnet's ACL has its say, too. A firewall is the same, and lets through what belongs to a
connection that it let through, ICMP errors about it among them, as Linux and other stateful firewalls do.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from testbed.net.nft import Rule, match
from testbed.plan.guards import Guard, PlannedRule, dropping, label, rule_comment

NEIGHBOURS = {"range": [133, 137]}
"""ICMPv6 types of neighbour discovery (RFC 4861), IPv6's ARP, which no group and no ACL sees."""
_HOOK = {"in": "input", "out": "output"}
_PEER = {"in": "saddr", "out": "daddr"}
_FAMILIES = (("ip", "ipv4", "icmp"), ("ip6", "ipv6", "icmpv6"))
_ACCEPT, _DROP, _RETURN = (json.dumps({word: None}) for word in ("accept", "drop", "return"))


def rules(guards: Sequence[Guard], node: str) -> Iterator[Rule]:
    """The rules of a node's guards."""
    for guard in guards:
        if guard.node == node:
            yield from _group(guard) if guard.at_host else _border(guard)


def _group(guard: Guard) -> Iterator[Rule]:
    chain = _HOOK[guard.way]
    begin = label(guard)
    key = "iifname" if guard.way == "in" else "oifname"
    yield Rule(chain, f"{begin}: to itself", (match("==", {"meta": {"key": key}}, "lo"),), _ACCEPT)
    yield Rule(chain, f"{begin}: neighbour discovery", (_neighbours(),), _ACCEPT)
    yield Rule(chain, f"{begin}: answers", (_state("established"),), _ACCEPT)
    yield from _allowed(guard, chain, _ACCEPT)
    yield Rule(chain, dropping(guard), (), _DROP)


def _border(guard: Guard) -> Iterator[Rule]:
    chain = f"{guard.name}-{guard.interface}-{guard.way}"
    near, far = ("oifname", "iifname") if guard.way == "in" else ("iifname", "oifname")
    # What turns round in a subnet, from one of its routers to another, does not cross its border.
    crosses = (
        match("==", {"meta": {"key": near}}, guard.interface),
        match("!=", {"meta": {"key": far}}, guard.interface),
    )
    yield Rule("forward", label(guard), crosses, json.dumps({"jump": {"target": chain}}))
    if guard.stateful:
        yield Rule(chain, f"{label(guard)}: answers", (_state("established", "related"),), _RETURN)
    yield from _allowed(guard, chain, _RETURN)
    yield Rule(chain, dropping(guard), (), _DROP)


def _allowed(guard: Guard, chain: str, allow: str) -> Iterator[Rule]:
    for rule in guard.rules:
        for matches in _matches(rule, _PEER[guard.way]):
            yield Rule(chain, rule_comment(guard, rule), matches, allow if rule.allow else _DROP)


def _matches(rule: PlannedRule, side: str) -> Iterator[tuple[str, ...]]:
    """What a rule matches, once for each family that it speaks of."""
    for family, name, icmp in _FAMILIES:
        ranges = [range_ for range_ in rule.peers if (":" in range_) == (family == "ip6")]
        if rule.peers and not ranges:
            continue
        matches = [match("==", {"meta": {"key": "nfproto"}}, name)]
        if ranges:
            matches.append(_ranges(family, side, ranges))
        if rule.protocol != "any":
            protocol = icmp if rule.protocol == "icmp" else rule.protocol
            matches.append(match("==", {"meta": {"key": "l4proto"}}, protocol if protocol != "icmpv6" else "ipv6-icmp"))
        if rule.ports is not None:
            first, last = rule.ports
            ports: object = first if first == last else {"range": [first, last]}
            matches.append(match("==", {"payload": {"protocol": rule.protocol, "field": "dport"}}, ports))
        yield tuple(matches)


def _ranges(family: str, side: str, ranges: Sequence[str]) -> str:
    some = [_range(family, range_) for range_ in ranges]
    right: object = some[0] if len(some) == 1 else {"set": some}
    return match("==", {"payload": {"protocol": family, "field": side}}, right)


def _range(family: str, range_: str) -> object:
    address, _, length = range_.partition("/")
    whole = length in ("", "128" if family == "ip6" else "32")
    return address if whole else {"prefix": {"addr": address, "len": int(length)}}


def _state(*states: str) -> str:
    return match("in", {"ct": {"key": "state"}}, states[0] if len(states) == 1 else list(states))


def _neighbours() -> str:
    return match("==", {"payload": {"protocol": "icmpv6", "field": "type"}}, NEIGHBOURS)
