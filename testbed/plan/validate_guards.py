"""What can be wrong with security groups, network ACLs and firewalls."""

from __future__ import annotations

import ipaddress
import re
from collections import Counter
from collections.abc import Iterable, Iterator

from testbed.errors import Problem, known
from testbed.guards import EXAMPLE, GROUP, BorderFilter, parse
from testbed.model import Model

NAME = re.compile(r"[a-z][a-z0-9-]{0,19}")
"""Part of a chain's name and of comments; its length is arbitrary."""
TEXT_MAX = 60
"""A rule's words are its comment in the kernel, which takes 128 bytes with what goes before."""


def guards(model: Model) -> Iterator[Problem]:
    """Every problem of a model's guards."""
    names = [*(group.name for group in model.groups), *(border.name for border in model.borders)]
    for name, times in Counter(names).items():
        if times > 1:
            yield Problem(f"guard {name}", f"{times} guards have this name", "give each its own name")
        if not NAME.fullmatch(name):
            yield Problem(f"guard {name}", "not a usable name", "at most 20 lower-case letters, digits and dashes")
    hosts = [host.name for host in model.hosts]
    for group in model.groups:
        where = f"security group {group.name}"
        if not group.hosts:
            yield Problem(where, "no host belongs to it", "name at least one of them in hosts")
        yield from _unknown(where, "host", group.hosts, hosts)
        yield from _rules(model, where, group.rules, at_host=True)
    for border in model.borders:
        where = f"{border.kind} {border.name}"
        yield from _place(model, where, border)
        yield from _rules(model, where, border.rules, at_host=False)


def _place(model: Model, where: str, border: BorderFilter) -> Iterator[Problem]:
    site = next((site for site in model.sites if site.name == border.site), None)
    if site is None:
        yield from _unknown(where, "site", [border.site], [site.name for site in model.sites])
        return
    yield from _unknown(where, "subnet", border.subnets, [subnet.name for subnet in site.subnets])
    if not any(router.site == site.name for router in model.routers):
        yield Problem(where, f"site {site.name} has no router to put it on", "it stands on a subnet's border")


def _unknown(where: str, kind: str, given: Iterable[str], names: list[str]) -> Iterator[Problem]:
    for name in given:
        if name not in names:
            yield Problem(where, f"no such {kind}: {name}", known(name, names))


def _rules(model: Model, where: str, rules: Iterable[str], *, at_host: bool) -> Iterator[Problem]:
    for text in rules:
        place = f"{where}, rule {text!r}"
        if len(text) > TEXT_MAX or not text.isascii():
            yield Problem(place, f"longer than {TEXT_MAX} letters, or not plain ones", EXAMPLE)
            continue
        try:
            rule = parse(text)
        except ValueError as error:
            yield Problem(place, str(error), EXAMPLE)
            continue
        if not rule.allow and at_host:
            yield Problem(
                place, "a security group only allows", "leave the rule out, or use a network ACL or a firewall"
            )
        if rule.peer.startswith(GROUP) and not at_host:
            yield Problem(place, "only a security group's rules name groups", "a range, a site or a host")
            continue
        yield from _peer(model, place, rule.peer)


def _peer(model: Model, place: str, peer: str) -> Iterator[Problem]:
    names = [f"{GROUP}{group.name}" for group in model.groups]
    if peer.startswith(GROUP):
        if peer not in names:
            yield Problem(place, f"no such security group: {peer.removeprefix(GROUP)}", known(peer, names))
        return
    names = ["any", *(site.name for site in model.sites), *(host.name for host in model.hosts)]
    if peer in names:
        return
    try:
        ipaddress.ip_network(peer)
    except ValueError as error:
        hint = str(error) if "/" in peer else known(peer, names)
        yield Problem(place, f"{peer!r} is no range, site or host", hint)
