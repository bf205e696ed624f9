"""What runs were done with: versions, kernel, clock, files and parameters, as each run's own directory says it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from testbed.errors import InputError, Problem
from testbed.history import IDENTITY
from testbed.numbers import counted
from testbed.report.rundir import ENVIRONMENT, RECORD

TOOLS = ("testbed", "commit", "kernel", "clock", "host_kernel", "machine", "python")
"""Of a run's environment: what may change a number though nobody asked for it."""
PROGRAM, PARAMETER = "program ", "parameter "
"""Begin the names of facts that are a program's version, or a parameter's value."""
DIGITS = 8
"""Of a file's digest; arbitrary: enough to tell two apart."""

Facts = Mapping[str, Mapping[str, int]]
"""By name, each value that there is and how many runs have it."""


def facts_of(runs: Iterable[Path]) -> dict[str, dict[str, int]]:
    """Of all these runs. Raises :class:`InputError` with every file that cannot be read."""
    problems: list[Problem] = []
    found: dict[str, dict[str, int]] = {}
    for run in runs:
        try:
            known = _of(_read(run / ENVIRONMENT), _read(run / RECORD / IDENTITY))
        except InputError as error:
            problems += error.problems
            continue
        for name, value in known.items():
            counts = found.setdefault(name, {})
            counts[value] = counts.get(value, 0) + 1
    if problems:
        raise InputError(problems)
    return found


def is_tool(name: str) -> bool:
    """Whether a fact is about what did the runs, and not about what was asked."""
    return name in TOOLS or name.startswith(PROGRAM)


def mixed(facts: Facts) -> list[str]:
    """A sentence for each tool of which the runs have more than one version."""
    return [
        f"the runs were not all done with the same {words(name)}: "
        + ", ".join(f"{value} ({counted(count, 'run')})" for value, count in values.items())
        for name, values in facts.items()
        if is_tool(name) and len(values) > 1
    ]


def words(name: str) -> str:
    """A fact's name as people read it."""
    return name.replace("_", " ") if name != "testbed" else "version of the testbed"


def check_facts(found: object) -> dict[str, dict[str, int]]:
    """The same, if it is of that shape. Raises ``ValueError`` or ``TypeError``."""
    if not isinstance(found, dict):
        raise TypeError(f"{type(found).__name__} instead of an object")
    return {str(name): {str(value): int(count) for value, count in each.items()} for name, each in found.items()}


def _of(environment: Mapping[str, Any], identity: Mapping[str, Any]) -> dict[str, str]:
    found = {name: str(environment[name]) for name in TOOLS if name in environment}
    found |= {f"{PROGRAM}{name}": str(each) for name, each in _object(environment, "programs").items()}
    for file in ("topology", "scenario"):
        digest = str(identity.get(f"{file}_bytes", "not on record"))[:DIGITS] if identity else "not on record"
        found[file] = f"{identity.get(file) or 'none'} ({digest})"
    return found | {f"{PARAMETER}{name}": str(value) for name, value in _object(identity, "parameters").items()}


def _object(of: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = of.get(name)
    return value if isinstance(value, dict) else {}


def _read(path: Path) -> Mapping[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(value, dict):
            raise ValueError(f"{type(value).__name__} instead of an object")
    except FileNotFoundError:
        return {}  # an old run has no identity, a copy may be without its environment: nothing is known then
    except (OSError, ValueError) as error:
        raise InputError(Problem(str(path), f"cannot be read: {error}", "the run was damaged: do it again")) from error
    return value


def together(every: Sequence[Facts]) -> dict[str, dict[str, int]]:
    """The facts of several as one."""
    found: dict[str, dict[str, int]] = {}
    for each in every:
        for name, values in each.items():
            counts = found.setdefault(name, {})
            for value, count in values.items():
                counts[value] = counts.get(value, 0) + count
    return found
