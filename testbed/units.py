"""Quantities with their unit: text at the edge, exact integers inside.

A :class:`Duration` is whole nanoseconds, a :class:`Rate` whole bits per second, a :class:`Size` whole bytes and a
:class:`Ratio` whole parts per billion. All are ``int`` subclasses, so arithmetic and JSON need nothing special, and
``str()`` gives a short text that parses back to the same value.

A bare number is refused (``parse("20")`` raises): a number without its unit is how delays become rates. Plain ``0`` is
the same in every unit, and needs none.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic_core import CoreSchema

_QUANTITY = re.compile(r"\s*([+-]?[0-9]{1,30}(?:\.[0-9]{1,30})?|[+-]?\.[0-9]{1,30})\s*([^\s0-9.+-]\S*)\s*")
_DIGITS_MAX = 3
"""A larger unit is printed where it needs at most so many decimals: ``1.446 ms``, but ``1446500 ns``; arbitrary."""


class UnitError(ValueError):
    """The text is not a quantity of the wanted kind."""


class Quantity(int):
    """An exact integer in ``base`` units that reads and prints text with a unit."""

    units: ClassVar[Mapping[str, int]]
    """Unit to how many base units it is, smallest first."""
    whole: ClassVar[frozenset[str]] = frozenset()
    """Units that are printed for whole numbers only: 90 s is not called 1.5 min."""
    small: ClassVar[frozenset[str]] = frozenset()
    """Units that are printed for less than one, too: 0.5 % is not called 5000 ppm."""
    kind: ClassVar[str]
    example: ClassVar[str]
    """Text that parses; its unit is the one that zero is printed in."""
    smallest: ClassVar[int] = 0
    largest: ClassVar[int | None] = None

    @classmethod
    def parse(cls, value: object) -> Self:
        """Read text such as ``"20 ms"``. A value that is of this type already is returned as it is.

        Raises:
            UnitError: no text, no unit, an unknown unit, no whole number of base units, or out of range.
        """
        if isinstance(value, cls):
            return value
        if value == "0" and cls.smallest <= 0:
            return cls(0)
        match = _QUANTITY.fullmatch(value) if isinstance(value, str) else None
        if match is None:
            raise UnitError(f"{value!r} is not a {cls.kind}: it takes a number and a unit")
        number, unit = match.groups()
        if unit not in cls.units:
            raise UnitError(f"{value!r} has no unit of a {cls.kind}: use one of {', '.join(cls.units)}")
        whole, _, decimals = number.partition(".")
        # Integers all the way: Decimal would round beyond its 28 digits.
        exact, rest = divmod(int(whole + decimals) * cls.units[unit], 10 ** len(decimals))
        if rest:
            raise UnitError(f"{value!r} is finer than this tool counts: the smallest step is {cls(1)}")
        if exact < cls.smallest or (cls.largest is not None and exact > cls.largest):
            raise UnitError(f"{value!r} is out of range: a {cls.kind} {cls._range()}")
        return cls(exact)

    @classmethod
    def _range(cls) -> str:
        if cls.largest is None:
            return f"is at least {cls(cls.smallest)}"
        return f"lies between {cls(cls.smallest)} and {cls(cls.largest)}"

    def __str__(self) -> str:
        if not self:
            return f"0 {self.example.rpartition(' ')[2]}"
        value, (name, scale) = abs(int(self)), next(iter(self.units.items()))
        for unit, size in self.units.items():
            step = 1 if unit in self.whole else 10**_DIGITS_MAX
            if (value >= size or unit in self.small) and value * step % size == 0:
                name, scale = unit, size
        decimals, rest = str(value * 10**_DIGITS_MAX // scale % 10**_DIGITS_MAX), value // scale
        point = "." + decimals.zfill(_DIGITS_MAX)
        return f"{'-' * (self < 0)}{rest}{point.rstrip('0').rstrip('.')} {name}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        """In JSON a quantity is its whole number of base units."""
        from pydantic_core import core_schema  # late: most uses of units need no pydantic

        whole = core_schema.int_schema(ge=cls.smallest, le=cls.largest)
        return core_schema.no_info_after_validator_function(cls, whole)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return handler(schema) | {"description": f"{cls.kind} in {next(iter(cls.units))}"}


class Duration(Quantity):
    """Whole nanoseconds."""

    units: ClassVar[Mapping[str, int]] = {
        "ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9, "min": 60 * 10**9, "h": 3600 * 10**9,
    }  # fmt: skip
    whole: ClassVar[frozenset[str]] = frozenset({"min", "h"})
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

    units: ClassVar[Mapping[str, int]] = {"bit/s": 1, "kbit/s": 10**3, "Mbit/s": 10**6, "Gbit/s": 10**9}
    kind = "rate"
    example = "1 Gbit/s"
    smallest = 1


class Size(Quantity):
    """Whole bytes. ``kB`` is 1,000 and ``KiB`` 1,024."""

    units: ClassVar[Mapping[str, int]] = {
        "B": 1, "kB": 10**3, "KiB": 2**10, "MB": 10**6, "MiB": 2**20, "GB": 10**9, "GiB": 2**30,
    }  # fmt: skip
    kind = "size"
    example = "1500 B"


class Ratio(Quantity):
    """A share between 0 and 1, in whole parts per billion."""

    units: ClassVar[Mapping[str, int]] = {"ppb": 1, "ppm": 10**3, "%": 10**7}
    small: ClassVar[frozenset[str]] = frozenset({"%"})
    kind = "ratio"
    example = "0.5 %"
    largest = 10**9

    @property
    def fraction(self) -> float:
        """Between 0 and 1, for display and statistics."""
        return int(self) / 10**9
