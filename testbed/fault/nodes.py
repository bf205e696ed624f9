"""Faults of nodes: a daemon killed, programs frozen, power off."""

from __future__ import annotations

from collections.abc import Callable

from testbed.errors import InputError, Problem, known
from testbed.fault.fault import Fault
from testbed.fault.kind import Kind, World
from testbed.fault.programs import Undo


def _kill(world: World, target: str) -> Fault:
    world.programs.check(target)
    return Fault(target, acts=(lambda: world.programs.kill(target),))


def _freeze(world: World, target: str) -> Fault:
    node, _, name = target.partition("/")
    if name:
        world.programs.check(target)
        return Fault(target, acts=(lambda: world.programs.freeze(target),))
    names = [node.name for node in world.network.plan.nodes]
    if node not in names:
        hint = known(target, [*names, *world.programs.known()])
        raise InputError(Problem(f"node {target}", "no such node or daemon", hint))
    return Fault(target, acts=(lambda: world.programs.freeze_all(world.network.namespaces.fd(node)),))


def _off(world: World, target: str) -> Fault:
    """All cables of some nodes without carrier, at both ends; and their daemons gone, who say goodbye to nobody."""
    plan = world.network.plan
    places = {node.name: {node.name, node.site} - {""} for node in plan.nodes}
    names = target.split(",")
    there = set().union(*places.values())
    if unknown := [name for name in names if name not in there]:
        raise InputError(Problem(f"off {name}", "neither a node nor a site", known(name, there)) for name in unknown)
    dead = [node for node, called in places.items() if called & {*names}]
    links = [link for link in (*plan.links, *plan.access) if {link.a.node, link.b.node} & {*dead}]
    ports = {cable.port_index for cable in plan.cables if cable.node in dead}
    ports |= {end.port_index for link in links for end in (link.a, link.b)} - {0}
    having = world.programs.nodes()
    acts = tuple(_killing(world, node) for node in dead if node in having)
    return Fault(target, links=tuple(link.name for link in links), ports=frozenset(ports), acts=acts)


def _killing(world: World, node: str) -> Callable[[], Undo]:
    return lambda: world.programs.kill(node)


KINDS = {
    "kill": Kind("NODE[/DAEMON]", "daemons killed (routing, IPsec, DNS); heal starts them", _kill),
    "freeze": Kind(
        "NODE[/DAEMON]", "all programs of a node, or one daemon, stopped; heal lets them go on", _freeze
    ),
    "off": Kind("NODE|SITE[,...]", "nodes without power: no carrier, daemons gone; heal starts them", _off),
}  # fmt: skip
