"""Results as people read them in a terminal: how measurements are distributed over seeds, and which seeds failed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from testbed.numbers import counted, number
from testbed.suite.results import CaseResult, by_test, spreads

HEAD = ("lowest", "lower quartile", "median", "upper quartile", "highest")


def seed_lines(results: Sequence[CaseResult]) -> Iterator[str]:
    """For each test that was done with several seeds: verdicts, seeds that did not pass, and a row a measurement."""
    rows = spreads(results)
    for name, some in by_test(results).items():
        if len(some) < 2:
            continue
        yield ""
        yield f"{name}: {_verdicts(some)}"
        mine = [row for row in rows if row.test == name]
        wide = max((len(row.measurement) for row in mine), default=0)
        if mine:
            yield f"  {'':{wide}}  " + "  ".join(f"{word:>14}" for word in HEAD)
        for row in mine:
            numbers = "  ".join(f"{number(value):>14}" for value in row.summary.values())
            yield f"  {row.measurement:{wide}}  {numbers}  {row.unit}"


def _verdicts(some: Sequence[CaseResult]) -> str:
    parts = []
    for verdict in ("PASS", "FAIL", "UNKNOWN", "SKIPPED"):
        seeds = sorted(each.seed for each in some if each.verdict == verdict)
        if seeds:
            which = "" if verdict == "PASS" else f" (seed {', '.join(map(str, seeds))})"
            parts.append(f"{len(seeds)} {verdict}{which}")
    return f"{counted(len(some), 'seed')}, " + ", ".join(parts)
