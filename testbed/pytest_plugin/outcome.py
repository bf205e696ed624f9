"""From the reports of a test to its result."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from testbed.check.measured import of_fields
from testbed.pytest_plugin.carried import told_of
from testbed.pytest_plugin.summary import reason
from testbed.suite.judged import shown
from testbed.suite.results import CaseResult, Verdict


def result(config: pytest.Config, phases: Sequence[pytest.TestReport]) -> CaseResult:
    """Of setup, call and teardown."""
    last = phases[-1]
    told = told_of(last)
    decisive = next((each for each in phases if each.failed), None) or next(
        (each for each in phases if each.skipped and not hasattr(each, "wasxfail")), None
    )
    file, line, _ = last.location
    return CaseResult(
        test=last.nodeid, name=told["name"], seed=told["seed"], topology=told["topology"],
        verdict=_verdict(phases), why="" if decisive is None else reason(decisive),
        measured=tuple(shown(of_fields(fields)) for fields in told.get("measured", [])), directory=told["directory"],
        file=str((config.rootpath / file).relative_to(config.rootpath)), line=0 if line is None else line + 1,
        wall_s=round(sum(each.duration for each in phases), 3), again=told["again"],
    )  # fmt: skip


def _verdict(phases: Sequence[pytest.TestReport]) -> Verdict:
    bad = [each for each in phases if each.failed]
    if bad:
        return "UNKNOWN" if all(told_of(each).get("verdict") == "UNKNOWN" for each in bad) else "FAIL"
    return "SKIPPED" if any(each.skipped and not hasattr(each, "wasxfail") for each in phases) else "PASS"
