"""From the files of designs to a study: one scenario, played on each of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from testbed.errors import InputError, Problem
from testbed.load import TOPOLOGY, find_file, load, read_study
from testbed.study import DESIGN, Study
from testbed.sweep.axes import SEEDS

SCENARIO = "scenarios/path_loss.py"
"""What is played on designs unless something else is asked for: it asks for nothing but two sites with hosts."""


def design_study(files: Sequence[str], scenario: str, given: Mapping[str, str], seeds: int | None) -> Study:
    """Topologies as the points of an axis; labels are the files' names.

    Raises:
        InputError: with every file that is no topology, one that is named twice, or a scenario that is none.
    """
    problems: list[Problem] = []
    paths: list[Path] = []
    for file in files:
        try:
            paths.append(_topology(file))
        except InputError as error:
            problems += error.problems
    if len(files) < 2:
        hint = "name another one; a scenario over several values of a parameter is a sweep"
        problems.append(Problem(", ".join(files), "one design is compared with nothing", hint))
    if len(set(paths)) < len(paths):
        problems.append(Problem("compare", "a file is named twice", "name each once"))
    if TOPOLOGY in given:
        problems.append(Problem(f"--set {TOPOLOGY}", "is what is compared", "name the file with the others"))
    asked = None
    try:
        path = find_file(scenario)
        asked = None if read_study(str(path)) else load(str(path), {}).scenario
        if asked is None:
            problems.append(Problem(f"--with {scenario}", "is no scenario", "name a file that declares one"))
    except InputError as error:
        problems += error.problems
    if problems or asked is None:
        raise InputError(problems)
    study = Study(str(path), asked.question, asked.hypothesis, asked.refuted_by, seeds or SEEDS, dict(given))
    labels = names(paths)
    study.axis(DESIGN, {label: {TOPOLOGY: str(each)} for label, each in zip(labels, paths, strict=True)})
    return study


def _topology(file: str) -> Path:
    """A topology's file. Raises :class:`InputError`: it is none, or is wrong itself."""
    path = find_file(file)
    if read_study(file) is not None:
        raise InputError(Problem(file, "is a study: it has designs of its own", "name it alone"))
    if load(file, {}).scenario is not None:
        hint = f"name topologies, and the scenario with --with {file}"
        raise InputError(Problem(file, "is a scenario, not a design", hint))
    return path


def names(paths: Sequence[Path]) -> list[str]:
    """The files' own names without ending; with more of the path where two have the same."""
    stems = [path.stem for path in paths]
    if len(set(stems)) == len(stems):
        return stems
    parts = [path.parts for path in paths]
    for length in range(1, max(map(len, parts), default=1) + 1):
        found = ["/".join(part[-length:]) for part in parts]
        if len(set(found)) == len(found):
            return found
    return [str(path) for path in paths]
