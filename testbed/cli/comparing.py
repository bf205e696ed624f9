"""``testbed sweep`` and ``testbed compare``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from testbed.cli.common import (
    EPILOG,
    LOCAL,
    file_argument,
    json_option,
    many_options,
    told,
    where_options,
)
from testbed.errors import InputError, Problem

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
    file: str, settings: tuple[str, ...], seeds: int | None, jobs: int | None, yes: bool, on: str, kernel: str | None,
    clock: str | None, wall_limit: float, out: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Run a scenario with every combination of values, each with several seeds (10), and show the curves.

    A comma that belongs to a value has a backslash before it.
    """
    from testbed.cli.studying import Playable, Wanted, confirm, play_and_show
    from testbed.report.studydir import STUDY, read_asked
    from testbed.sweep.axes import parse_values, sweep_study, words
    from testbed.sweep.planned import plan_study
    from testbed.sweep.play import prepare

    wanted = Wanted(
        out=out, kernel=kernel, clock=clock, jobs=jobs, wall_limit_s=wall_limit, yes=yes, on=on, as_json=as_json
    )
    given = parse_values(settings)
    before = read_asked(prepare(out, "")) if out is not None and (out / STUDY).exists() else None
    study = sweep_study(file, given, seeds, before)
    confirm(study.count(), wanted)
    planned = plan_study(study, Path.cwd(), {})
    asked = Playable(planned, "sweep", file, {}, ["testbed", "sweep", file, *words(study)])
    sys.exit(int(play_and_show(asked, wanted)))


@click.command(epilog=EPILOG)
@click.argument("what", nargs=-1, required=True, metavar="DIR|FILE...")
@click.option("--by", metavar="AXIS", help="With one study alone: compare the points of this axis. Default: design.")
@click.option(
    "--with", "scenario", metavar="FILE", help="The scenario for topologies. Default: scenarios/path_loss.py."
)
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="A parameter of all runs of FILEs.")
@many_options
@where_options
@click.option(
    "--out", type=click.Path(path_type=Path),
    help="New folder for the page; with FILEs one that is there goes on. Default: runs/compare-TIME.",
)  # fmt: skip
@json_option
@told
def compare(
    what: tuple[str, ...], by: str | None, scenario: str | None, settings: tuple[str, ...], seeds: int | None,
    jobs: int | None, yes: bool, on: str, kernel: str | None, clock: str | None, wall_limit: float, out: Path | None,
    as_json: bool,
) -> None:  # fmt: skip
    """Compare runs, sweeps or designs: on the same axes, with the intervals of their differences.

    DIRs are what run and sweep wrote. FILEs are topologies: a scenario is run on each of them, with several seeds
    (10). Or one study, which is run. The first is what the others are compared with. One study alone is compared along
    its axis "design", or --by. Exit code 3: a side has no number to compare.
    """
    from testbed.cli.designing import compare_directories, compare_files
    from testbed.cli.studying import Wanted

    directories, files = [each for each in what if Path(each).is_dir()], [each for each in what if _is_file(each)]
    wanted = Wanted(
        out=out, kernel=kernel, clock=clock, jobs=jobs, wall_limit_s=wall_limit, yes=yes, on=on, as_json=as_json
    )
    if files and directories:
        hint = "run the designs first and compare the folders, or name files alone"
        raise InputError(Problem(files[0], f"is a file, and {directories[0]} a folder of runs that are done", hint))
    if files:
        sys.exit(int(compare_files(what, by, scenario, settings, seeds, wanted)))
    given = [f"--set {each}" for each in settings] + ([f"--with {scenario}"] if scenario else [])
    given += [f"--{name}" for name, value in (("seeds", seeds), ("jobs", jobs), ("yes", yes)) if value]
    given += [] if on == LOCAL else ["--on"]
    given += [f"--{name}" for name, value in (("kernel", kernel), ("clock", clock)) if value]
    if given:
        raise InputError(
            Problem(each, "is for files: folders hold runs that are done", "leave it out") for each in given
        )
    sys.exit(int(compare_directories([Path(each) for each in what], by, wanted)))


def _is_file(name: str) -> bool:
    """Whether a word stands for a file: it is one, here or shipped, or is written like one."""
    from testbed.load import find_file

    try:
        find_file(name)
    except InputError:
        return Path(name).suffix in (".py", ".yaml", ".yml")
    return True


COMMANDS: Sequence[click.Command] = (sweep, compare)
