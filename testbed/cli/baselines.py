"""What ``testbed baseline`` does: from a file to runs, from runs to a baseline, and from both to a verdict."""

from __future__ import annotations

import datetime
import json
import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import click

from testbed.baseline import file as files
from testbed.baseline.check import Checked, check
from testbed.baseline.collect import Found, collect, run_directories
from testbed.baseline.keep import accept, keep
from testbed.baseline.model import VIRTUAL, Baseline
from testbed.baseline.play import Wanted, play
from testbed.baseline.words import checked_json, checked_lines, runs_of_each
from testbed.boot import pool
from testbed.cli.baselining import SEEDS_REAL, SEEDS_VIRTUAL
from testbed.cli.progress import Progress
from testbed.cli.running import EXITS
from testbed.errors import Exit, InputError, Problem
from testbed.kernel import detect
from testbed.load import TOPOLOGY, find_file, load, portable
from testbed.verdict import Verdict

FOLDER = Path("baselines")


@dataclass(frozen=True, kw_only=True)
class Means:
    """How runs are done."""

    jobs: int | None
    wall_limit_s: float
    out: Path | None
    as_json: bool


@dataclass(frozen=True)
class Asked:
    """What is to be recorded."""

    file: str
    settings: Mapping[str, str]
    seeds: int | None
    kernel: str | None
    clock: str | None


def record_file(asked: Asked, path: Path | None, allowed: Mapping[str, str], means: Means) -> Path:
    """Run a file and keep what it did. Returns the baseline's place."""
    source = find_file(asked.file)
    place = _new(path or FOLDER / f"{source.stem}.yaml")
    load(asked.file, asked.settings)  # everything that is wrong with it, before anything is done
    choice = detect.choose(asked.kernel, asked.clock, detect.capabilities())
    settings = dict(asked.settings)
    if TOPOLOGY in settings:
        topology = load(asked.file, settings).topology
        settings[TOPOLOGY] = portable(topology, place.parent)
    count = asked.seeds or (SEEDS_VIRTUAL if choice.clock == VIRTUAL else SEEDS_REAL)
    wanted = Wanted(
        file=portable(source, place.parent), settings=settings, beside=place.parent.absolute(),
        seeds=range(1, count + 1), directory=folder_of(means, "baseline") / place.stem, kernel=choice.kernel,
        clock=choice.clock,
    )  # fmt: skip
    (found,) = _played([wanted], means, ["testbed", "baseline", "record", asked.file, "--as", str(place)])
    try:
        made = keep(found.recorded, allowed, found.question)
    except InputError as error:
        again = f"the runs are kept: testbed baseline record {os.path.relpath(wanted.directory)} --as {place} ..."
        raise InputError(Problem(each.where, each.what, f"{each.hint}\n{again}") for each in error.problems) from error
    files.write(place, made)
    return place


def record_runs(directory: Path, path: Path | None, allowed: Mapping[str, str]) -> Path:
    """Keep what runs did that are done."""
    found, file, settings = _done(directory, (path or FOLDER / "x").parent)
    place = _new(path or FOLDER / f"{Path(file).stem}.yaml")
    made = replace(found.recorded, made=replace(found.recorded.made, file=file, settings=settings))
    files.write(place, keep(made, allowed, found.question))
    return place


def check_files(
    names: Sequence[Path], seeds: int | None, runs: Path | None, means: Means, *, judge_stale: bool, every: bool
) -> Exit:
    """Check each, and show what was found. The worst of them decides."""
    kept = _read(names)
    if runs is not None and len(names) > 1:
        raise InputError(Problem("--runs", "is for one baseline", "name one, or leave it out"))
    wanted = [_wanted(name, each, seeds, means) for name, each in kept.items()]
    if runs is None:
        command = ["testbed", "baseline", "check", *map(str, names)]
        found = _played(wanted, means, command if seeds is None else [*command, "--seeds", str(seeds)])
    else:
        made = next(iter(kept.values())).recorded.made
        found = [collect(run_directories(runs), made.file, made.settings)]
    some = seeds is not None
    checked = {
        name: check(each, now.recorded, judge_stale=judge_stale, some=some)
        for (name, each), now in zip(kept.items(), found, strict=True)
    }
    folders = [str(runs or each.directory) for each in wanted]
    _tell(checked, folders, means, every=every)
    return EXITS[max(each.verdict for each in checked.values())]


def accept_file(
    name: Path, because: str, allowed: Mapping[str, str], runs: Path | None, means: Means, *, numbers: bool
) -> None:
    """Take over what runs do, or (without ``numbers``) only what is allowed."""
    kept = files.read(name)
    if not numbers:
        files.write(name, accept(kept, kept.recorded, because, allowed))
        return
    made = kept.recorded.made
    if runs is None:
        command = ["testbed", "baseline", "accept", str(name), "--because", because]
        (found,) = _played([_wanted(name, kept, len(kept.recorded.runs), means)], means, command)
    else:
        found = collect(run_directories(runs), made.file, made.settings)
    files.write(name, accept(kept, found.recorded, because, allowed))


def _read(names: Sequence[Path]) -> dict[Path, Baseline]:
    """All of them, or every problem of every one."""
    problems: list[Problem] = []
    kept = {}
    for name in names:
        try:
            kept[name] = files.read(name)
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(problems)
    return kept


def _wanted(name: Path, kept: Baseline, seeds: int | None, means: Means) -> Wanted:
    """The runs that a check takes: in virtual time the same seeds, in real time as many as were computed."""
    made, known = kept.recorded.made, sorted(kept.recorded.runs)
    if made.clock == VIRTUAL:
        chosen: Sequence[int] = known[:seeds]
    else:
        needed = [runs for runs in runs_of_each(kept).values() if runs is not None]
        chosen = range(1, 1 + (seeds or max(needed, default=len(known))))
    return Wanted(
        file=made.file, settings=made.settings, beside=name.parent.absolute(), seeds=chosen,
        directory=folder_of(means, "check") / name.stem, kernel=made.kernel, clock=made.clock,
    )  # fmt: skip


def _played(wanted: Sequence[Wanted], means: Means, command: Sequence[str]) -> list[Found]:
    """Do the runs; what is done is kept when that is interrupted."""
    double = {each.directory for each in wanted if [other.directory for other in wanted].count(each.directory) > 1}
    if double:
        names = ", ".join(sorted(each.name for each in double))
        raise InputError(Problem(names, "several baselines of one name", "check them one after the other"))
    again = [*command, "--out", str(wanted[0].directory.parent)]
    try:
        with Progress(quiet=means.as_json) as progress:
            return play(wanted, means.jobs or pool.workers(), means.wall_limit_s, progress.step)
    except KeyboardInterrupt:
        click.echo(f"what is done is kept; go on with: {shlex.join(again)}", err=True)
        raise


def folder_of(means: Means, stem: str) -> Path:
    """Where the runs of a command go."""
    if means.out is not None:
        return means.out.absolute()
    stamp = datetime.datetime.now().strftime("%Y%m%d-%H%M%S")
    return Path("runs", f"{stem}-{stamp}-{os.getpid()}").absolute()


def _new(place: Path) -> Path:
    if place.exists():
        hint = f"testbed baseline accept {place} --because WHY takes a change over; or name another with --as"
        raise InputError(Problem(str(place), "is there already", hint))
    return place


def _done(directory: Path, beside: Path) -> tuple[Found, str, dict[str, str]]:
    """Runs that are done, and from the command that each keeps what they were runs of."""
    runs = run_directories(directory)
    found = collect(runs, "", {})
    environment = json.loads((runs[0] / "environment.json").read_text(encoding="utf-8"))
    words = shlex.split(str(environment.get("command", "")))
    if len(words) < 3 or words[:2] != ["testbed", "run"]:
        raise InputError(
            Problem(str(runs[0]), "does not say what it is a run of", "record the scenario's file instead")
        )
    settings = dict(words[at + 1].split("=", 1) for at, word in enumerate(words) if word == "--set")
    path = find_file(words[2])
    if TOPOLOGY in settings:
        settings[TOPOLOGY] = portable(find_file(settings[TOPOLOGY], beside=path.parent), beside)
    return found, portable(path, beside), settings


def _tell(checked: Mapping[Path, Checked], folders: Sequence[str], means: Means, *, every: bool) -> None:
    if means.as_json:
        found = [
            checked_json(str(name), each, runs) for (name, each), runs in zip(checked.items(), folders, strict=True)
        ]
        worst = max(each.verdict for each in checked.values())
        click.echo(json.dumps({"verdict": worst.name, "baselines": found}))
        return
    for (name, each), runs in zip(checked.items(), folders, strict=True):
        for line in checked_lines(str(name), each, every=every):
            click.echo(line)
        if each.verdict is not Verdict.PASS:
            click.echo(f"  runs   {os.path.relpath(runs)}")
            command = ["testbed", "baseline", "accept", str(name), "--runs", os.path.relpath(runs), "--because", "WHY"]
            click.echo(f"  right? {shlex.join(command)}")
