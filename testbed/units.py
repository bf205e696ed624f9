"""Quantities with their unit: text at the edge, exact integers inside.

A :class:`Duration` is whole nanoseconds, a :class:`Rate` whole bits per second, a :class:`Size` whole bytes and a
:class:`Ratio` whole parts per billion. All are ``int`` subclasses, so arithmetic and JSON need nothing special, and
``str()`` gives the shortest text that parses back to the same value.

A bare number is refused (``parse("20")`` raises): a number without its unit is how delays become rates.
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import ClassVar, Self

_QUANTITY = re.compile(r"\s*([+-]?[0-9]+(?:\.[0-9]+)?|[+-]?\.[0-9]+)\s*([^\s0-9.+-]\S*)\s*")


class UnitError(ValueError):
    """The text is not a quantity of the wanted kind."""


class Quantity(int):
    """An exact integer in ``base`` units that reads and prints text with a unit."""

    units: ClassVar[dict[str, int]]
    """Unit to how many base units it is, smallest first; the first spelling of a size is the one printed."""
    kind: ClassVar[str]
    example: ClassVar[str]
    smallest: ClassVar[int] = 0
    largest: ClassVar[int | None] = None

    @classmethod
    def parse(cls, value: str | Self) -> Self:
        """Read text such as ``"20 ms"``. A value that is of this type already is returned as it is.

        Raises:
            UnitError: no unit, an unknown unit, a value that is no whole number of base units, or one out of range.
        """
        if isinstance(value, cls):
            return value
        match = _QUANTITY.fullmatch(value) if isinstance(value, str) else None
        if match is None:
            raise UnitError(f"{value!r} is not a {cls.kind}: write a number and a unit, such as {cls.example!r}")
        number, unit = match.groups()
        if unit not in cls.units:
            raise UnitError(f"{value!r} has no unit of a {cls.kind}: use one of {', '.join(cls.units)}")
        try:
            exact = Decimal(number) * cls.units[unit]
        except InvalidOperation as error:  # pragma: no cover - the pattern admits only decimals
            raise UnitError(f"{value!r} is not a number") from error
        if exact != exact.to_integral_value():
            raise UnitError(f"{value!r} is finer than this tool counts: the smallest step is {cls(1)}")
        if exact < cls.smallest or (cls.largest is not None and exact > cls.largest):
            raise UnitError(f"{value!r} is out of range: a {cls.kind} {cls._range()}")
        return cls(int(exact))

    @classmethod
    def _range(cls) -> str:
        if cls.largest is None:
            return f"is at least {cls(cls.smallest)}"
        return f"lies between {cls(cls.smallest)} and {cls(cls.largest)}"

    def __str__(self) -> str:
        name, scale = next(iter(self.units.items()))
        for unit, size in self.units.items():
            if size > scale and abs(int(self)) >= size and _is_short(int(self), size):
                name, scale = unit, size
        number = Decimal(int(self)) / scale
        return f"{number.normalize():f} {name}" if number else f"0 {name}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"


def _is_short(value: int, scale: int) -> bool:
    """True when ``value / scale`` needs at most three decimals, so that the larger unit reads better."""
    return value * 1000 % scale == 0


class Duration(Quantity):
    """Whole nanoseconds."""

    units = {"ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9, "min": 60 * 10**9, "h": 3600 * 10**9}
    kind = "duration"
    example = "20 ms"

    @property
    def seconds(self) -> float:
        """For display and for calls that want a float."""
        return int(self) / 10**9

    @property
    def ms(self) -> float:
        """For display and for calls that want a float."""
        return int(self) / 10**6


class Rate(Quantity):
    """Whole bits per second."""

    units = {"bit/s": 1, "kbit/s": 10**3, "Mbit/s": 10**6, "Gbit/s": 10**9}
    kind = "rate"
    example = "1 Gbit/s"
    smallest = 1


class Size(Quantity):
    """Whole bytes. ``kB`` is 1,000 and ``KiB`` 1,024."""

    units = {
        "B": 1, "kB": 10**3, "KiB": 2**10, "MB": 10**6, "MiB": 2**20, "GB": 10**9, "GiB": 2**30,
    }  # fmt: skip
    kind = "size"
    example = "1500 B"


class Ratio(Quantity):
    """A share between 0 and 1, in whole parts per billion."""

    units = {"ppb": 1, "ppm": 10**3, "%": 10**7}
    kind = "ratio"
    example = "0.5 %"
    largest = 10**9

    @property
    def fraction(self) -> float:
        """Between 0 and 1, for display and statistics."""
        return int(self) / 10**9
