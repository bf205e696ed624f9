"""What a check found: numbers beside what theory expects, and one of three verdicts. The worst one wins.

UNKNOWN is not a pass: a missing sample, a check that crashed and a run without measurements all end there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from enum import IntEnum
from typing import Any, ParamSpec

from testbed.errors import InputError, Problem
from testbed.numbers import capital, interval, number, quantity, spoken
from testbed.theory.interval import Expectation

P = ParamSpec("P")


class Verdict(IntEnum):
    """Ordered: the maximum of several verdicts is the one that counts."""

    PASS = 0
    UNKNOWN = 1
    FAIL = 2


@dataclass(frozen=True)
class Measurement:
    """One number that was measured, and what it had to be.

    Attributes:
        name: what was measured, such as ``gap_dx``.
        value: the number; ``None``: nothing could be measured. A value that is not finite becomes ``None``.
        unit: of value, expected, low and high.
        expected: what theory says; it decides nothing.
        low, high: bounds of a pass, both inclusive; ``None``: unbounded on that side.
        source: where expectation and bounds come from.
        better: ``lower`` or ``higher``: which side an architect wants, for comparisons; empty: neither.
    """

    name: str
    value: float | None
    unit: str
    expected: float | None = None
    low: float | None = None
    high: float | None = None
    source: str = ""
    better: str = ""

    def __post_init__(self) -> None:
        if self.better not in ("", "lower", "higher"):
            raise ValueError(f"{self.name}: better is lower, higher or empty, not {self.better!r}")
        for field in ("value", "expected", "low", "high"):
            number = getattr(self, field)
            if number is None:
                continue
            finite = math.isfinite(number)
            if not finite and field != "value":
                raise ValueError(f"{self.name}: {field} is {number}, which bounds nothing: give a number or None")
            # numpy's numbers become plain ones, so that JSON and equality behave.
            object.__setattr__(self, field, (number if isinstance(number, int) else float(number)) if finite else None)
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ValueError(f"{self.name}: nothing lies between {self.low} and {self.high}")

    @classmethod
    def against(cls, name: str, value: float | None, theory: Expectation, better: str = "") -> Measurement:
        """A value in the unit of what theory says about it."""
        return cls(name, value, theory.unit, theory.expected, theory.low, theory.high, theory.source, better)

    @classmethod
    def wrong(cls, words: str, source: str = "") -> Measurement:
        """What is wrong and has no number of its own: 0 of 1, which fails."""
        return cls(words, 0, "", 1, 1, 1, source)

    @property
    def verdict(self) -> Verdict:
        """UNKNOWN without a value, FAIL outside the bounds, else PASS, also when there are none (for information)."""
        if self.value is None:
            return Verdict.UNKNOWN
        below = self.low is not None and self.value < self.low
        above = self.high is not None and self.value > self.high
        return Verdict.FAIL if below or above else Verdict.PASS

    @property
    def why(self) -> str:
        """One sentence: the value and what it had to be. Of what is :meth:`wrong` its name says all."""
        name = capital(spoken(self.name))
        if self.value is None:
            return f"{name}: not measured"
        if self == self.wrong(self.name, self.source):
            return self.name
        said = f"{name}: {quantity(self.value, self.unit)}"
        if self.low is None and self.high is None:
            return f"{said}, for information"
        return f"{said}{self._missed_by}, where theory allows {interval(self.low, self.high)} {self.unit}".rstrip()

    @property
    def _missed_by(self) -> str:
        """How far outside, where a bound and the value look the same once they are rounded."""
        if self.value is None:
            return ""
        for bound, side in ((self.low, "too little"), (self.high, "too much")):
            if bound is not None and bound != self.value and number(bound) == number(self.value):
                return f" ({number(abs(self.value - bound))} {side})" if self.verdict is Verdict.FAIL else ""
        return ""


@dataclass(frozen=True)
class Judgement:
    """The verdict on a run, all measurements, and the reasons for anything that is not a pass."""

    verdict: Verdict
    measurements: tuple[Measurement, ...]
    why: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """``{"verdict": "PASS", "measurements": [{"name": ..., ...}], "why": [...]}``, JSON's own types only."""
        return {
            "verdict": self.verdict.name,
            "measurements": [asdict(measurement) for measurement in self.measurements],
            "why": list(self.why),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Judgement:
        """The judgement that :meth:`to_json` wrote.

        Raises:
            InputError: another shape, a number that is not finite, or a verdict better than its measurements.
        """
        try:
            verdict = Verdict[data["verdict"]]
            measurements = tuple(_measurement(entry) for entry in data["measurements"])
            why = tuple(_text(reason) for reason in data["why"])
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(Problem("verdict", f"not a verdict as this tool writes it: {error!r}")) from error
        worst = max((measurement.verdict for measurement in measurements), default=Verdict.UNKNOWN)
        if verdict < worst:
            what = f"it says {verdict.name}, but its measurements say {worst.name}"
            raise InputError(Problem("verdict", what, "the file was changed by hand, or is from another version"))
        return cls(verdict, measurements, why)


def judge(measurements: Iterable[Measurement], unknowns: Sequence[str] = (), failures: Sequence[str] = ()) -> Judgement:
    """The worst of everything: any failure is FAIL, else any unknown or nothing measured is UNKNOWN, else PASS.

    Args:
        measurements: each with its bounds.
        unknowns: reasons why something cannot be said, such as a crashed probe.
        failures: what is wrong without a number, such as a route that leaked.
    """
    measured = tuple(measurements)
    missing = () if measured else ("nothing was measured",)
    verdicts = [measurement.verdict for measurement in measured]
    verdicts += [Verdict.FAIL] * len(failures) + [Verdict.UNKNOWN] * (len(unknowns) + len(missing))
    bad = sorted((each for each in measured if each.verdict > Verdict.PASS), key=lambda each: -each.verdict)
    why = (*failures, *unknowns, *missing, *(measurement.why for measurement in bad))
    return Judgement(max(verdicts), measured, why)


def check_safe(check: Callable[P, Judgement], *args: P.args, **kwargs: P.kwargs) -> Judgement:
    """Run a check. One that raises, or answers with anything but a judgement, is UNKNOWN and never a pass."""
    name = getattr(check, "__name__", type(check).__name__)
    try:
        found: object = check(*args, **kwargs)
    except Exception as error:  # whatever it was, it is not known whether the network is right
        return judge((), [f"the check {name} did not finish: {type(error).__name__}: {error}"])
    if not isinstance(found, Judgement):
        return judge((), [f"the check {name} returned {type(found).__name__}, not a judgement"])
    return found


def _measurement(entry: Mapping[str, Any]) -> Measurement:
    entry = {"better": "", **entry}  # runs of before have none
    names = [field.name for field in fields(Measurement)]
    if sorted(entry) != sorted(names):
        raise ValueError(f"a measurement has {', '.join(names)}, not {', '.join(map(str, entry))}")
    for name in ("name", "unit", "source", "better"):
        _text(entry[name])
    for name in ("value", "expected", "low", "high"):
        number = entry[name]
        if number is not None and (isinstance(number, bool) or not isinstance(number, int | float)):
            raise TypeError(f"{name} is {number!r}, not a number")
        if number is not None and not math.isfinite(number):
            raise ValueError(f"{name} is {number}")
    return Measurement(**entry)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not text")
    return value
