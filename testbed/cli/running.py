"""``testbed run``."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path

import click

from testbed.boot.runner import Options, Outcome, run
from testbed.cli.progress import Progress
from testbed.errors import Exit
from testbed.job import NO_IMPAIRMENTS
from testbed.load import load
from testbed.parameters import parse_settings
from testbed.run.needs import choose
from testbed.verdict import Verdict

EXITS = {Verdict.PASS: Exit.PASS, Verdict.FAIL: Exit.FAIL, Verdict.UNKNOWN: Exit.UNKNOWN}


def run_command(
    file: str, seed: int, kernel: str | None, clock: str | None, settings: tuple[str, ...], out: Path | None,
    wall_limit: float, *, impaired: bool = True, as_json: bool,
) -> Exit:  # fmt: skip
    """Do a run and show how it ended."""
    given = parse_settings(settings)
    loaded = load(file, given)
    choice = choose(loaded, kernel, clock, impaired=impaired)
    command = ["testbed", "run", file, "--seed", str(seed), "--kernel", choice.kernel, "--clock", choice.clock]
    command += [word for setting in settings for word in ("--set", setting)]
    command += [] if impaired else [NO_IMPAIRMENTS]
    options = Options(
        seed=seed, kernel=choice.kernel, clock=choice.clock, out=out, wall_limit_s=wall_limit, command=command,
        why=choice.why, impaired=impaired,
    )  # fmt: skip
    with Progress(quiet=as_json) as progress:
        progress.step(f"{choice.kernel} kernel, {choice.clock} clock: {choice.why}")
        outcome = run(loaded, given, options, progress.message)
    return show(outcome, command, as_json=as_json)


def show(outcome: Outcome, command: list[str], *, as_json: bool) -> Exit:
    """Print how a run ended, for people or as JSON, and return the exit code for it."""
    if as_json:
        _print_json(outcome, command)
    else:
        from testbed.report.terminal import summary

        for line in summary(outcome.directory):
            click.echo(line)
    return EXITS[outcome.judgement.verdict]


def _print_json(outcome: Outcome, command: list[str]) -> None:
    """The one object of a run."""
    found = outcome.judgement.to_json()
    found |= {"directory": str(outcome.directory), "report": str(outcome.report), "command": shlex.join(command)}
    json.dump(found, sys.stdout)
    sys.stdout.write("\n")
