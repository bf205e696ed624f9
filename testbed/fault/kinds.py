"""The kinds of fault there are, by name: how a target is read, what it is given besides, and what breaks then.

A further kind is a module with a mapping ``KINDS`` of its own, and a line in :data:`KINDS` here.
"""

from __future__ import annotations

from collections.abc import Mapping

from testbed.errors import InputError, Problem, known
from testbed.fault import links, nodes, stall, words
from testbed.fault.fault import Fault
from testbed.fault.kind import Kind, World
from testbed.plan.plan import DIRECTIONS, Direction

KINDS: Mapping[str, Kind] = {**links.KINDS, **nodes.KINDS, **stall.KINDS}


def make(world: World, kind: str, target: str, direction: Direction | None, options: Mapping[str, str]) -> Fault:
    """A fault that has not begun. Raises :class:`InputError` with everything that is wrong with it."""
    if kind not in KINDS:
        raise InputError(Problem(f"fault {kind}", "no such kind", known(kind, KINDS)))
    found = KINDS[kind]
    problems: list[Problem] = []
    if direction is not None and not found.directed:
        problems.append(Problem(f"fault {kind}", "has no direction", f"leave {direction} away"))
    fault, read = Fault(target), words.Options()
    try:
        fault = found.aim(world, target)
    except InputError as error:
        problems += error.problems
    try:
        read = words.read(f"fault {kind}", options, found.options)
    except InputError as error:
        problems += error.problems
    if problems:
        raise InputError(problems)
    fault.kind, fault.directions, fault.options = kind, (direction,) if direction else DIRECTIONS, read.text
    found.shape(fault, read.values)
    return fault


def help_lines() -> list[tuple[str, str]]:
    """(how it is written, what it does) of each kind."""
    return [(f"{name} {kind.takes}", kind.help) for name, kind in KINDS.items()]
