"""Faults in words: an impairment's fields, and what else a fault takes, as text from the command line or a scenario."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, get_args

from testbed.errors import InputError, Problem
from testbed.model import Distribution, FourState, GilbertElliott, Slot
from testbed.units import Duration, Rate, Ratio, Size, UnitError

Reader = Callable[[str], Any]
GILBERT, STATES = "gilbert:", "states:"
"""What the text of a loss with a memory begins with: the names are tc-netem(8)'s."""


def _parts(text: str, kind: type[Ratio], least: int, most: int, form: str) -> list[Ratio]:
    words = text.split(",")
    if not least <= len(words) <= most:
        raise UnitError(f"{text!r} is not of the form {form}")
    return [kind.parse(word) for word in words]


def loss(text: str) -> Ratio | GilbertElliott | FourState:
    """``0.5 %``, or ``gilbert:P,R[,BAD[,GOOD]]``, or ``states:P13[,P31[,P32[,P23[,P14]]]]``."""
    if text.startswith(GILBERT):
        form = f"{GILBERT}P,R[,BAD[,GOOD]]"
        names = ("p", "r", "loss_bad", "loss_good")
        return GilbertElliott(**dict(zip(names, _parts(text.removeprefix(GILBERT), Ratio, 2, 4, form), strict=False)))
    if text.startswith(STATES):
        form = f"{STATES}P13[,P31[,P32[,P23[,P14]]]]"
        states = ("p13", "p31", "p32", "p23", "p14")
        return FourState(**dict(zip(states, _parts(text.removeprefix(STATES), Ratio, 1, 5, form), strict=False)))
    return Ratio.parse(text)


def slot(text: str) -> Slot:
    """``MIN,MAX[,PACKETS[,BYTES]]``."""
    words = text.split(",")
    if not 2 <= len(words) <= 4:
        raise UnitError(f"{text!r} is not of the form MIN,MAX[,PACKETS[,BYTES]], such as 10ms,20ms,5")
    packets = _count(words[2]) if len(words) > 2 else 0
    size = Size.parse(words[3]) if len(words) > 3 else Size(0)
    return Slot(min=Duration.parse(words[0]), max=Duration.parse(words[1]), packets=packets, bytes=size)


def table(text: str) -> tuple[Duration, ...]:
    """Measured delays, separated by commas or blanks between lines."""
    return tuple(Duration.parse(word) for word in text.replace("\n", ",").split(",") if word.strip())


def _count(text: str) -> int:
    if not text.strip().isdecimal():
        raise UnitError(f"{text!r} is not a whole number")
    return int(text)


def _yes_no(text: str) -> bool:
    return bool(_one_of("yes", "no")(text) == "yes")


def _one_of(*choices: str) -> Reader:
    def read(text: str) -> str:
        if text not in choices:
            raise UnitError(f"{text!r} is not one of {', '.join(choices)}")
        return text

    return read


IMPAIRMENT: Mapping[str, Reader] = {
    "delay": Duration.parse, "jitter": Duration.parse, "distribution": _one_of(*get_args(Distribution)),
    "table": table, "ordered": _yes_no, "delay_correlation": Ratio.parse,
    "loss": loss, "loss_correlation": Ratio.parse,
    "duplicate": Ratio.parse, "duplicate_correlation": Ratio.parse,
    "corrupt": Ratio.parse, "corrupt_correlation": Ratio.parse,
    "reorder": Ratio.parse, "reorder_correlation": Ratio.parse, "reorder_gap": _count, "slot": slot,
}  # fmt: skip
"""Every field of :class:`testbed.model.Impairment`, and how its text is read."""
RATE: Mapping[str, Reader] = {"rate": Rate.parse}
FLAP: Mapping[str, Reader] = {"period": Duration.parse, "duty": Ratio.parse, "by": _one_of("carrier", "silent")}
BROWNOUT: Mapping[str, Reader] = {"loss": Ratio.parse, "extra": Duration.parse}


@dataclass
class Options:
    """What a fault was given besides its target: values by name, and their text for status and record."""

    values: dict[str, Any] = field(default_factory=dict)
    text: dict[str, str] = field(default_factory=dict)


def read(where: str, given: Mapping[str, str], known: Mapping[str, Reader]) -> Options:
    """Read options. Raises :class:`InputError` with every one that cannot be."""
    problems: list[Problem] = []
    options = Options()
    for name, text in given.items():
        if name not in known:
            names = ", ".join(known) or "none"
            problems.append(Problem(f"{where}, {name}", "no such option of this kind of fault", f"known: {names}"))
            continue
        try:
            options.values[name] = known[name](str(text))
        except UnitError as error:
            problems.append(Problem(f"{where}, {name}", str(error)))
        options.text[name] = str(text)
    if problems:
        raise InputError(problems)
    return options
