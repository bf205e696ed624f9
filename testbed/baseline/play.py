"""Do the runs that a baseline is made of, or held against: one folder a seed, and what is done is not done again."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from testbed.baseline.collect import Found, collect
from testbed.boot import pool
from testbed.boot.identity import identity, source
from testbed.boot.means import means_for
from testbed.errors import InputError, Problem, TestbedError
from testbed.history import IDENTITY
from testbed.job import Clock, Kernel
from testbed.load import TOPOLOGY, Loaded, find_file, load
from testbed.report.rundir import ENVIRONMENT, RECORD
from testbed.run.needs import check

Tell = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Runs of one thing.

    Attributes:
        file, settings: as a baseline keeps them: found from ``beside``, where it is.
        directory: gets a folder ``seed-N`` for each run.
    """

    file: str
    settings: Mapping[str, str]
    beside: Path
    seeds: Sequence[int]
    directory: Path
    kernel: Kernel
    clock: Clock

    @property
    def given(self) -> dict[str, str]:
        """The settings, with the topology's file where it is found from anywhere."""
        if TOPOLOGY not in self.settings:
            return dict(self.settings)
        return {**self.settings, TOPOLOGY: str(self._find(self.settings[TOPOLOGY]))}

    @property
    def path(self) -> Path:
        """The file."""
        return self._find(self.file)

    def _find(self, name: str) -> Path:
        near = Path(os.path.normpath(self.beside / name))  # by its words: the folder need not be there yet
        return near if near.is_file() else find_file(name)

    def run(self, seed: int) -> Path:
        """Where a run is, or will be."""
        return self.directory / f"seed-{seed}"


def play(every: Sequence[Wanted], jobs: int, wall_limit_s: float, tell: Tell) -> list[Found]:
    """Do what is missing, all in one pool, and say what was found of each.

    Raises:
        InputError, MachineError: with everything that is wrong, before anything starts.
        RunError: no run of one came to its end.
    """
    loaded = [*_each(every, _load)]
    tasks = [task for each in every for task in _tasks(each, wall_limit_s)]
    for each in loaded if tasks else ():
        means_for(each.plan, tell)  # once, not in every run
    ended = pool.play(tasks, jobs, pool.Progress(len(tasks), tell)) if tasks else []
    problems = {each.task.directory: each.problem for each in ended if each.problem}
    return [_found(each, problems) for each in every]


def _each(every: Iterable[Wanted], work: Callable[[Wanted], Loaded]) -> Iterable[Loaded]:
    """Of all, and every problem at once, as what the first of them is."""
    failed: list[TestbedError] = []
    done = []
    for each in every:
        try:
            done.append(work(each))
        except TestbedError as error:
            failed.append(error)
    if failed:
        raise type(failed[0])(dict.fromkeys(problem for error in failed for problem in error.problems))
    return done


def _load(wanted: Wanted) -> Loaded:
    """What is to be run. Raises what is wrong with it, with this machine, or with runs that are there already."""
    loaded = load(str(wanted.path), wanted.given)
    check(loaded, wanted.kernel)
    named = identity(loaded)
    problems = [
        Problem(str(wanted.run(seed)), "is there, and of something else", "name another folder with --out")
        for seed in wanted.seeds
        if wanted.run(seed).exists() and not _same(wanted.run(seed), {**named, "seed": seed})
    ]
    if problems:
        raise InputError(problems)
    return loaded


def _same(run: Path, named: Mapping[str, object]) -> bool:
    """Whether a run that is there is of the same files, plan and parameters, by the same testbed."""
    try:
        was = json.loads((run / RECORD / IDENTITY).read_text(encoding="utf-8"))
        by = json.loads((run / ENVIRONMENT).read_text(encoding="utf-8"))["source"]
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return bool(was == named and by == source())


def _tasks(wanted: Wanted, wall_limit_s: float) -> list[pool.Task]:
    words = [word for name, value in wanted.given.items() for word in ("--set", f"{name}={value}")]
    return [
        pool.Task(
            name=f"{wanted.directory.name}, seed {seed}", file=str(wanted.path), settings=wanted.given, seed=seed,
            directory=str(wanted.run(seed)), kernel=wanted.kernel, clock=wanted.clock, wall_limit_s=wall_limit_s,
            command=("testbed", "run", os.path.relpath(wanted.path), "--seed", str(seed), *words),
            why="as its baseline",
        )
        for seed in wanted.seeds
        if not wanted.run(seed).exists()
    ]  # fmt: skip


def _found(wanted: Wanted, problems: Mapping[str, str]) -> Found:
    """What the runs left. One that did not come to its end is UNKNOWN."""
    there = [wanted.run(seed) for seed in wanted.seeds if wanted.run(seed).exists()]
    lost = {seed: problems.get(str(wanted.run(seed)), "") for seed in wanted.seeds if wanted.run(seed) not in there}
    return collect(there, wanted.file, wanted.settings, lost)
