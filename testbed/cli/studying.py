"""``testbed run`` of a study, and ``testbed sweep``."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import click

from testbed.boot import pool
from testbed.cli.progress import Progress
from testbed.cli.running import EXITS
from testbed.errors import Exit, InputError, Problem
from testbed.kernel import detect
from testbed.load import read_study
from testbed.parameters import parse_settings
from testbed.report.numbers import counted
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
    as_json: bool


def run_study_file(file: str, settings: tuple[str, ...], seeds: int | None, wanted: Wanted) -> Exit:
    """Play the study of a file."""
    found = read_study(file)
    if found is None:
        hint = "repeat a scenario with: testbed sweep FILE --seeds N"
        raise InputError(Problem(file, "declares no study: --seeds, --jobs and --yes are for studies", hint))
    path, study = found
    given = parse_settings(settings)
    asked = study if seeds is None else replace(study, seeds=seeds)
    words = [word for setting in settings for word in ("--set", setting)]
    words += [] if seeds is None else ["--seeds", str(seeds)]
    planned = plan_study(asked, path.parent, given)
    return play_planned(planned, "study", file, given, wanted, ["testbed", "run", file, *words])


def play_planned(
    planned: Planned, kind: str, file: str, settings: Mapping[str, str], wanted: Wanted, command: Sequence[str]
) -> Exit:
    """Play, and show how it ended."""
    directory = play.prepare(wanted.out, f"{Path(file).stem}-{kind}" if kind == "sweep" else Path(file).stem)
    confirm(planned.total, wanted)
    choice = detect.choose(wanted.kernel, wanted.clock, detect.capabilities())
    again = shlex.join([*command, "--out", str(wanted.out or directory)])
    options = play.Options(
        directory=directory, kernel=choice.kernel, clock=choice.clock, jobs=wanted.jobs or pool.workers(),
        wall_limit_s=wanted.wall_limit_s, command=command, why=choice.why, kind=kind, file=file, settings=settings,
    )  # fmt: skip
    try:
        with Progress(quiet=wanted.as_json) as progress:
            progress.step(f"{counted(planned.total, 'run')}, {options.jobs} at a time, {choice.kernel} kernel")
            outcome = play.play(planned, options, progress.step)
    except KeyboardInterrupt:
        click.echo(f"what is done is kept; go on with: {again}", err=True)
        raise
    if wanted.as_json:
        _print_json(outcome, again)
    else:
        from testbed.report.terminal import summary

        for line in summary(outcome.directory):
            click.echo(line)
    return EXITS[outcome.judgement.verdict]


def confirm(total: int, wanted: Wanted) -> None:
    """Ask before very many runs. Raises :class:`InputError` where there is nobody to ask."""
    if total <= MANY or wanted.yes:
        return
    if wanted.as_json or not sys.stdin.isatty():
        hint = "say --yes, or ask for fewer values or seeds"
        raise InputError(Problem("study", f"{counted(total, 'run')} are many, and there is nobody to ask", hint))
    if not click.confirm(f"{counted(total, 'run')}: go on?", err=True):
        raise InputError(Problem("study", f"{counted(total, 'run')} were not wanted", "nothing was touched"))


def _print_json(outcome: play.Outcome, command: str) -> None:
    found = outcome.judgement.to_json()
    found |= {"directory": str(outcome.directory), "report": str(outcome.report), "command": command}
    found |= {"runs_done": outcome.done, "runs_kept": outcome.kept}
    sys.stdout.write(f"{json.dumps(found)}\n")
