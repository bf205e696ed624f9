"""What a kind of fault is made of, and what it may look at and act on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from testbed.daemons.stores import Stores
from testbed.errors import InputError, Problem, known
from testbed.fault.fault import Fault
from testbed.fault.programs import Programs
from testbed.fault.words import Reader
from testbed.net.apply import Network
from testbed.plan.plan import PlannedLink


@dataclass(frozen=True)
class World:
    """What there is to break."""

    network: Network
    programs: Programs
    stores: Stores | None = None

    def link(self, name: str) -> PlannedLink:
        """The link of that name. Raises :class:`InputError`."""
        plan = self.network.plan
        try:
            return plan.link(name)
        except KeyError:
            names = [planned.name for planned in (*plan.links, *plan.access)]
            raise InputError(Problem(f"link {name}", "no such link", known(name, names))) from None


def nothing_more(fault: Fault, values: Mapping[str, Any]) -> None:
    """For kinds whose target says it all."""


@dataclass(frozen=True)
class Kind:
    """One kind of fault.

    Attributes:
        takes: its target, and its direction where it takes one, as the help writes them.
        help: what it does, in a line.
        aim: the fault for a target. Raises :class:`InputError`; changes nothing.
        shape: what options, read by ``options``, and directions make of it. Raises :class:`InputError`.
        directed: one direction may be named.
    """

    takes: str
    help: str
    aim: Callable[[World, str], Fault]
    shape: Callable[[Fault, Mapping[str, Any]], None] = nothing_more
    options: Mapping[str, Reader] = field(default_factory=dict)
    directed: bool = False
