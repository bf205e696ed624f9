"""From declared security groups and network ACLs to guards: whom a rule names becomes ranges, and each gets a place."""

from __future__ import annotations

from collections.abc import Iterator

from testbed.guards import WAYS, NetworkAcl, Way, parse
from testbed.plan.draft import Draft
from testbed.plan.guards import Guard, PlannedRule


def guards(draft: Draft) -> tuple[Guard, ...]:
    """Every guard, hosts in declared order before ACLs. The draft has all its nodes."""
    return (*_groups(draft), *(guard for acl in draft.model.acls for guard in _acl(draft, acl)))


def _groups(draft: Draft) -> Iterator[Guard]:
    """What several groups of a host allow, it may do: their rules stand together."""
    for host in draft.model.hosts:
        groups = [group for group in draft.model.groups if host.name in group.hosts]
        if not groups:
            continue
        texts = list(dict.fromkeys(text for group in groups for text in group.rules))
        name = "+".join(group.name for group in groups)
        for way in WAYS:
            yield Guard(
                name=name, kind="security group", node=host.name, interface="", way=way,
                rules=_rules(draft, texts, way),
            )  # fmt: skip


def _acl(draft: Draft, acl: NetworkAcl) -> Iterator[Guard]:
    subnets = draft.sites[acl.site].subnets
    for router in draft.model.routers:
        for position, subnet in enumerate(subnets if router.site == acl.site else ()):
            if acl.subnets and subnet.name not in acl.subnets:
                continue
            for way in WAYS:
                yield Guard(
                    name=acl.name, kind="network ACL", node=router.name, interface=f"lan{position}", way=way,
                    rules=_rules(draft, acl.rules, way),
                )  # fmt: skip


def _rules(draft: Draft, texts: list[str] | tuple[str, ...], way: Way) -> tuple[PlannedRule, ...]:
    read = ((text, parse(text)) for text in texts)
    return tuple(
        PlannedRule(
            text=text, allow=rule.allow, protocol=rule.protocol, ports=rule.ports, peers=_peers(draft, rule.peer)
        )
        for text, rule in read
        if rule.way == way
    )


def _peers(draft: Draft, peer: str) -> tuple[str, ...]:
    if peer == "any":
        return ()
    if peer in draft.sites:
        return draft.sites[peer].cidr, draft.sites[peer].cidr6
    if peer in draft.nodes:
        node = draft.nodes[peer]
        return f"{node.address}/32", f"{node.address6}/128"
    return (peer,)
