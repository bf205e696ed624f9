"""Faults: what breaks, laid over what was planned, and always healed in the end.

Several faults on one link compose: each is a function from an impairment to an impairment, applied in the order in
which they began; healing takes one out and applies the rest again. The same holds for rates and for the carrier.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Literal

from testbed.clock import Waiter
from testbed.errors import InputError, Problem, known
from testbed.fault import words
from testbed.fault.programs import Programs
from testbed.history import Recorder
from testbed.model import Impairment
from testbed.net.apply import Network
from testbed.plan.plan import DIRECTIONS, Direction
from testbed.units import Duration, Rate, Ratio

Change = Callable[[Impairment], Impairment]
How = Literal["carrier", "silent"]

PERIOD, DUTY = Duration(10 * 10**9), Ratio(500_000_000)
"""Of a flap that is given none: down for 5 s, up for 5 s; arbitrary."""
PHASE_MIN = Duration(10**6)
"""Shortest time up or down: less is less than the kernel's timers promise; arbitrary."""


def silence(impairment: Impairment) -> Impairment:
    """Every packet vanishes; the carrier stays."""
    return replace(impairment, loss=Ratio(Ratio.largest or 0), loss_correlation=Ratio(0))


@dataclass(eq=False)
class Fault:
    """One fault.

    Attributes:
        target: as the user named it.
        links: those that it changes: what they do to packets (``change``, ``rate``), or their carrier.
        options: what it was given besides, as text.
        on: false in the phases in which a flapping link works.
        undo: what heals it where links are not all.
        since_ns: when it began, on the record's scale.
    """

    kind: str
    target: str
    links: tuple[str, ...] = ()
    directions: tuple[Direction, ...] = DIRECTIONS
    change: Change | None = None
    rate: Rate | None = None
    carrier: bool = False
    options: Mapping[str, str] = field(default_factory=dict)
    on: bool = True
    undo: Callable[[], None] | None = None
    number: int = 0
    since_ns: int = 0


class Faults:
    """The faults of one lab."""

    def __init__(self, network: Network, recorder: Recorder, waiter: Waiter, programs: Programs) -> None:
        self._network = network
        self._recorder = recorder
        self._waiter = waiter
        self._programs = programs
        self._active: dict[int, Fault] = {}
        self._numbers = count(1)

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

        ``silent`` (packets vanish, the carrier stays), ``impaired`` (a brown-out; options: an impairment's fields and
        ``rate``) and ``flap`` (options: ``period``, ``duty``, ``by``) take a link and, if not both, a direction;
        ``carrier`` takes a link; ``partition`` names of sites, cut off from all others, or of links; ``kill`` and
        ``freeze`` a node, or ``node/daemon``.
        """
        kinds: dict[str, Callable[[str, tuple[Direction, ...], Mapping[str, str]], Fault]] = {
            "silent": self._silent, "carrier": self._carrier, "impaired": self._impaired, "flap": self._flap,
            "partition": self._partition, "kill": self._kill, "freeze": self._freeze,
        }  # fmt: skip
        if kind not in kinds:
            raise InputError(Problem(f"fault {kind}", "no such kind", known(kind, kinds)))
        fault = kinds[kind](target, (direction,) if direction else DIRECTIONS, options)
        if direction is not None and fault.directions == DIRECTIONS:
            raise InputError(Problem(f"fault {kind}", "has no direction", f"leave {direction} away"))
        return self._begin(fault)

    @contextlib.contextmanager
    def impaired(self, link: str, change: Change, direction: Direction | None = None) -> Iterator[Fault]:
        """A brown-out: ``change`` says what the link does now, given what it did before."""
        self._known(link)
        directions = (direction,) if direction else DIRECTIONS
        fault = self._begin(Fault("impaired", link, (link,), directions, change))
        try:
            yield fault
        finally:
            self.heal(fault)

    def _silent(self, link: str, directions: tuple[Direction, ...], options: Mapping[str, str]) -> Fault:
        words.read("fault silent", options, {})
        return Fault("silent", self._known(link), (link,), directions, silence)

    def _carrier(self, link: str, _: tuple[Direction, ...], options: Mapping[str, str]) -> Fault:
        words.read("fault carrier", options, {})
        return Fault("carrier", self._known(link), (link,), carrier=True)

    def _impaired(self, link: str, directions: tuple[Direction, ...], options: Mapping[str, str]) -> Fault:
        read = words.read(f"link {self._known(link)}", options, {**words.IMPAIRMENT, **words.RATE})
        if not read.values:
            raise InputError(Problem(f"link {link}", "nothing to change was given", "for example a delay of 20 ms"))
        rate = read.values.pop("rate", None)
        fields = dict(read.values)
        if "loss" in fields and "loss_correlation" not in fields:
            fields["loss_correlation"] = Ratio(0)  # it belongs to the loss that is replaced
        return Fault(
            "impaired", link, (link,), directions, lambda before: replace(before, **fields), rate, options=read.text
        )

    def _flap(self, link: str, directions: tuple[Direction, ...], options: Mapping[str, str]) -> Fault:
        read = words.read(f"flap of {self._known(link)}", options, words.FLAP)
        period, duty = read.values.get("period", PERIOD), read.values.get("duty", DUTY)
        by: How = read.values.get("by", "carrier" if directions == DIRECTIONS else "silent")
        down = Duration(round(period * duty.fraction))
        if min(down, period - down) < PHASE_MIN:
            what = f"down for {down} of {period}"
            raise InputError(Problem(f"flap of {link}", what, f"up and down take at least {PHASE_MIN} each"))
        if by == "carrier" and directions != DIRECTIONS:
            raise InputError(Problem(f"flap of {link}", "a carrier has no direction", "by=silent has one"))
        fault = Fault(
            "flap", link, (link,), directions, silence if by == "silent" else None, carrier=by == "carrier",
            options={"period": str(period), "duty": str(duty), "by": by},
        )  # fmt: skip
        self._swing(fault, time.monotonic_ns(), down, Duration(period - down))
        return fault

    def _swing(self, fault: Fault, instant_ns: int, phase: Duration, other: Duration) -> None:
        """Turn a flapping fault off or on after a phase. Instants are counted on, so lateness does not add up."""

        def turn() -> None:
            if fault.number in self._active:
                fault.on = not fault.on
                self._recorder.event("fault.flap", number=fault.number, target=fault.target, on=fault.on)
                self._refresh(fault)
                self._swing(fault, instant_ns + phase, other, phase)

        self._waiter.at(instant_ns + phase, turn)

    def _partition(self, target: str, _: tuple[Direction, ...], options: Mapping[str, str]) -> Fault:
        words.read("fault partition", options, {})
        plan = self._network.plan
        site = {node.name: node.site for node in plan.nodes}
        links = {link.name: (site[link.a.node], site[link.b.node]) for link in plan.links}
        names = target.split(",")
        there = {*site.values(), *links} - {""}
        if unknown := [name for name in names if name not in there]:
            what = "neither a site nor a link"
            raise InputError(Problem(f"partition {name}", what, known(name, there)) for name in unknown)
        cut = tuple(link for link, ends in links.items() if link in names or len({e in names for e in ends}) == 2)
        if not cut:
            raise InputError(Problem(f"partition {target}", "no link leads out of it", "name fewer sites, or a link"))
        return Fault("partition", target, cut, change=silence)

    def _kill(self, target: str, _: tuple[Direction, ...], options: Mapping[str, str]) -> Fault:
        words.read("fault kill", options, {})
        self._programs.check(target)
        return Fault("kill", target)

    def _freeze(self, target: str, _: tuple[Direction, ...], options: Mapping[str, str]) -> Fault:
        words.read("fault freeze", options, {})
        self._programs.check(target)
        return Fault("freeze", target)

    def _begin(self, fault: Fault) -> Fault:
        fault.number, fault.since_ns = next(self._numbers), self._recorder.now_ns()
        self._active[fault.number] = fault  # before acting, so that half-done work is healed too
        self._recorder.event(
            "fault.start", number=fault.number, fault=fault.kind, target=fault.target,
            directions=list(fault.directions), links=list(fault.links), options=dict(fault.options),
        )  # fmt: skip
        try:
            if fault.kind in ("kill", "freeze"):
                act = self._programs.kill if fault.kind == "kill" else self._programs.freeze
                fault.undo = act(fault.target)
            self._refresh(fault)
        except BaseException:
            self.heal(fault)
            raise
        return fault

    def heal(self, fault: Fault) -> None:
        """End a fault. Healing one that is healed does nothing."""
        if self._active.pop(fault.number, None) is None:
            return
        if fault.undo is not None:
            fault.undo()
        self._refresh(fault)
        self._recorder.event("fault.heal", number=fault.number, fault=fault.kind, target=fault.target)

    def numbered(self, number: int) -> Fault:
        """The fault of that number. Raises :class:`InputError`."""
        if number not in self._active:
            known = ", ".join(f"{f.number} ({f.kind} {f.target})" for f in self.active) or "none"
            raise InputError(Problem(f"fault {number}", "no such fault is on", f"on: {known}"))
        return self._active[number]

    def heal_all(self) -> None:
        """End every fault, newest first."""
        for fault in reversed(self.active):
            self.heal(fault)

    def _refresh(self, changed: Fault) -> None:
        """Give the links of a fault what the plan and all faults that are on leave of them."""
        for link in changed.links:
            acting = [fault for fault in self.active if fault.on and link in fault.links]
            for direction in DIRECTIONS:
                self._lay(link, direction, [fault for fault in acting if direction in fault.directions])
            dark = any(fault.carrier for fault in acting)
            if dark != (link in self._network.dark):
                self._network.carrier(link, up=not dark)

    def _lay(self, link: str, direction: Direction, acting: list[Fault]) -> None:
        planned = self._network.plan.link(link)
        impairment, rate = planned.impairment(direction), planned.rate
        for fault in acting:
            impairment = fault.change(impairment) if fault.change is not None else impairment
            rate = fault.rate or rate
        reshaped = rate != self._network.rate(link, direction)
        if reshaped:
            self._network.reshape(link, direction, rate)
        # How many packets netem may hold depends on the rate, too.
        if reshaped or impairment != self._network.impairments[link, direction]:
            self._network.impair(link, direction, impairment)

    def _known(self, link: str) -> str:
        try:
            return self._network.plan.link(link).name
        except KeyError:
            plan = self._network.plan
            names = [planned.name for planned in (*plan.links, *plan.access)]
            raise InputError(Problem(f"link {link}", "no such link", known(link, names))) from None
