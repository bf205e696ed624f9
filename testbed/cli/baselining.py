"""``testbed baseline``: write down what a network does, and say when it no longer does."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from testbed.cli.common import EPILOG, json_option, settings_option, told
from testbed.errors import InputError, Problem

SEEDS_VIRTUAL, SEEDS_REAL = 3, 10
"""Runs of a baseline where no number is asked for; arbitrary: one seed may be lucky; and enough for a test."""

allow_option = click.option(
    "--allow", "allowed", multiple=True, metavar="NAME=CHANGE",
    help="What may change: nothing, anything, a quantity ('50 ms'), or 'fixed 10 %'.",
)  # fmt: skip
jobs_option = click.option(
    "--jobs", type=click.IntRange(min=1), metavar="N", help="Runs at a time. Default: one a CPU."
)
limit_option = click.option(
    "--wall-limit", type=click.FloatRange(min=1), default=600.0, show_default=True, metavar="S",
    help="End a run that takes longer, as UNKNOWN.",
)  # fmt: skip
out_option = click.option(
    "--out", type=click.Path(path_type=Path), help="The runs' folder; one that is there goes on. Default: runs/..."
)
baseline_argument = click.argument("file", metavar="BASELINE", type=click.Path(path_type=Path))
runs_option = click.option(
    "--runs",
    type=click.Path(path_type=Path),
    help="Take these runs, and do none: a folder that a check or a run wrote.",
)


@click.group(epilog=EPILOG)
def baseline() -> None:
    """What a network must do, as a file in your repository, and whether it still does."""


@baseline.command(epilog=EPILOG)
@click.argument("what", metavar="FILE|DIR")
@click.option("--as", "path", type=click.Path(path_type=Path), help="The baseline. Default: baselines/NAME.yaml.")
@settings_option
@click.option(
    "--seeds", type=click.IntRange(min=1), metavar="N", help="Runs, seeds 1 to N. Default: 3; in real time 10."
)
@allow_option
@click.option("--kernel", type=click.Choice(["guest", "host"]), help="Default: guest, the testbed's own.")
@click.option("--clock", type=click.Choice(["virtual", "real"]), help="Default: virtual in the guest.")
@jobs_option
@limit_option
@out_option
@json_option
@told
def record(
    what: str, path: Path | None, settings: tuple[str, ...], seeds: int | None, allowed: tuple[str, ...],
    kernel: str | None, clock: str | None, jobs: int | None, wall_limit: float, out: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Run a scenario or a topology with several seeds, or take runs that are done, and write down what it does."""
    from testbed.cli.baselines import Asked, Means, record_file, record_runs
    from testbed.parameters import parse_settings

    changes = parse_settings(allowed)
    means = Means(jobs=jobs, wall_limit_s=wall_limit, out=out, as_json=as_json)
    if Path(what).is_dir():
        given = [("set", settings), ("seeds", seeds), ("kernel", kernel), ("clock", clock), ("out", out)]
        if problems := [
            Problem(f"--{name}", f"{what} has runs that are done", "leave it out") for name, v in given if v
        ]:
            raise InputError(problems)
        made = record_runs(Path(what), path, changes)
    else:
        made = record_file(Asked(what, parse_settings(settings), seeds, kernel, clock), path, changes, means)
    _show(made, as_json=as_json)


@baseline.command(epilog=EPILOG)
@click.argument("files", nargs=-1, required=True, metavar="BASELINE...", type=click.Path(path_type=Path))
@click.option(
    "--seeds",
    type=click.IntRange(min=1),
    metavar="N",
    help="Runs. Default: the baseline's; in real time as many as it takes.",
)
@runs_option
@click.option("--judge-stale", is_flag=True, help="Judge a baseline that is stale all the same.")
@jobs_option
@limit_option
@out_option
@click.option("--all", "every", is_flag=True, help="Show measurements that are as they were, too.")
@json_option
@told
def check(
    files: tuple[Path, ...], seeds: int | None, runs: Path | None, judge_stale: bool, jobs: int | None,
    wall_limit: float, out: Path | None, every: bool, as_json: bool,
) -> None:  # fmt: skip
    """Run what the baselines were made of again, and say what is not as it was.

    Exit codes: 0 as it was, or within what is allowed; 1 it is not; 3 it cannot be said: a baseline is stale, a run is
    UNKNOWN or missing, or there are too few runs.
    """
    from testbed.cli.baselines import Means, check_files

    means = Means(jobs=jobs, wall_limit_s=wall_limit, out=out, as_json=as_json)
    sys.exit(int(check_files(files, seeds, runs, means, judge_stale=judge_stale, every=every)))


@baseline.command(epilog=EPILOG)
@baseline_argument
@click.option("--because", required=True, metavar="WHY", help="Why the change is right; kept with the numbers.")
@runs_option
@allow_option
@click.option("--allowed-only", is_flag=True, help="Change what is allowed, and keep the numbers.")
@jobs_option
@limit_option
@out_option
@json_option
@told
def accept(
    file: Path, because: str, runs: Path | None, allowed: tuple[str, ...], allowed_only: bool, jobs: int | None,
    wall_limit: float, out: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Take over what the network does now, with the reason."""
    from testbed.cli.baselines import Means, accept_file
    from testbed.parameters import parse_settings

    if allowed_only and (runs or not allowed):
        raise InputError(Problem("--allowed-only", "is for --allow alone", "leave out --runs, and say what is allowed"))
    means = Means(jobs=jobs, wall_limit_s=wall_limit, out=out, as_json=as_json)
    accept_file(file, because, parse_settings(allowed), runs, means, numbers=not allowed_only)
    _show(file, as_json=as_json)


@baseline.command(epilog=EPILOG)
@baseline_argument
@json_option
@told
def show(file: Path, as_json: bool) -> None:
    """Tell what a baseline holds, how a check decides, and how many runs that takes."""
    _show(file, as_json=as_json)


def _show(file: Path, *, as_json: bool) -> None:
    from testbed.baseline.file import read
    from testbed.baseline.words import baseline_json, baseline_lines

    found = read(file)
    if as_json:
        click.echo(json.dumps({"baseline": str(file), **baseline_json(found)}))
        return
    for line in (f"{file}: {next(lines := iter(baseline_lines(found)))}", *lines):
        click.echo(line)


COMMANDS: Sequence[click.Command] = (baseline,)
