"""What ``testbed bisect`` does: from words to two sides, and runs of their mixtures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import click

from testbed.baseline.bisect import Cause, Search, Sides
from testbed.baseline.changes import Versions, at_commits
from testbed.baseline.model import Recorded
from testbed.baseline.play import Wanted, play
from testbed.boot import pool
from testbed.cli.baselines import Means, folder_of
from testbed.cli.progress import Progress
from testbed.errors import InputError, Problem
from testbed.kernel import detect
from testbed.load import TOPOLOGY, find_file, load
from testbed.parameters import parse_settings


@dataclass(frozen=True)
class Wished:
    """What the command line says."""

    file: str
    good: tuple[str, ...]
    bad: tuple[str, ...]
    settings: tuple[str, ...]
    on: str | None
    seeds: int
    kernel: str | None
    clock: str | None


def search(wished: Wished, means: Means) -> Cause:
    """Find the cause."""
    path = find_file(wished.file)
    sides = _sides(wished, path)
    choice = detect.choose(wished.kernel, wished.clock, detect.capabilities())
    wanted = Wanted(
        file=str(path), settings=sides.good, beside=path.parent, seeds=range(1, wished.seeds + 1),
        directory=folder_of(means, "bisect"), kernel=choice.kernel, clock=choice.clock,
    )  # fmt: skip
    scenario = load(str(path), {}).scenario is not None
    try:
        with Progress(quiet=means.as_json) as progress:

            def run(each: Wanted) -> Recorded:
                return play([each], means.jobs or pool.workers(), means.wall_limit_s, lambda text: None)[0].recorded

            return Search(sides, wanted, run, progress.step, scenario).cause(wished.on)
    except KeyboardInterrupt:
        click.echo(f"what is done is kept; the same command with --out {wanted.directory} goes on", err=True)
        raise


def _sides(wished: Wished, path: Path) -> Sides:
    """Settings and commits of both. Raises :class:`InputError`."""
    commits, texts = {}, {}
    for name, words in (("good", wished.good), ("bad", wished.bad)):
        commits[name] = [word[1:] for word in words if word.startswith("@")]
        texts[name] = tuple(word for word in words if not word.startswith("@"))
    common = parse_settings(wished.settings)
    good, bad = ({**common, **parse_settings(texts[name])} for name in ("good", "bad"))
    counts = [len(commits[name]) for name in ("good", "bad")]
    if counts == [0, 0]:
        return Sides(good=_absolute(good, path), bad=_absolute(bad, path))
    if counts != [1, 1]:
        hint = "--good @COMMIT --bad @COMMIT"
        raise InputError(Problem("@COMMIT", "is said once of each side, or not at all", hint))
    if good.get(TOPOLOGY) != bad.get(TOPOLOGY):
        hint = "name commits of one topology, or two topologies"
        raise InputError(Problem(TOPOLOGY, "differs, and so do its commits", hint))
    return Sides(good=good, bad=bad, versions=_versions(path, common, commits["good"][0], commits["bad"][0]))


def _versions(path: Path, common: dict[str, str], good: str, bad: str) -> Versions:
    return at_commits(load(str(path), common).topology, good, bad)


def _absolute(settings: dict[str, str], path: Path) -> dict[str, str]:
    """A topology where it is found from anywhere."""
    if TOPOLOGY not in settings:
        return settings
    return {**settings, TOPOLOGY: str(find_file(settings[TOPOLOGY], beside=path.parent))}
