"""``testbed compare``: of folders, or of designs that are run first."""

from __future__ import annotations

import datetime
import json
import os
import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click

from testbed.cli.studying import Playable, Wanted, confirm, play_quietly
from testbed.compare.comparison import Comparison, complete
from testbed.compare.comparison import compare as bring_together
from testbed.compare.page import to_json, write_comparison
from testbed.compare.sides import along, read_sides
from testbed.compare.tables import terminal_lines
from testbed.errors import Exit, InputError, Problem
from testbed.load import read_study
from testbed.parameters import parse_settings
from testbed.report.studydir import STUDY
from testbed.sweep.designs import SCENARIO, design_study
from testbed.sweep.planned import plan_study

RUNS = "study"
"""The folder, in a comparison's, of the runs that were made for it."""


def compare_directories(directories: Sequence[Path], by: str | None, wanted: Wanted) -> Exit:
    """What runs and sweeps left."""
    found = bring_together(read_sides(directories, by))
    folder = wanted.out.absolute() if wanted.out else _default_folder()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        hint = "name a new folder, or empty that one"
        raise InputError(Problem(f"--out {wanted.out}", "exists and is not empty", hint))
    return _show(found, folder, ["testbed", "compare", *map(str, directories), *_option("--by", by)], wanted)


def compare_files(
    files: Sequence[str], by: str | None, scenario: str | None, settings: Sequence[str], seeds: int | None,
    wanted: Wanted,
) -> Exit:  # fmt: skip
    """Designs: run what is missing, then compare."""
    given = parse_settings(tuple(settings))
    folder = wanted.out.absolute() if wanted.out else _default_folder()
    if folder.exists() and not folder.is_dir():
        raise InputError(Problem(f"--out {wanted.out}", "is a file", "name a folder"))
    if folder.exists() and any(folder.iterdir()) and not (folder / RUNS / STUDY).exists():
        hint = "name a new folder, or one that a comparison of files wrote"
        raise InputError(Problem(f"--out {wanted.out}", "exists and is not empty", hint))
    study = read_study(files[0]) if len(files) == 1 else None
    words = ["testbed", "compare", *files, *_option("--by", by), *_option("--with", scenario)]
    words += [word for each in settings for word in ("--set", each)] + _option("--seeds", seeds)
    if study is not None:
        if scenario is not None:
            raise InputError(Problem(f"--with {scenario}", f"{files[0]} says itself what is run", "leave it out"))
        asked = replace(study[1], seeds=seeds or study[1].seeds)
        confirm(asked.count(), wanted)
        played = Playable(plan_study(asked, study[0].parent, given), "study", files[0], given, words)
    else:
        if by is not None:
            raise InputError(Problem(f"--by {by}", "is for one study alone", "leave it out, or name one study"))
        asked = design_study(files, scenario or SCENARIO, given, seeds)
        confirm(asked.count(), wanted)
        played = Playable(plan_study(asked, Path.cwd(), {}), "comparison", scenario or SCENARIO, given, words)
    play_quietly(played, folder / RUNS, [*words, "--out", str(wanted.out or folder)], wanted)
    return _show(bring_together(along(folder / RUNS, by)), folder, words, wanted)


def _option(name: str, value: object) -> list[str]:
    return [] if value is None else [name, str(value)]


def _default_folder() -> Path:
    stamp = datetime.datetime.now().strftime("%Y%m%d-%H%M%S")
    return Path("runs", f"compare-{stamp}-{os.getpid()}").absolute()


def _show(found: Comparison, folder: Path, command: Sequence[str], wanted: Wanted) -> Exit:
    """Write the page, and tell the answer."""
    page = write_comparison(found, folder, shlex.join(command))
    code = Exit.PASS if complete(found) else Exit.UNKNOWN
    if wanted.as_json:
        click.echo(json.dumps({**to_json(found), "exit": int(code), "report": str(page)}))
        return code
    for line in terminal_lines(found):
        click.echo(line)
    click.echo(f"report  {page}")
    return code
