"""JUnit XML of results, for suites that pytest does not run. UNKNOWN is an error of its own kind."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from testbed.numbers import quantity
from testbed.report.drawing import write_page
from testbed.suite.results import CaseResult, counts

KIND = "testbed.unknown"
"""The type of an error that says UNKNOWN."""
VERDICT = "testbed.verdict"
"""A property of a test case."""


def properties(result: CaseResult) -> list[tuple[str, str]]:
    """What a test case has besides its outcome."""
    found = [(VERDICT, result.verdict), ("testbed.seed", str(result.seed)), ("testbed.topology", result.topology)]
    found += [("testbed.directory", result.directory)] if result.directory else []
    return [*found, *((f"testbed.measured.{each.name}", quantity(each.value, each.unit)) for each in result.measured)]


def write(results: Sequence[CaseResult], file: Path) -> None:
    """Write the file."""
    cases = [(each, properties(each)) for each in results]
    values = {"cases": cases, "counts": counts(results), "kind": KIND, "wall_s": sum(each.wall_s for each in results)}
    write_page(file, "junit.xml.j2", values)
