"""A test's measurements and its baseline: a file beside the test, recorded, held against, or taken over."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from testbed.baseline.check import Checked, check
from testbed.baseline.collect import collect
from testbed.baseline.file import read, write
from testbed.baseline.keep import accept, keep
from testbed.baseline.model import Baseline, Made, Recorded, Series, Trace
from testbed.check.measured import of_fields
from testbed.errors import Problem, RunError
from testbed.suite.judged import shown
from testbed.verdict import Verdict

FOLDER = "baselines"
DIGEST_BYTES = 16


@dataclass(frozen=True)
class Held:
    """What one test, with one seed, wants to be held against its baseline."""

    file: Path
    made: Made
    seed: int
    values: Mapping[str, tuple[float, str]]
    """(value, unit) by name."""
    allowed: Mapping[str, str]


def baseline_file(beside: Path, name: str) -> Path:
    """Where the baseline of a test lies. ``name``: of the test, with the file that it is in."""
    return beside / FOLDER / f"{plain(name)}.yaml"


def plain(name: str) -> str:
    """A name for a file."""
    return re.sub(r"[^A-Za-z0-9_.=-]+", "-", name).strip("-")


def named(text: str) -> str:
    """What a test says, in short: its digest."""
    return hashlib.blake2b(text.encode(), digest_size=DIGEST_BYTES).hexdigest()


def held(directory: Path, file: Path, test: str, content: str, settings: Mapping[str, str], seed: int,
         noted: Sequence[Mapping[str, Any]]) -> Held:  # fmt: skip
    """From a run's directory and what its test noted. ``content`` names what the test says."""
    made = replace(collect([directory], test, settings).recorded.made, content=content)
    found = {each["name"]: shown(of_fields(dict(each))) for each in noted}
    values = {name: (float(each.value or 0), each.unit) for name, each in found.items()}
    return Held(file, made, seed, values, {each["name"]: each["allowed"] for each in noted if each["allowed"]})


def recorded(some: Sequence[Held]) -> Recorded:
    """Several seeds of one test together."""
    series: dict[str, Series] = {}
    for name in dict.fromkeys(name for each in some for name in each.values):
        units = [each.values[name][1] for each in some if name in each.values]
        values = {each.seed: each.values[name][0] for each in some if name in each.values}
        series[name] = Series(units[0], values)
    runs = {each.seed: Trace(Verdict.PASS.name) for each in some}
    return Recorded(made=some[0].made, series=series, runs=runs)


def judge(some: Sequence[Held]) -> tuple[Verdict, list[str]]:
    """Hold seeds of one test against its baseline: the verdict, and the reasons for anything but a pass.

    Raises:
        RunError: there is no baseline: nothing can be said.
        InputError: it is not as it was written.
    """
    file = some[0].file
    if not file.exists():
        raise RunError(Problem(str(file), "no such baseline", "pytest --testbed-baseline=record makes it"))
    found = check(read(file), recorded(some), some=True)
    return found.verdict, [f"baseline {file}: {line}" for line in _reasons(found)]


def _reasons(found: Checked) -> list[str]:
    lines = [f"stale: {line}" for line in found.stale]
    lines += [f"drifted: {line}" for line in found.drifted]
    lines += [
        f"{each.name}: {_number(each.before)} -> {_number(each.now)} {each.unit}: {each.why}"
        for each in found.findings
        if each.verdict is not Verdict.PASS
    ]
    return [*lines, *found.failed, *found.unknown]


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:g}"


def store(some: Sequence[Held], because: str) -> Path:
    """Record the baseline of one test, or with a reason take a change over. Raises what recording raises."""
    now, allowed = recorded(some), {name: text for each in some for name, text in each.allowed.items()}
    file = some[0].file
    made: Baseline = accept(read(file), now, because, allowed) if because else keep(now, allowed, some[0].made.file)
    write(file, made)
    return file
