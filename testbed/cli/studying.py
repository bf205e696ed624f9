"""``testbed run`` of a study, and ``testbed sweep``."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import click

from testbed.cli.progress import Progress
from testbed.cli.running import EXITS
from testbed.cli.where import machines
from testbed.errors import Exit, InputError, MachineError, Problem
from testbed.kernel import detect
from testbed.load import read_study
from testbed.numbers import counted
from testbed.parameters import parse_settings
from testbed.report.studydir import STUDY
from testbed.sweep import play
from testbed.sweep.planned import Planned, plan_study

MANY = 200
"""So many runs are done only when they are asked for twice; arbitrary: an hour on two cores."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What the command line says about how to play."""

    out: Path | None
    kernel: str | None
    clock: str | None
    jobs: int | None
    wall_limit_s: float
    yes: bool
    on: str
    as_json: bool


def run_study_file(file: str, settings: tuple[str, ...], seeds: int | None, wanted: Wanted) -> Exit:
    """Play the study of a file."""
    found = read_study(file)
    if found is None:
        hint = "repeat a scenario with: testbed sweep FILE --seeds N"
        raise InputError(Problem(file, "declares no study: --seeds, --jobs, --on and --yes are for studies", hint))
    path, study = found
    given = parse_settings(settings)
    asked = study if seeds is None else replace(study, seeds=seeds)
    words = [word for setting in settings for word in ("--set", setting)]
    words += [] if seeds is None else ["--seeds", str(seeds)]
    confirm(asked.count(), wanted)
    planned = plan_study(asked, path.parent, given)
    return play_and_show(Playable(planned, "study", file, given, ["testbed", "run", file, *words]), wanted)


@dataclass(frozen=True)
class Playable:
    """A study that can be played, and how it was asked for."""

    planned: Planned
    kind: str
    file: str
    settings: Mapping[str, str]
    command: Sequence[str]


def play_and_show(asked: Playable, wanted: Wanted) -> Exit:
    """Play, and show how it ended."""
    stem = Path(asked.file).stem
    directory = play.prepare(wanted.out, f"{stem}-{asked.kind}" if asked.kind == "sweep" else stem)
    again = [*asked.command, "--out", str(wanted.out or directory)]
    outcome = play_quietly(asked, directory, again, wanted)
    if wanted.as_json:
        _print_json(outcome, shlex.join(again))
    else:
        from testbed.report.terminal import summary

        for line in summary(outcome.directory):
            click.echo(line)
        for line in outcome.loud:
            click.echo(f"WARNING  {line}", err=True)
    return EXITS[outcome.judgement.verdict]


def play_quietly(asked: Playable, directory: Path, again: Sequence[str], wanted: Wanted) -> play.Outcome:
    """Play, and show how far it is; ``again`` is the command that goes on after an interruption."""
    choice = detect.choose(wanted.kernel, wanted.clock, detect.capabilities())
    options = play.Options(
        directory=directory, kernel=choice.kernel, clock=choice.clock, wall_limit_s=wanted.wall_limit_s,
        machines=machines(wanted.on, wanted.jobs, choice.kernel), command=asked.command, why=choice.why,
        kind=asked.kind, file=asked.file, settings=asked.settings,
    )  # fmt: skip
    total = asked.planned.total
    try:
        with Progress(quiet=wanted.as_json) as progress:
            progress.step(f"{counted(total, 'run')} on {wanted.on}, {choice.kernel} kernel")
            return play.play(asked.planned, options, progress.step)
    except (KeyboardInterrupt, MachineError):
        if (directory / STUDY).exists():
            click.echo(f"what is done is kept; go on with: {shlex.join(again)}", err=True)
        raise


def confirm(total: int, wanted: Wanted) -> None:
    """Ask before very many runs. Raises :class:`InputError` where there is nobody to ask, or the answer is no."""
    if total <= MANY or wanted.yes:
        return
    runs = counted(total, "run")
    if wanted.as_json or not sys.stdin.isatty():
        hint = "say --yes, or ask for fewer values or seeds"
        raise InputError(Problem("study", f"{runs} are many, and there is nobody to ask", hint))
    if not click.confirm(f"That is up to {runs}; those that are there are not done again. Go on?", err=True):
        raise InputError(Problem("study", f"{runs} were not wanted", "nothing was touched"))


def _print_json(outcome: play.Outcome, command: str) -> None:
    found = outcome.judgement.to_json()
    found |= {"directory": str(outcome.directory), "report": str(outcome.report), "command": command}
    found |= {"runs_done": outcome.done, "runs_kept": outcome.kept, "loud": list(outcome.loud)}
    sys.stdout.write(f"{json.dumps(found)}\n")
