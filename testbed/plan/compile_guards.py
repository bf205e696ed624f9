"""From declared groups, ACLs and firewalls to guards: whom a rule names becomes ranges, and each gets a place."""

from __future__ import annotations

from collections.abc import Iterator

from testbed.guards import GROUP, WAYS, BorderFilter, Way, parse
from testbed.plan.compile_nat import touches
from testbed.plan.draft import Draft
from testbed.plan.guards import Guard, PlannedRule
from testbed.plan.nat import moved


def guards(draft: Draft) -> tuple[Guard, ...]:
    """Every guard, hosts in declared order before borders. The draft has all its nodes."""
    return (*_groups(draft), *(guard for border in draft.model.borders for guard in _border(draft, border)))


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
                rules=_rules(draft, host.site, texts, way),
            )  # fmt: skip


def _border(draft: Draft, border: BorderFilter) -> Iterator[Guard]:
    """On the border of its subnets: at every router of the site, and at a NAT gateway where that has an interface."""
    subnets = draft.sites[border.site].subnets
    places = [
        *((router.name, subnets) for router in draft.model.routers if router.site == border.site),
        *((nat.name, [s for s in subnets if touches(nat, s.name)]) for nat in draft.nats(border.site)),
    ]
    for node, inside in places:
        for subnet in inside:
            if border.subnets and subnet.name not in border.subnets:
                continue
            for way in WAYS:
                yield Guard(
                    name=border.name, kind=border.kind, node=node, interface=f"lan{subnets.index(subnet)}", way=way,
                    rules=_rules(draft, border.site, border.rules, way),
                )  # fmt: skip


def _rules(draft: Draft, site: str, texts: list[str] | tuple[str, ...], way: Way) -> tuple[PlannedRule, ...]:
    read = ((text, parse(text)) for text in texts)
    return tuple(
        PlannedRule(
            text=text, allow=rule.allow, protocol=rule.protocol, ports=rule.ports,
            peers=_peers(draft, site, rule.peer),
        )
        for text, rule in read
        if rule.way == way
    )  # fmt: skip


def _peers(draft: Draft, here: str, peer: str) -> tuple[str, ...]:
    """Whom a rule names, as ranges: those that are seen in the site where the rule stands."""
    if peer == "any":
        return ()
    if peer.startswith(GROUP):
        members = (host for group in draft.model.groups if f"{GROUP}{group.name}" == peer for host in group.hosts)
        return tuple(range_ for host in members for range_ in _peers(draft, here, host))
    if peer in draft.sites:
        site = draft.sites[peer]
        return (site.cidr if peer == here else site.seen_as or site.cidr), site.cidr6
    if peer in draft.nodes:
        node = draft.nodes[peer]
        site = draft.sites[node.site]
        seen = node.address if node.site == here else moved(node.address, site.cidr, site.seen_as or site.cidr)
        return f"{seen}/32", f"{node.address6}/128"
    return (peer,)
