"""What became of tests: one list, of which the terminal, JSON, JUnit, the page and GitHub tell. Pure."""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from testbed.verdict import Measurement

Verdict = Literal["PASS", "FAIL", "UNKNOWN", "SKIPPED"]
WORST: tuple[Verdict, ...] = ("FAIL", "UNKNOWN", "PASS", "SKIPPED")
FORMAT = 1


@dataclass(frozen=True, kw_only=True)
class CaseResult:
    """One test with one seed.

    Attributes:
        test: what it is called, seed and all; ``name`` without.
        why: the reason for anything but a pass; empty else.
        directory: of its lab's run; gone where it was not to be kept.
        file, line: where it stands; line 0 where that is not known.
        again: the command that runs it alone.
    """

    test: str
    name: str
    seed: int
    topology: str
    verdict: Verdict
    why: str
    measured: tuple[Measurement, ...]
    directory: str
    file: str
    line: int
    wall_s: float
    again: str


@dataclass(frozen=True)
class Spread:
    """One measurement of one test over its seeds."""

    test: str
    measurement: str
    unit: str
    values: tuple[float, ...]

    @property
    def summary(self) -> dict[str, float]:
        """Lowest, quartiles (inclusive method) and highest."""
        if len(self.values) == 1:
            return dict.fromkeys(("lowest", "lower_quartile", "median", "upper_quartile", "highest"), self.values[0])
        low, middle, high = statistics.quantiles(self.values, n=4, method="inclusive")
        return {
            "lowest": min(self.values), "lower_quartile": low, "median": middle, "upper_quartile": high,
            "highest": max(self.values),
        }  # fmt: skip


def worst(results: Sequence[CaseResult]) -> Verdict:
    """The verdict of all; UNKNOWN of none, and of skipped ones alone."""
    found = {each.verdict for each in results} - {"SKIPPED"}
    return next((verdict for verdict in WORST if verdict in found), "UNKNOWN")


def counts(results: Sequence[CaseResult]) -> dict[Verdict, int]:
    """How many of each verdict, the worst first."""
    return {verdict: sum(each.verdict == verdict for each in results) for verdict in WORST}


def spreads(results: Sequence[CaseResult]) -> list[Spread]:
    """Every measurement of every test that was done with several seeds."""
    found: dict[tuple[str, str, str], list[float]] = {}
    for each in results:
        for one in each.measured:
            if one.value is not None:
                found.setdefault((each.name, one.name, one.unit), []).append(float(one.value))
    return [Spread(*key, tuple(values)) for key, values in found.items() if len(values) > 1]


def by_test(results: Sequence[CaseResult]) -> Mapping[str, list[CaseResult]]:
    """The results of each test, over its seeds."""
    found: dict[str, list[CaseResult]] = {}
    for each in results:
        found.setdefault(each.name, []).append(each)
    return found


def to_json(results: Sequence[CaseResult]) -> str:
    """For machines: each test, and how its measurements are distributed over seeds."""
    told: dict[str, Any] = {
        "format": FORMAT, "verdict": worst(results), "counts": counts(results),
        "tests": [asdict(each) for each in results],
        "distributions": [
            {"test": each.test, "measurement": each.measurement, "unit": each.unit, "values": each.values}
            | each.summary
            for each in spreads(results)
        ],
    }  # fmt: skip
    return json.dumps(told, indent=1) + "\n"
