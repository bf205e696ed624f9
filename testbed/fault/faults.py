"""Faults: what breaks, laid over what was planned, and always healed in the end.

Several faults compose, whatever their kinds (:mod:`testbed.fault.kinds`). On one link each is a function from an
impairment to an impairment, applied in the order in which they began; healing takes one out and applies the rest again.
A port is without carrier, and an address's packets vanish, while at least one fault says so.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count

from testbed.clock import Waiter
from testbed.daemons.stores import Stores
from testbed.errors import InputError, Problem, known
from testbed.fault import kinds
from testbed.fault.fault import Change, Fault
from testbed.fault.kind import World
from testbed.fault.programs import Programs
from testbed.history import Recorder
from testbed.net.apply import Network
from testbed.plan.plan import DIRECTIONS, Direction
from testbed.units import Duration


class Faults:
    """The faults of one lab. Each kind is a method, too: ``lab.fault.silent("dx")`` is :meth:`start` of that kind."""

    def __init__(
        self, network: Network, recorder: Recorder, waiter: Waiter, programs: Programs, stores: Stores | None = None
    ) -> None:
        self._network = network
        self._recorder = recorder
        self._waiter = waiter
        self._world = World(network, programs, stores)
        self._active: dict[int, Fault] = {}
        self._numbers = count(1)

    def __getattr__(self, kind: str) -> Callable[..., contextlib.AbstractContextManager[Fault]]:
        """A kind of fault as a method: target, direction and options as :meth:`start` takes them."""
        if kind not in kinds.KINDS:
            raise AttributeError(f"no kind of fault {kind!r}: {known(kind, kinds.KINDS)}")
        return partial(self.start, kind)

    @property
    def active(self) -> tuple[Fault, ...]:
        """Faults that are on, oldest first."""
        return tuple(self._active.values())

    @contextlib.contextmanager
    def start(self, kind: str, target: str, direction: Direction | None = None, **options: str) -> Iterator[Fault]:
        """A fault by the name of its kind, while the block runs: see :meth:`begin`."""
        fault = self.begin(kind, target, direction, **options)
        try:
            yield fault
        finally:
            self.heal(fault)

    def begin(self, kind: str, target: str, direction: Direction | None = None, **options: str) -> Fault:
        """Begin a fault by the name of its kind; it lasts until it is healed.

        :data:`testbed.fault.kinds.KINDS` says which kinds there are, and what each takes; ``testbed fault --help``
        prints that.
        """
        return self._begin(kinds.make(self._world, kind, target, direction, options))

    @contextlib.contextmanager
    def impaired(self, link: str, change: Change, direction: Direction | None = None) -> Iterator[Fault]:
        """A brown-out: ``change`` says what the link does now, given what it did before."""
        directions = (direction,) if direction else DIRECTIONS
        name = self._world.link(link).name
        fault = self._begin(Fault(link, "impaired", (name,), directions, change))
        try:
            yield fault
        finally:
            self.heal(fault)

    def _begin(self, fault: Fault) -> Fault:
        fault.number, fault.since_ns = next(self._numbers), self._recorder.now_ns()
        self._active[fault.number] = fault  # before acting, so that half-done work is healed too
        self._recorder.event(
            "fault.start", t_ns=fault.since_ns, number=fault.number, fault=fault.kind, target=fault.target,
            directions=list(fault.directions), links=list(fault.links), options=dict(fault.options),
        )  # fmt: skip
        began = time.monotonic_ns()
        try:
            self._refresh(fault)
            for act in fault.acts:
                fault.undo.append(act())
        except BaseException:
            self.heal(fault)
            raise
        if fault.phases is not None:
            self._swing(fault, began, *fault.phases)
        return fault

    def heal(self, fault: Fault) -> None:
        """End a fault. Healing one that is healed does nothing. The event says when healing began."""
        if self._active.pop(fault.number, None) is None:
            return
        self._recorder.event("fault.heal", number=fault.number, fault=fault.kind, target=fault.target)
        with contextlib.ExitStack() as undo:  # all of it, even if a part of it fails
            for each in fault.undo:
                undo.callback(each)
            undo.callback(self._refresh, fault)

    def numbered(self, number: int) -> Fault:
        """The fault of that number. Raises :class:`InputError`."""
        if number not in self._active:
            there = ", ".join(f"{f.number} ({f.kind} {f.target})" for f in self.active) or "none"
            raise InputError(Problem(f"fault {number}", "no such fault is on", f"on: {there}"))
        return self._active[number]

    def heal_all(self) -> None:
        """End every fault, newest first."""
        for fault in reversed(self.active):
            self.heal(fault)

    def _swing(self, fault: Fault, instant_ns: int, phase: Duration, other: Duration) -> None:
        """Turn a flapping fault off or on after a phase. Instants are counted on, so lateness does not add up."""

        def turn() -> None:
            if fault.number in self._active:
                fault.on = not fault.on
                self._recorder.event("fault.flap", number=fault.number, target=fault.target, on=fault.on)
                self._refresh(fault)
                self._swing(fault, instant_ns + phase, other, phase)

        self._waiter.at(instant_ns + phase, turn)

    def _refresh(self, changed: Fault) -> None:
        """Give links, ports and addresses what the plan and all faults that are on leave of them."""
        acting = [fault for fault in self.active if fault.on]
        for link in changed.links:
            here = [fault for fault in acting if link in fault.links]
            for direction in DIRECTIONS:
                self._lay(link, direction, [fault for fault in here if direction in fault.directions])
        if changed.ports:
            self._network.unplug(frozenset().union(*(fault.ports for fault in acting)))
        if changed.holes:
            self._network.lose(frozenset().union(*(fault.holes for fault in acting)))

    def _lay(self, link: str, direction: Direction, acting: list[Fault]) -> None:
        impairment, rate = self._network.unbroken(link, direction)
        for fault in acting:
            impairment = fault.change(impairment) if fault.change is not None else impairment
            rate = fault.rate or rate
        reshaped = rate != self._network.rate(link, direction)
        if reshaped:
            self._network.reshape(link, direction, rate)
        # How many packets netem may hold depends on the rate, too.
        if reshaped or impairment != self._network.impairments[link, direction]:
            self._network.impair(link, direction, impairment)
