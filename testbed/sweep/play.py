"""Play a study: do the runs that are not there yet, judge the whole, and write its report."""

from __future__ import annotations

import contextlib
import datetime
import fcntl
import os
import platform
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from testbed import __version__
from testbed.boot import disk, pool
from testbed.boot.machines import Machines
from testbed.boot.runner import commit
from testbed.check.cells import judge_cells
from testbed.errors import InputError, Problem
from testbed.history import VERDICT
from testbed.job import Clock, Kernel
from testbed.load import load
from testbed.report.facts import mixed, together
from testbed.report.rundir import ENVIRONMENT, RECORD
from testbed.report.studydir import FACTS, LAWS, RESULTS, STUDY, read_asked
from testbed.study import CellResult
from testbed.sweep import directory as folders
from testbed.sweep import distributions
from testbed.sweep.planned import Planned, PlannedCell
from testbed.sweep.watch import Watch
from testbed.verdict import Judgement, check_safe

if TYPE_CHECKING:
    from testbed.study import Study

Tell = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Options:
    """How a study is to be played."""

    directory: Path
    kernel: Kernel
    clock: Clock
    machines: Machines
    wall_limit_s: float
    command: Sequence[str]
    why: str = ""
    kind: str = "study"
    file: str = ""
    settings: Mapping[str, str]


@dataclass(frozen=True)
class Outcome:
    """What a study left. ``loud``: what has to be known before any number of it is read."""

    directory: Path
    judgement: Judgement
    report: Path
    done: int
    kept: int
    loud: Sequence[str] = ()


def play(planned: Planned, options: Options, tell: Tell) -> Outcome:
    """Do what is missing. Raises for bad input and for what this machine lacks; anything else is in the outcome."""
    with _alone(options.directory):
        return _play(planned, options, tell)


@contextlib.contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """Nobody else may work on the directory meanwhile. The kernel lets go of the lock however this process ends."""
    directory.mkdir(parents=True, exist_ok=True)
    held = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise InputError(Problem(str(directory), "another process plays it", "wait for its end")) from error
    finally:
        os.close(held)


def _play(planned: Planned, options: Options, tell: Tell) -> Outcome:
    directory = options.directory
    first = load(str(planned.scenario), planned.cells[0].settings)
    _same_place(directory, options)
    there = folders.complete(directory, planned)
    tasks = _tasks(planned, options, there)
    watch = Watch(directory, planned, there, tell)
    with options.machines.ready(first, tasks, watch) as do, _room(directory):
        place = options.kernel, options.clock
        asked = folders.asked(planned, options.kind, options.file, options.settings, place)
        folders.write_json(directory / STUDY, asked)
        watch.begin()
        try:
            ended = do(tasks, watch)
        finally:
            watch.close()
    with _room(directory):
        return _conclude(planned, options, ended, len(there), watch)


def _room(directory: Path) -> AbstractContextManager[None]:
    return disk.room(str(directory), "make room; what is done is kept: the same command with --out goes on from there")


def _conclude(planned: Planned, options: Options, ended: Sequence[pool.Ended], kept: int, watch: Watch) -> Outcome:
    """Judge the whole, and write it down."""
    directory = options.directory
    failed = {each.task.directory: each.problem for each in ended if each.problem}
    watch.said("judging")
    results = folders.collect(directory, planned, failed)
    laws = distributions.tables(planned)
    folders.write_json(directory / RECORD / LAWS, distributions.to_json(laws))
    judgement = check_safe(_judge, planned.study, results, laws)
    folders.write_json(directory / RECORD / RESULTS, folders.results_json(results))
    folders.write_json(directory / RECORD / VERDICT, judgement.to_json())
    folders.write_json(directory / ENVIRONMENT, _environment(options))
    facts = folders.facts_by_cell(directory, results)
    folders.write_json(directory / FACTS, facts)
    loud = [*watch.warnings, *mixed(together(list(facts.values())))]
    watch.said("writing the report")
    from testbed.report.study_page import write_study_report

    report = write_study_report(directory)
    watch.end()
    return Outcome(directory, judgement, report, len(ended), kept, loud)


def _same_place(directory: Path, options: Options) -> None:
    """Runs of two kernels or clocks are no one study."""
    if not (directory / STUDY).exists():
        return
    before = read_asked(directory)
    there, now = (before.get("kernel"), before.get("clock")), (options.kernel, options.clock)
    if there != now:
        what = f"its runs were done on the {there[0]} kernel and the {there[1]} clock, not {now[0]} and {now[1]}"
        raise InputError(Problem(str(directory), what, "choose those, or another folder"))
    if (before["kind"], before["file"]) != (options.kind, Path(options.file).name):
        what = f"is a {before['kind']} of {before['file']}"
        raise InputError(Problem(str(directory), what, "name another folder"))


def _judge(study: Study, results: Sequence[CellResult], laws: distributions.Laws) -> Judgement:
    measured = [*study.measure_function(results)] if study.measure_function else []
    return judge_cells(results, [*measured, *distributions.consistent(results, laws)])


def _tasks(planned: Planned, options: Options, there: set[tuple[str, int]]) -> list[pool.Task]:
    """Seed by seed, so that an interruption leaves every cell alike."""
    return [
        pool.Task(
            name=f"{_words(planned, cell)}, seed {seed}", file=str(planned.scenario), settings=cell.settings, seed=seed,
            directory=str(folders.run_directory(options.directory, cell, seed)), kernel=options.kernel,
            clock=options.clock, wall_limit_s=options.wall_limit_s, why=options.why,
            command=tuple(_command(planned.scenario, cell.settings, seed)), topology=cell.topology,
        )
        for seed in range(1, planned.study.seeds + 1)
        for cell in planned.cells
        if (cell.folder, seed) not in there
    ]  # fmt: skip


def _words(planned: Planned, cell: PlannedCell) -> str:
    """A cell by what is varied."""
    varied = [axis.name for axis in planned.study.axes if len(axis.points) > 1]
    return ", ".join(f"{name} {cell.cell.at[name]}" for name in varied) or planned.scenario.stem


def _command(scenario: Path, settings: Mapping[str, str], seed: int) -> list[str]:
    words = [word for name, value in settings.items() for word in ("--set", f"{name}={value}")]
    return ["testbed", "run", os.path.relpath(scenario), "--seed", str(seed), *words]


def _environment(options: Options) -> dict[str, object]:
    return {
        "testbed": __version__, "command": shlex.join(options.command), "kernel": options.kernel,
        "clock": options.clock, "why": options.why, "commit": commit(), "python": platform.python_version(),
        "host_kernel": platform.release(), "machine": platform.machine(), "cpus": os.cpu_count(),
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }  # fmt: skip


def prepare(out: Path | None, stem: str) -> Path:
    """The study's directory: one that is new or empty, or one that a study wrote. Raises :class:`InputError`."""
    if out is None:
        stamp = datetime.datetime.now().strftime("%Y%m%d-%H%M%S")
        return Path("runs", f"{stem}-{stamp}-{os.getpid()}").absolute()
    directory = out.absolute()
    if directory.exists() and not directory.is_dir():
        raise InputError(Problem(f"--out {out}", "is a file", "name a folder"))
    if directory.exists() and any(directory.iterdir()) and not (directory / STUDY).exists():
        raise InputError(
            Problem(f"--out {out}", "is not empty, and no sweep or study wrote it", "name a new folder, or empty it")
        )
    return directory
