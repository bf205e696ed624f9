"""The change of a measurement that is allowed: read from text, and written as text. Pure.

``nothing``
    Every difference counts.
``50 ms``, ``3 packets``
    The smallest change that matters, in the measurement's own unit or one that converts to it. In virtual time a plain
    limit; in real time what the statistical decision is about (:mod:`testbed.baseline.decision`).
``fixed 10 %``
    A fixed percentage of the median. It knows nothing of noise: how often it is wrong is not known.
``anything``
    It is told, and decides nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from testbed.errors import InputError, Problem
from testbed.numbers import number
from testbed.units import Duration, Quantity, Rate, Ratio, Size, UnitError

Sort = Literal["nothing", "effect", "percent", "anything"]
QUANTITIES: tuple[type[Quantity], ...] = (Duration, Rate, Size, Ratio)
MARK = "a fixed percentage: how often it is wrong is not known"
HINT = "nothing, anything, 'fixed 10 %', or a quantity in the unit of the measurement"
_FIXED = re.compile(r"fixed\s*([0-9.]+)\s*%")
_PLAIN = re.compile(r"([0-9.]+(?:e-?[0-9]+)?)\s*(.*)")


@dataclass(frozen=True)
class Allowed:
    """A change that is allowed; ``value`` is in the measurement's unit, or a percentage."""

    sort: Sort
    value: float = 0.0

    def text(self, unit: str) -> str:
        """As :func:`parse` reads it."""
        if self.sort == "percent":
            return f"fixed {self.value:g} %"
        return f"{self.value!r} {unit}".rstrip() if self.sort == "effect" else self.sort

    def words(self, unit: str) -> str:
        """As people read it."""
        if self.sort == "percent":
            return f"{self.value:g} % ({MARK})"
        return f"{number(self.value)} {unit}".rstrip() if self.sort == "effect" else self.sort

    def limit(self, median: float) -> float | None:
        """How far a value may be from ``median``, in its unit; ``None``: as far as it likes."""
        if self.sort == "anything":
            return None
        return abs(median) * self.value / 100 if self.sort == "percent" else self.value


NOTHING, ANYTHING = Allowed("nothing"), Allowed("anything")


def parse(name: str, text: str, unit: str) -> Allowed:
    """Read what is allowed of the measurement ``name``. Raises :class:`InputError`."""
    text = text.strip()
    if text in ("nothing", "anything"):
        return NOTHING if text == "nothing" else ANYTHING
    if fixed := _FIXED.fullmatch(text):
        return Allowed("percent", _positive(name, fixed[1]))
    if text.endswith("%") and unit != "%":
        hint = f"write '{name}=fixed {text}' if a fixed percentage is meant: {MARK}"
        raise InputError(Problem(f"allowed of {name}", f"{text!r} is no {unit or 'plain number'}", hint))
    for kind in QUANTITIES:
        if unit in kind.units and not text.endswith(f" {unit}"):
            try:
                return Allowed("effect", int(kind.parse(text)) / kind.units[unit])
            except UnitError as error:
                raise InputError(Problem(f"allowed of {name}", str(error), HINT)) from error
    plain = _PLAIN.fullmatch(text)
    if plain is None or plain[2] != unit:
        what = f"{text!r} is no change of something in {unit or 'plain numbers'}"
        raise InputError(Problem(f"allowed of {name}", what, HINT))
    return Allowed("effect", _positive(name, plain[1]))


def _positive(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise InputError(Problem(f"allowed of {name}", f"{text!r} is no number", HINT)) from error
