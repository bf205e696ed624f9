"""From the directories of runs to what a baseline keeps of them. Reads only."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from testbed.baseline.model import VIRTUAL, Made, Recorded, Series, Trace
from testbed.baseline.things import numbers, structure
from testbed.errors import InputError, Problem, RunError
from testbed.history import IDENTITY, RECEIPT, VERDICT
from testbed.report.rundir import RECORD, Run, read_run
from testbed.report.studydir import CELLS, is_study
from testbed.verdict import Judgement, Measurement, Verdict

DIGEST_BYTES = 8
"""Of a record's file; arbitrary: two different ones have the same with a chance that nobody will see."""
JUDGED = frozenset({IDENTITY, VERDICT, RECEIPT})
"""Files of a record that say what was asked, or were made of the other ones."""


@dataclass(frozen=True)
class Found:
    """What directories of runs hold, and the scenario's question."""

    recorded: Recorded
    question: str


def run_directories(directory: Path) -> list[Path]:
    """The runs in a directory: itself, its folders ``seed-N``, or a study's one cell. Raises :class:`InputError`."""
    if not directory.is_dir():
        raise InputError(Problem(str(directory), "no such directory", "give one that a run, a sweep or a check wrote"))
    if not is_study(directory):
        return _seeds(directory) or [directory]
    cells = sorted(each for each in (directory / CELLS).glob("*") if each.is_dir())
    if len(cells) != 1:
        hint = "a baseline is of one cell: " + ", ".join(f"{CELLS}/{each.name}" for each in cells[:3])
        raise InputError(Problem(str(directory), f"has {len(cells)} cells", hint))
    return _seeds(cells[0])


def _seeds(cell: Path) -> list[Path]:
    found = [each for each in cell.glob("seed-*") if each.name.removeprefix("seed-").isdecimal()]
    return sorted(found, key=lambda each: int(each.name.removeprefix("seed-")))


def collect(
    directories: Sequence[Path], file: str, settings: Mapping[str, str], lost: Mapping[int, str] | None = None
) -> Found:
    """What these runs of one thing, each with another seed, did; ``lost``: by seed, why a run has left nothing.

    Raises:
        InputError: with everything that cannot be read; or runs of several things, of one seed twice, or none at all.
        RunError: all runs are lost.
    """
    if lost and not directories:
        raise RunError(Problem(f"{file}, seed {seed}", why, "no run came to its end") for seed, why in lost.items())
    problems: list[Problem] = []
    runs: dict[int, Run] = {}
    for directory in directories:
        try:
            run = read_run(directory)
            seed = _seed(run)
            if seed in runs:
                raise InputError(
                    Problem(str(directory), f"has seed {seed}, as {runs[seed].directory}", "leave one out")
                )
            runs[seed] = run
        except InputError as error:
            problems += [Problem(_at(directory, each.where), each.what, each.hint) for each in error.problems]
    if not runs and not problems:
        problems.append(Problem("runs", "there is none", "a baseline is made of one run at least: --seeds 1"))
    made = {seed: _made(run, file, settings) for seed, run in runs.items()}
    first = next(iter(made.values()), None)
    problems += [
        Problem(
            str(runs[seed].directory), "was done otherwise than the first", "give runs that differ by the seed alone"
        )
        for seed, each in made.items()
        if each != first
    ]
    if problems or first is None:
        raise InputError(problems)
    found = recorded(first, {seed: run.judgement for seed, run in runs.items()}, traces(first, runs))
    return Found(replace(found, unknown={**found.unknown, **(lost or {})}), _asked(runs))


def recorded(made: Made, judged: Mapping[int, Judgement], left: Mapping[int, Trace]) -> Recorded:
    """Measurements by seed, as judgements have them. A run that is UNKNOWN gives none."""
    unknown = {seed: _why(each) for seed, each in judged.items() if each.verdict is Verdict.UNKNOWN}
    measured = {seed: each.measurements for seed, each in judged.items() if seed not in unknown}
    names = dict.fromkeys(each.name for every in measured.values() for each in every)
    return Recorded(
        made=made, series={name: _series(name, measured) for name in names}, unknown=unknown,
        runs={seed: each for seed, each in left.items() if seed not in unknown},
    )  # fmt: skip


def _series(name: str, measured: Mapping[int, Iterable[Measurement]]) -> Series:
    found = {seed: each for seed, every in measured.items() for each in every if each.name == name}
    first = next(iter(found.values()))
    told = all(each.low is None and each.high is None and not each.better for each in found.values())
    values = {seed: float(each.value) for seed, each in found.items() if each.value is not None}
    return Series(first.unit, values, first.better, told)


def traces(made: Made, runs: Mapping[int, Run]) -> dict[int, Trace]:
    """What each run left behind."""
    return {seed: _trace(run, keep=made.clock == VIRTUAL) for seed, run in runs.items()}


def _trace(run: Run, *, keep: bool) -> Trace:
    if not keep:
        return Trace(run.judgement.verdict.name)
    return Trace(run.judgement.verdict.name, digests(run.directory / RECORD), run.events)


def digests(record: Path) -> dict[str, str]:
    """The digest of each file of a record, by its name; without those that are only judgements of it."""
    files = sorted(each for each in record.rglob("*") if each.is_file() and each.name not in JUDGED)
    return {
        str(each.relative_to(record)): hashlib.blake2b(each.read_bytes(), digest_size=DIGEST_BYTES).hexdigest()
        for each in files
    }


def _made(run: Run, file: str, settings: Mapping[str, str]) -> Made:
    identity: Mapping[str, Any] = run.history.read_json(IDENTITY) or {}
    environment = run.environment
    return Made(
        file=file, settings=dict(settings), content=str(identity.get("scenario_bytes", "")),
        asked=_values(environment, identity), kernel=environment.get("kernel", "guest"),
        clock=environment.get("clock", VIRTUAL), structure=structure(run.plan), numbers=numbers(run.plan),
        tools=_tools(environment),
    )  # fmt: skip


def _values(environment: Mapping[str, Any], identity: Mapping[str, Any]) -> dict[str, str]:
    """Of the scenario's own parameters. Those of the topology are in the plan."""
    scenario, parameters = environment.get("scenario"), identity.get("parameters")
    names = scenario.get("parameters", []) if isinstance(scenario, dict) else []
    return {str(name): str(parameters[name]) for name in names if isinstance(parameters, dict) and name in parameters}


def _tools(environment: Mapping[str, Any]) -> dict[str, str]:
    """Everything that has a part in a run's numbers."""
    names = [
        "testbed",
        "source",
        "packages",
        "python",
        "guest_kernel" if environment.get("kernel") == "guest" else "host_kernel",
    ]
    found = {name.replace("_", " "): str(environment.get(name, "not on record")) for name in names}
    return found | {str(name): str(version) for name, version in (environment.get("programs") or {}).items()}


def _seed(run: Run) -> int:
    try:
        return int(run.environment["seed"])
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(Problem("environment.json", "says no seed", "the run was damaged: do it again")) from error


def _asked(runs: Mapping[int, Run]) -> str:
    scenario = next(iter(runs.values())).environment.get("scenario")
    return str(scenario.get("question", "")) if isinstance(scenario, dict) else ""


def _why(judgement: Judgement) -> str:
    return judgement.why[0].splitlines()[0] if judgement.why else "no reason on record"


def _at(directory: Path, where: str) -> str:
    return where if str(directory) in where else f"{directory}: {where}"
