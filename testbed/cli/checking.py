"""``testbed check``: a suite in YAML, for people who write no Python."""

from __future__ import annotations

import datetime
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from testbed.cli.common import EPILOG, json_option, settings_option, told, where_options
from testbed.errors import Exit, InputError, Problem, known

if TYPE_CHECKING:
    from testbed.suite import play
    from testbed.suite.results import CaseResult

EXITS = {"PASS": Exit.PASS, "FAIL": Exit.FAIL, "UNKNOWN": Exit.UNKNOWN, "SKIPPED": Exit.UNKNOWN}


@click.command(epilog=EPILOG)
@click.argument("file", metavar="SUITE", type=click.Path(path_type=Path))
@where_options
@settings_option
@click.option("--seeds", type=click.IntRange(min=1), metavar="N", help="Each check with the seeds 1 to N.")
@click.option("--seed", type=click.IntRange(min=0), metavar="N", help="Each check with this seed alone.")
@click.option("--only", multiple=True, metavar="NAME", help="This check alone; may be given again.")
@click.option("--out", type=click.Path(path_type=Path), help="Keep every run there. Default: runs/, what fails.")
@click.option("--junit", type=click.Path(path_type=Path), metavar="FILE", help="Write JUnit XML.")
@click.option("--html", type=click.Path(path_type=Path), metavar="FILE", help="Write a page of all labs.")
@click.option("--baseline", type=click.Choice(["check", "record", "accept"]), default="check", show_default=True,
              help="What is done with baselines.")  # fmt: skip
@click.option("--because", default="", metavar="WHY", help="The reason for a change that is taken over.")
@json_option
@told
def check(
    file: Path, kernel: str | None, clock: str | None, wall_limit: float, settings: tuple[str, ...], seeds: int | None,
    seed: int | None, only: tuple[str, ...], out: Path | None, junit: Path | None, html: Path | None, baseline: str,
    because: str, as_json: bool,
) -> None:  # fmt: skip
    """Check what a network must do, as a suite in YAML says it."""
    from testbed.cli.progress import Progress
    from testbed.kernel import detect
    from testbed.load import find_file
    from testbed.parameters import parse_settings
    from testbed.suite import files, model, play, results

    if (baseline == "accept") != bool(because.strip()):
        raise InputError(Problem("--baseline accept", "needs a reason, and a reason needs it", "--because WHY"))
    path = find_file(str(file))
    planned = _chosen(play.plan(model.read(path), path, parse_settings(settings)), only)
    stamp = datetime.datetime.now().strftime("%Y%m%d-%H%M%S")
    how = play.How(
        suite=path, folder=(out or Path("runs", f"{path.stem}-{stamp}-{os.getpid()}")).absolute(),
        wall_limit_s=wall_limit, baseline=baseline, because=because,
        seeds=[seed] if seed is not None else range(1, (seeds or 0) + 1),
    )  # fmt: skip
    capabilities = detect.capabilities()
    with Progress(quiet=as_json) as progress:
        found = play.play(
            planned, how, lambda wanted: detect.choose(kernel, clock or wanted, capabilities), progress.message
        )
    asked = {kind: None if name is None else str(name) for kind, name in (("junit", junit), ("html", html))}
    lines = files.write(found, asked, os.environ)
    if out is None:
        play.tidy(found)
    if as_json:
        click.echo(results.to_json(found), nl=False)
    else:
        _show(found, lines)
    sys.exit(int(EXITS[results.worst(found)]))


def _chosen(planned: Sequence[play.Planned], only: tuple[str, ...]) -> list[play.Planned]:
    names = [each.name for each in planned]
    if unknown := [name for name in only if name not in names]:
        raise InputError(Problem(f"--only {name}", "no such check", known(name, names)) for name in unknown)
    return [each for each in planned if not only or each.name in only]


def _show(found: Sequence[CaseResult], lines: Sequence[str]) -> None:
    from testbed.suite.told import seed_lines

    for each in found:
        click.echo(f"{each.verdict:8} {each.test}")
        for line in (each.why, each.directory, each.again) if each.why else ():
            click.echo(f"{'':8} {line}")
    for line in (*seed_lines(found), *lines):
        click.echo(line)


COMMANDS: Sequence[click.Command] = (check,)
