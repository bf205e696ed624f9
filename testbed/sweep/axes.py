"""From ``--set dx.delay=1ms,5ms`` to a study whose axes are parameters, alone or on top of a sweep that is there."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from testbed.errors import InputError, Problem
from testbed.load import TOPOLOGY, Loaded, find_file, load
from testbed.report.axes import numbers
from testbed.report.studydir import axes_of
from testbed.study import Axis, Settings, Study

SEEDS = 10
"""Where none are asked for; arbitrary: enough for a median's interval."""
Values = dict[str, list[str]]
_COMMA = re.compile(r"(?<!\\),")


def parse_values(settings: Sequence[str]) -> Values:
    """Read ``name=value,value`` words; a name may come several times, a comma after a backslash is part of a value.

    Raises:
        InputError: with all that are not of that form, or have an empty value.
    """
    problems: list[Problem] = []
    found: Values = {}
    for word in settings:
        name, equals, text = (part.strip() for part in word.partition("="))
        values = [value.strip().replace("\\,", ",") for value in _COMMA.split(text)]
        if not equals or not name:
            what = "not of the form name=value,value"
            problems.append(Problem(f"--set {word}", what, "for example --set dx.delay=1ms,5ms"))
        elif not all(values):
            problems.append(Problem(f"--set {word}", "an empty value", "leave out the comma, or say what it is"))
        found.setdefault(name, []).extend(values)
    if problems:
        raise InputError(problems)
    return found


def sweep_study(file: str, given: Values, seeds: int | None, before: Mapping[str, Any] | None) -> Study:
    """The study to play: what is asked, and what was asked of the directory before.

    Raises:
        InputError: nothing is asked, a value cannot be read, or the directory is another scenario's.
    """
    path = find_file(file)
    if before is None and not given and seeds is None:
        hint = "say --set NAME=VALUE,VALUE, or --seeds N to repeat it; testbed show FILE lists the parameters"
        raise InputError(Problem("sweep", "is empty: nothing is varied, nothing repeated", hint))
    if before is not None and (before["kind"], before["file"]) != ("sweep", path.name):
        what = f"is a {before['kind']} of {before['file']}, not a sweep of {path.name}"
        raise InputError(Problem("--out", what, "name another folder"))
    loaded = _first(path, given)
    if loaded.scenario is None:
        raise InputError(
            Problem(file, "is a topology, and measures nothing", "sweep a scenario, with --set topology=...")
        )
    axes = _together(axes_of(before) if before else [], _spelled(path, given), loaded, extends=before is not None)
    asked = loaded.scenario
    study = Study(str(path), asked.question, asked.hypothesis, asked.refuted_by)
    study.seeds = max(seeds or (0 if before else SEEDS), before["seeds"] if before else 0)
    study.axes = axes
    return study


def words(study: Study) -> list[str]:
    """The options that ask for the whole of it."""
    found = []
    for axis in study.axes:
        values = [value.replace(",", "\\,") for point in axis.points.values() for value in point.values()]
        found += ["--set", f"{axis.name}={','.join(values)}"]
    return [*found, "--seeds", str(study.seeds)]


def _first(path: Path, given: Values) -> Loaded:
    """The scenario with the first of all values; problems of single values are told by :func:`_spelled`."""
    topology = {TOPOLOGY: given[TOPOLOGY][0]} if TOPOLOGY in given else {}
    return load(str(path), topology)


def _spelled(path: Path, given: Values) -> list[Axis]:
    """An axis for each parameter, its values in one spelling, each once. Raises with every problem of every value."""
    topology = {TOPOLOGY: given[TOPOLOGY][0]} if TOPOLOGY in given else {}
    problems: dict[Problem, None] = {}
    axes = []
    for name, values in given.items():
        points: dict[str, dict[str, str]] = {}
        for value in values:
            try:
                label, setting = _point(path, {**topology, name: value}, name)
                points[label] = {name: setting}
            except InputError as error:
                problems |= dict.fromkeys(error.problems)
        axes.append(_ordered(Axis(name, points)))
    if problems:
        raise InputError(problems)
    return axes


def _point(path: Path, settings: dict[str, str], name: str) -> tuple[str, str]:
    """A value's label, and what is set."""
    loaded = load(str(path), settings)
    if name == TOPOLOGY:
        return loaded.topology.stem, str(loaded.topology)
    value = loaded.parameters.declared[name].value
    return value, value


def _together(old: list[Axis], new: list[Axis], loaded: Loaded, *, extends: bool) -> list[Axis]:
    """Every value of either. What was not varied before had its default."""
    merged: dict[str, dict[str, Settings]] = {axis.name: dict(axis.points) for axis in old}
    for axis in new:
        if axis.name not in merged and extends:
            merged[axis.name] = _default(axis.name, loaded)
        merged.setdefault(axis.name, {}).update({label: dict(point) for label, point in axis.points.items()})
    return [_ordered(Axis(name, points)) for name, points in merged.items()]


def _default(name: str, loaded: Loaded) -> dict[str, Settings]:
    if name == TOPOLOGY:
        return {loaded.topology.stem: {name: str(loaded.topology)}}
    default = loaded.parameters.declared[name].default
    return {default: {name: default}}


def _ordered(axis: Axis) -> Axis:
    """Numbers by size, words as they were given."""
    places = numbers(axis)
    if places is None:
        return axis
    return Axis(axis.name, {label: axis.points[label] for label in sorted(axis.points, key=places.places.__getitem__)})
