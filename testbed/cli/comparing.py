"""``testbed sweep`` and ``testbed compare``."""

from __future__ import annotations

import datetime
import json
import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from testbed.cli.common import (
    EPILOG,
    file_argument,
    json_option,
    many_options,
    told,
    where_options,
)
from testbed.errors import Exit, InputError, Problem

values_option = click.option(
    "--set", "settings", multiple=True, metavar="NAME=VALUE,VALUE",
    help="Vary a parameter, or the topology (topology=FILE,FILE); testbed show lists them.",
)  # fmt: skip


@click.command(epilog=EPILOG)
@file_argument
@values_option
@many_options
@where_options
@click.option(
    "--out", type=click.Path(path_type=Path),
    help="The sweep's folder. One that is there goes on, with more values and seeds if you say so.",
)  # fmt: skip
@json_option
@told
def sweep(
    file: str, settings: tuple[str, ...], seeds: int | None, jobs: int | None, yes: bool, kernel: str | None,
    clock: str | None, wall_limit: float, out: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Run a scenario with every combination of values, each with several seeds (10), and show the curves.

    A comma that belongs to a value has a backslash before it.
    """
    from testbed.cli.studying import Wanted, confirm, play_planned
    from testbed.report.studydir import STUDY, read_asked
    from testbed.sweep.axes import parse_values, sweep_study, words
    from testbed.sweep.planned import count, plan_study
    from testbed.sweep.play import prepare

    wanted = Wanted(out=out, kernel=kernel, clock=clock, jobs=jobs, wall_limit_s=wall_limit, yes=yes, as_json=as_json)
    given = parse_values(settings)
    before = read_asked(prepare(out, "")) if out is not None and (out / STUDY).exists() else None
    study = sweep_study(file, given, seeds, before)
    confirm(count(study), wanted)
    planned = plan_study(study, Path.cwd(), {})
    sys.exit(int(play_planned(planned, "sweep", file, {}, wanted, ["testbed", "sweep", file, *words(study)])))


@click.command(epilog=EPILOG)
@click.argument("directories", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="DIR...")
@click.option("--by", metavar="AXIS", help="With one study alone: compare the points of this axis. Default: design.")
@click.option("--out", type=click.Path(path_type=Path), help="New folder for the page. Default: runs/compare-TIME.")
@json_option
@told
def compare(directories: tuple[Path, ...], by: str | None, out: Path | None, as_json: bool) -> None:
    """Compare runs, sweeps or designs: on the same axes, with the intervals of their differences.

    The first is what the others are compared with. One study alone is compared along its axis "design", or --by.
    """
    from testbed.compare.comparison import compare as compare_sides
    from testbed.compare.page import terminal_lines, to_json, write_comparison
    from testbed.compare.sides import read_sides

    found = compare_sides(read_sides(directories, by))
    folder = _new_folder(out)
    command = ["testbed", "compare", *map(str, directories), *(["--by", by] if by else [])]
    page = write_comparison(found, folder, shlex.join(command))
    if as_json:
        click.echo(json.dumps({**to_json(found), "exit": int(Exit.PASS), "report": str(page)}))
        return
    for line in terminal_lines(found):
        click.echo(line)
    click.echo(f"report  {page}")


def _new_folder(out: Path | None) -> Path:
    if out is None:
        stamp = datetime.datetime.now().strftime("%Y%m%d-%H%M%S")
        return Path("runs", f"compare-{stamp}-{os.getpid()}").absolute()
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(Problem(f"--out {out}", "exists and is not empty", "name a new folder, or empty that one"))
    return out.absolute()


COMMANDS: Sequence[click.Command] = (sweep, compare)
