"""What theory says of the distribution of a cell's values, and whether they follow it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from testbed.check.cells import trusted
from testbed.check.consistency import FAMILY, VALUES_MIN, Table, p_value, tabulate
from testbed.study import CellResult
from testbed.sweep.planned import Planned
from testbed.verdict import Measurement

Laws = Mapping[str, Mapping[str, Table]]
"""By cell and measurement."""


def tables(planned: Planned) -> dict[str, dict[str, Table]]:
    """Those of all cells; empty where no scenario knows any."""
    found = {}
    for cell in planned.cells:
        known = {name: tabulate(theory) for name, theory in cell.theory.items()}
        found[cell.cell.name] = {name: table for name, table in known.items() if table is not None}
    return found if any(found.values()) else {}


def to_json(laws: Laws) -> dict[str, Any]:
    """What ``laws.json`` says."""
    return {cell: {name: table.to_json() for name, table in found.items()} for cell, found in laws.items()}


def consistent(results: Sequence[CellResult], laws: Laws) -> Iterator[Measurement]:
    """A p-value for each distribution that has values enough. Together they fail a true theory once in a thousand."""
    tests = []
    for result in results:
        for name, table in laws.get(result.cell.name, {}).items():
            values = [m.value for run in trusted(result) for m in run.judgement.measurements if m.name == name]
            known = [value for value in values if value is not None]
            if len(known) >= VALUES_MIN:
                tests.append((result.cell.name, name, known, table))
    for cell, name, known, table in tests:
        low = FAMILY / len(tests)
        source = f"{table.source}; Kolmogorov's test, {len(known)} values, {FAMILY:g} shared by {len(tests)} tests"
        yield Measurement(f"p_value_of_{name}, {cell}", p_value(known, table), "", None, low, None, source)
