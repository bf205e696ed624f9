"""Faults: what breaks, laid over what was planned, and always healed in the end.

Several faults on one link compose: each is a function from an impairment to an impairment, applied in the order in
which they began; healing takes one out and applies the rest again.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import count

from testbed.errors import InputError, Problem
from testbed.model import Impairment
from testbed.net.apply import Network
from testbed.plan.plan import DIRECTIONS, Direction
from testbed.run.history import Recorder
from testbed.units import Ratio

Change = Callable[[Impairment], Impairment]


def silence(impairment: Impairment) -> Impairment:
    """Every packet vanishes; the carrier stays."""
    return replace(impairment, loss=Ratio(Ratio.largest), loss_correlation=Ratio(0))


@dataclass(frozen=True)
class Fault:
    """One fault that is on."""

    number: int
    kind: str
    target: str
    directions: tuple[Direction, ...] = DIRECTIONS
    change: Change | None = None
    undo: Callable[[], None] | None = None


class Faults:
    """The faults of one lab."""

    def __init__(self, network: Network, recorder: Recorder) -> None:
        self._network = network
        self._recorder = recorder
        self._active: dict[int, Fault] = {}
        self._numbers = count(1)

    @property
    def active(self) -> tuple[Fault, ...]:
        """Faults that are on, oldest first."""
        return tuple(self._active.values())

    @contextlib.contextmanager
    def start(self, kind: str, target: str) -> Iterator[Fault]:
        """A fault of a link by the name of its kind, for kinds that come from a parameter."""
        kinds = {"silent": self.silent, "carrier": self.carrier}
        if kind not in kinds:
            raise InputError(Problem(f"fault {kind}", "no such kind", f"known: {', '.join(kinds)}"))
        with kinds[kind](target) as fault:
            yield fault

    @contextlib.contextmanager
    def silent(self, link: str, direction: Direction | None = None) -> Iterator[Fault]:
        """Packets vanish, the carrier stays; both directions, or one."""
        yield from self._during(self.start_change("silent", link, silence, direction))

    @contextlib.contextmanager
    def carrier(self, link: str) -> Iterator[Fault]:
        """Both ends lose their carrier."""
        yield from self._during(self.start_carrier(link))

    @contextlib.contextmanager
    def impaired(self, link: str, change: Change, direction: Direction | None = None) -> Iterator[Fault]:
        """A brown-out: ``change`` says what the link does now, given what it did before."""
        yield from self._during(self.start_change("impaired", link, change, direction))

    def _during(self, fault: Fault) -> Iterator[Fault]:
        try:
            yield fault
        finally:
            self.heal(fault)

    def start_change(self, kind: str, link: str, change: Change, direction: Direction | None = None) -> Fault:
        """Begin a fault that changes what a link does to packets."""
        self._known(link)
        fault = Fault(next(self._numbers), kind, link, (direction,) if direction else DIRECTIONS, change)
        return self._begin(fault, lambda: self._refresh(link))

    def start_carrier(self, link: str) -> Fault:
        """Begin a loss of carrier."""
        self._known(link)
        fault = Fault(next(self._numbers), "carrier", link, undo=lambda: self._network.carrier(link, up=True))
        return self._begin(fault, lambda: self._network.carrier(link, up=False))

    def start_signal(
        self, kind: str, target: str, pid: int, first: signal.Signals, then: signal.Signals | None
    ) -> Fault:
        """Begin a fault of a program: freeze it (SIGSTOP, healed by SIGCONT) or kill it (never healed)."""

        def undo() -> None:
            if then is not None:
                os.killpg(pid, then)

        fault = Fault(next(self._numbers), kind, target, undo=undo)
        return self._begin(fault, lambda: os.killpg(pid, first))

    def _begin(self, fault: Fault, act: Callable[[], None]) -> Fault:
        self._active[fault.number] = fault  # before acting, so that half-done work is healed too
        self._recorder.event(
            "fault.start", number=fault.number, fault=fault.kind, target=fault.target, directions=list(fault.directions)
        )
        act()
        return fault

    def heal(self, fault: Fault) -> None:
        """End a fault. Healing one that is healed does nothing."""
        if self._active.pop(fault.number, None) is None:
            return
        if fault.undo is not None:
            fault.undo()
        if fault.change is not None:
            self._refresh(fault.target)
        self._recorder.event("fault.heal", number=fault.number, fault=fault.kind, target=fault.target)

    def heal_all(self) -> None:
        """End every fault, newest first."""
        for fault in reversed(self.active):
            self.heal(fault)

    def _refresh(self, link: str) -> None:
        planned = self._network.plan.link(link)
        for direction in DIRECTIONS:
            wanted = planned.impairment(direction)
            for fault in self.active:
                if fault.target == link and fault.change is not None and direction in fault.directions:
                    wanted = fault.change(wanted)
            if self._network.impairments[link, direction] != wanted:
                self._network.impair(link, direction, wanted)

    def _known(self, link: str) -> None:
        try:
            self._network.plan.link(link)
        except KeyError:
            known = ", ".join(planned.name for planned in self._network.plan.links)
            raise InputError(Problem(f"link {link}", "no such link", f"known: {known}")) from None
