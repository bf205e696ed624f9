"""A quantity that was measured: it knows its unit, and what can be said of it when not all is known.

It compares with text that has a unit, ``gap < "1s"``, and with quantities of its kind. A bare number is refused: it has
no unit. Of what was still going on when the measurement ended only the least is known: a comparison which that decides
is decided, any other raises :class:`~testbed.errors.RunError`, which is UNKNOWN.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from testbed.errors import InputError, Problem, RunError
from testbed.units import Duration, Quantity, Rate, Ratio, Size, UnitError

KINDS: tuple[type[Quantity], ...] = (Duration, Rate, Ratio, Size)
"""No unit belongs to two of them."""


@dataclass(frozen=True, eq=False, repr=False)
class Measured:
    """What was measured.

    Attributes:
        name: what of, such as ``udp-aws-a-dc-1.longest_gap``.
        quantity: how much.
        at_least: it is that much or more.
    """

    name: str
    quantity: Quantity
    at_least: bool = False

    def __str__(self) -> str:
        return f"at least {short(self.quantity)}" if self.at_least else short(self.quantity)

    def __repr__(self) -> str:
        return str(self)

    def __lt__(self, other: object) -> bool:
        return self._compare(other, lambda mine, bound: mine < bound, when_more=False)

    def __le__(self, other: object) -> bool:
        return self._compare(other, lambda mine, bound: mine <= bound, when_more=False)

    def __gt__(self, other: object) -> bool:
        return self._compare(other, lambda mine, bound: mine > bound, when_more=True)

    def __ge__(self, other: object) -> bool:
        return self._compare(other, lambda mine, bound: mine >= bound, when_more=True)

    def __eq__(self, other: object) -> bool:
        return self._compare(other, lambda mine, bound: mine == bound, when_more=False)

    def _compare(self, other: object, holds: Callable[[int, int], bool], *, when_more: bool) -> bool:
        """``when_more``: what the comparison says of a quantity that is larger than the bound."""
        bound, open_ended = self._bound(other)
        mine = int(self.quantity)
        found = holds(mine, bound)
        if not self.at_least and not open_ended:
            return found
        if not open_ended and mine > bound:
            return when_more
        if not open_ended and mine == bound and found == holds(mine + 1, bound):
            return found
        what = f"{self} compared with {other}: it is not known how much it was in the end"
        raise RunError(Problem(self.name, what, "let the probe run until it is over"))

    def _bound(self, other: object) -> tuple[int, bool]:
        """What it is compared with, and whether that may be more."""
        kind = type(self.quantity)
        if isinstance(other, Measured) and isinstance(other.quantity, kind):
            return int(other.quantity), other.at_least
        if isinstance(other, kind):
            return int(other), False
        try:
            return int(kind.parse(other)), False
        except UnitError as error:
            hint = f"compare with text that has a unit, such as {kind.example!r}"
            raise InputError(Problem(self.name, str(error), hint)) from None

    def fields(self) -> dict[str, Any]:
        """As the fields of an event."""
        kind = type(self.quantity)
        unit = next(iter(kind.units))
        found: dict[str, Any] = {"name": self.name, "value": int(self.quantity), "unit": unit}
        return found | ({"at_least": True} if self.at_least else {})


def short(quantity: Quantity) -> str:
    """For people: in the largest unit that there is one of, to three decimals. ``str`` is exact."""
    value = abs(int(quantity))
    unit, scale = next(iter(quantity.units.items()))
    for name, size in quantity.units.items():
        if value >= size and name not in quantity.whole:
            unit, scale = name, size
    return f"{round(int(quantity) / scale, 3):g} {unit}" if value else str(quantity)


def measurement(name: str, value: str | Quantity | Measured) -> Measured:
    """A measurement under a name. Raises :class:`InputError`: the value is no quantity, or has no unit."""
    if isinstance(value, Measured):
        return Measured(name, value.quantity, value.at_least)
    if isinstance(value, KINDS):
        return Measured(name, value)
    return Measured(name, _read(name, value))


def of_fields(fields: dict[str, Any]) -> Measured:
    """The measurement that an event has."""
    kind = next(kind for kind in KINDS if fields["unit"] in kind.units)
    return Measured(fields["name"], kind(fields["value"]), bool(fields.get("at_least")))


def _read(name: str, value: object) -> Quantity:
    for kind in KINDS:
        try:
            return kind.parse(value)
        except UnitError:
            continue
    hint = "a quantity has a number and a unit: " + ", ".join(repr(kind.example) for kind in KINDS)
    raise InputError(Problem(f"measurement {name}", f"{value!r} is no quantity", hint))
