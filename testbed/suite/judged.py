"""What a record of tests says of its run: each test's outcome, and what was measured. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from testbed.check.measured import Measured, of_fields
from testbed.scenario import Result
from testbed.units import Duration, Ratio
from testbed.verdict import Measurement, Verdict

STOP = "test.stop"
SHOWN = {Duration: ("s", 10**9), Ratio: ("%", 10**7)}
"""How reports write a quantity, where not in the unit that it is counted in."""


def measure(result: Result) -> tuple[list[Measurement], list[str]]:
    """Every measurement, for information, how many tests passed, and a sentence for each that did not."""
    ended = list(result.history.of(STOP))
    skipped = [event for event in ended if event.fields["outcome"] == "skipped"]
    passed = [event for event in ended if event.fields["outcome"] == Verdict.PASS.name]
    failures = [
        f"{e.fields['test']}: {'; '.join(e.fields.get('why', [])) or 'failed'}"
        for e in ended
        if e.fields["outcome"] == Verdict.FAIL.name
    ]
    unknown = [e.fields["test"] for e in ended if e.fields["outcome"] == Verdict.UNKNOWN.name]
    found = [*_measured(result)]
    if judged := len(ended) - len(skipped):
        found.append(Measurement("tests_passed", float(len(passed)), "tests", judged, source="every test"))
    found += [Measurement(f"{test}: the outcome", None, "") for test in unknown]
    return found, failures


def _measured(result: Result) -> Iterator[Measurement]:
    for event in result.history.of("measured"):
        yield shown(of_fields(dict(event.fields)))


def shown(measured: Measured) -> Measurement:
    """As reports write it."""
    kind = type(measured.quantity)
    unit, scale = SHOWN.get(kind, (next(iter(kind.units)), 1))
    name = f"{measured.name} at least" if measured.at_least else measured.name
    return Measurement(name, int(measured.quantity) / scale, unit)
