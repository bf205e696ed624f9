"""One fault, as a value: what it does to the network while it is on, whatever its kind is called."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from testbed.fault.programs import Undo
from testbed.model import Impairment
from testbed.net.blackholes import Blackhole
from testbed.plan.plan import DIRECTIONS, Direction
from testbed.units import Duration, Rate

Change = Callable[[Impairment], Impairment]


@dataclass(eq=False)
class Fault:
    """One fault. Its kind fills in what it breaks (:mod:`testbed.fault.kinds`); :class:`Faults` lays it over the rest.

    Attributes:
        target: as the user named it.
        links: those that it changes: what they do to packets (``change``, ``rate``).
        ports: of the fabric that lose their carrier, by index.
        holes: what vanishes underway.
        acts: what else is done when it begins, in order; each says how it is undone. Undone in the opposite order.
        phases: how long it is on, then off, again and again; ``None``: it stays on.
        options: what it was given besides, as text.
        on: false in the phases in which a flapping link works.
        since_ns: when it began, on the record's scale.
    """

    target: str
    kind: str = ""
    links: tuple[str, ...] = ()
    directions: tuple[Direction, ...] = DIRECTIONS
    change: Change | None = None
    rate: Rate | None = None
    ports: frozenset[int] = frozenset()
    holes: frozenset[Blackhole] = frozenset()
    acts: tuple[Callable[[], Undo], ...] = ()
    phases: tuple[Duration, Duration] | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    on: bool = True
    undo: list[Undo] = field(default_factory=list)
    number: int = 0
    since_ns: int = 0
