"""Security groups and network ACLs as rules of nftables. Pure.

A security group is two chains of its host, ``input`` and ``output``: what belongs to a connection that was let through
passes, then what a rule allows, and the rest is dropped and counted. An ICMP error about a connection is no answer: EC2
drops it unless a rule lets it in, which is how path MTU discovery breaks (EC2 user guide, network MTU).

A network ACL is two chains of each router of its site, for each of its subnets: what a rule allows returns to where it
came from, since the other subnet's ACL has its say, too.
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
            yield from _group(guard) if guard.stateful else _acl(guard)


def _group(guard: Guard) -> Iterator[Rule]:
    chain = _HOOK[guard.way]
    begin = label(guard)
    key = "iifname" if guard.way == "in" else "oifname"
    yield Rule(chain, f"{begin}: to itself", (match("==", {"meta": {"key": key}}, "lo"),), _ACCEPT)
    yield Rule(chain, f"{begin}: neighbour discovery", (_neighbours(),), _ACCEPT)
    yield Rule(chain, f"{begin}: answers", (match("in", {"ct": {"key": "state"}}, "established"),), _ACCEPT)
    yield from _allowed(guard, chain, _ACCEPT)
    yield Rule(chain, dropping(guard), (), _DROP)


def _acl(guard: Guard) -> Iterator[Rule]:
    chain = f"{guard.name}-{guard.interface}-{guard.way}"
    key = "oifname" if guard.way == "in" else "iifname"
    enter = json.dumps({"jump": {"target": chain}})
    yield Rule("forward", label(guard), (match("==", {"meta": {"key": key}}, guard.interface),), enter)
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
            matches.append(_range(family, side, ranges[0]))
        if rule.protocol != "any":
            protocol = icmp if rule.protocol == "icmp" else rule.protocol
            matches.append(match("==", {"meta": {"key": "l4proto"}}, protocol if protocol != "icmpv6" else "ipv6-icmp"))
        if rule.ports is not None:
            first, last = rule.ports
            ports: object = first if first == last else {"range": [first, last]}
            matches.append(match("==", {"payload": {"protocol": rule.protocol, "field": "dport"}}, ports))
        yield tuple(matches)


def _range(family: str, side: str, range_: str) -> str:
    address, _, length = range_.partition("/")
    whole = length in ("", "128" if family == "ip6" else "32")
    right: object = address if whole else {"prefix": {"addr": address, "len": int(length)}}
    return match("==", {"payload": {"protocol": family, "field": side}}, right)


def _neighbours() -> str:
    return match("==", {"payload": {"protocol": "icmpv6", "field": "type"}}, NEIGHBOURS)
