"""``lab.baseline.check`` seen from outside: held against a file beside the test, or recorded into it."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from testbed.baseline.model import VIRTUAL
from testbed.errors import Exit, TestbedError
from testbed.pytest_plugin.carried import told_of
from testbed.suite import held
from testbed.suite.held import Held
from testbed.verdict import Verdict

CHECK, RECORD, ACCEPT = "check", "record", "accept"
MODES = (CHECK, RECORD, ACCEPT)
_HELD = TypeAdapter(Held)


class Baselines:
    """What is done with what tests noted. In real time all seeds of a test are judged at once, with the last one."""

    def __init__(self, config: pytest.Config) -> None:
        self._mode = config.getoption("testbed_baseline")
        self._seeds = config.getoption("testbed_seeds") or 1
        self._waiting: dict[Path, list[Held]] = {}

    def look(
        self, item: pytest.Item, name: str, directory: Path, settings: Mapping[str, str], seed: int,
        noted: Sequence[Mapping[str, Any]],
    ) -> tuple[Verdict, list[str], dict[str, Any]]:  # fmt: skip
        """Judge what a test noted, unless it is to be recorded: verdict, reasons, and what to say in its report."""
        here = item.path
        test = f"{here.stem}-{name.partition('::')[2]}"
        try:
            one = held.held(
                directory, held.baseline_file(here.parent, test), name, _content(item), settings, seed, noted
            )
            if self._mode != CHECK:
                return Verdict.PASS, [], {"held": _HELD.dump_python(one, mode="json")}
            some = self._waiting.setdefault(one.file, [])
            some.append(one)
            if one.made.clock != VIRTUAL and len(some) < self._seeds:
                return Verdict.PASS, [], {}
            verdict, reasons = held.judge([one] if one.made.clock == VIRTUAL else some)
        except TestbedError as error:
            verdict = Verdict.UNKNOWN if error.exit is Exit.UNKNOWN else Verdict.FAIL
            reasons = str(error).splitlines()
        return verdict, reasons, {}


def _content(item: pytest.Item) -> str:
    """What a test says: its source."""
    function = getattr(item, "function", None)
    text = inspect.getsource(function) if function is not None else item.nodeid
    return held.named(text)


class Recording:
    """Where all reports come together: what passed tests noted, and the files that it is written to."""

    def __init__(self, config: pytest.Config) -> None:
        self._mode = config.getoption("testbed_baseline")
        self._because = config.getoption("testbed_because") or ""
        self._passed: dict[Path, list[Held]] = {}
        self._spoilt: dict[Path, str] = {}

    def take(self, report: pytest.TestReport) -> None:
        """The report of a test's call."""
        told = told_of(report).get("held")
        if told is not None:
            one = _HELD.validate_python(told)
            if report.passed:
                self._passed.setdefault(one.file, []).append(one)
            else:
                self._spoilt[one.file] = report.nodeid

    def store(self) -> list[str]:
        """Write every file, and say so, a line each. Of a test that did not pass with every seed nothing is kept."""
        lines = [f"{file}: not recorded, {test} did not pass" for file, test in self._spoilt.items()]
        for file, some in self._passed.items():
            if file not in self._spoilt:
                try:
                    held.store(some, self._because if self._mode == ACCEPT else "")
                    lines.append(f"{file}: {'recorded' if self._mode == RECORD else 'taken over'}")
                except TestbedError as error:
                    lines += [f"{file}: not written", *str(error).splitlines()]
        return lines
