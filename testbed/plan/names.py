"""What names a plan gives, and who answers for them. Pure."""

from __future__ import annotations

from testbed.plan.paths import Family, seen
from testbed.plan.plan import Node, Plan
from testbed.plan.resolvers import PlannedResolver

DNS_PORT = 53
"""RFC 1035 section 4.2."""
FAMILY_OF_FORWARDING: Family = 4
"""Resolvers ask each other over IPv4, whatever they were asked over."""


def resolver_of(plan: Plan, node: str) -> PlannedResolver | None:
    """The resolver of a node's site; ``None``: it has none."""
    return _of(plan, plan.node(node))


def resolver_on(plan: Plan, node: str) -> PlannedResolver:
    """The resolver that runs on a node. Raises ``KeyError``."""
    for resolver in plan.resolvers:
        if resolver.node == node:
            return resolver
    raise KeyError(node)


def full_name(plan: Plan, node: str) -> str:
    """A node's name with its site's domain; empty where nobody knows it by one."""
    return _called(plan, plan.node(node))


def records(plan: Plan, resolver: PlannedResolver) -> tuple[tuple[str, Node], ...]:
    """(full name, node) of all that a resolver knows itself: the hosts and routers of its site."""
    known = (node for node in plan.nodes if node.site == resolver.site)
    return tuple((name, node) for node in known if (name := _called(plan, node)))


def resolv_conf(plan: Plan, node: str) -> str:
    """``/etc/resolv.conf`` of a node (resolv.conf(5)); without servers where its site has no resolver.

    The domain of its own site comes first among those that a name without dots is looked for in.
    """
    mine = resolver_of(plan, node)
    if mine is None:
        return ""
    server = plan.node(mine.node)
    domains = [mine.domain, *(resolver_on(plan, other).domain for other in mine.forwards_to)]
    return f"nameserver {server.address}\nnameserver {server.address6}\nsearch {' '.join(domains)}\n"


def hosts_file(plan: Plan, node: str) -> str:
    """``/etc/hosts`` (hosts(5)) of a node: itself, and those that it cannot ask its resolver for.

    Without a resolver, or for no node in particular, that is everybody.
    """
    lines = ["127.0.0.1 localhost", "::1 localhost"]
    asks = bool(node) and resolver_of(plan, node) is not None
    mapped = {mapping.site for mapping in plan.mappings}
    for each in plan.nodes:
        if asks and each.name != node and _called(plan, each):
            continue
        # What has another IPv4 address in each site has none that fits everybody.
        nobody = not node and each.site in mapped
        known = "" if nobody else seen(plan, plan.node(node), each, 4) if node else each.address
        lines += [f"{address} {each.name}" for address in (known, each.address6) if address]
    return "\n".join(lines) + "\n"


def _of(plan: Plan, node: Node) -> PlannedResolver | None:
    return next((resolver for resolver in plan.resolvers if resolver.site == node.site != ""), None)


def _called(plan: Plan, node: Node) -> str:
    resolver = _of(plan, node)
    return f"{node.name}.{resolver.domain}" if resolver is not None and node.address else ""
