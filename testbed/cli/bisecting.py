"""``testbed bisect``: which one change makes the difference."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import click

from testbed.cli.common import EPILOG, file_argument, json_option, told

SEEDS = 3
"""Runs of each mixture where no number is asked for; arbitrary, as a baseline's."""


@click.command(epilog=EPILOG)
@file_argument
@click.option(
    "--good", multiple=True, metavar="NAME=VALUE|@COMMIT", help="A setting, or the topology's commit, that is good."
)
@click.option("--bad", multiple=True, metavar="NAME=VALUE|@COMMIT", help="The same, where it is bad.")
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="A parameter of both sides.")
@click.option("--on", metavar="MEASUREMENT", help="What makes it bad. Default: the first that differs much.")
@click.option(
    "--seeds", type=click.IntRange(min=1), default=SEEDS, show_default=True, metavar="N", help="Runs of each."
)
@click.option("--kernel", type=click.Choice(["guest", "host"]), help="Default: guest, the testbed's own.")
@click.option("--clock", type=click.Choice(["virtual", "real"]), help="Default: virtual in the guest.")
@click.option("--jobs", type=click.IntRange(min=1), metavar="N", help="Runs at a time. Default: one a CPU.")
@click.option(
    "--wall-limit", type=click.FloatRange(min=1), default=600.0, show_default=True, metavar="S",
    help="End a run that takes longer, as UNKNOWN.",
)  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path), help="The runs' folder; one that is there goes on.")
@json_option
@told
def bisect(
    file: str, good: tuple[str, ...], bad: tuple[str, ...], settings: tuple[str, ...], on: str | None, seeds: int,
    kernel: str | None, clock: str | None, jobs: int | None, wall_limit: float, out: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Find the one change between a good and a bad environment that makes the difference.

    Good and bad differ by settings (a parameter, topology=FILE, a daemon: program.bird=/opt/bird/sbin/bird) and by the
    lines of the topology at two commits (@COMMIT). Mixtures are run until the fewest changes are left that are bad.
    """
    from testbed.baseline.bisect import cause_json, cause_lines
    from testbed.cli.baselines import Means
    from testbed.cli.bisections import Wished, search

    means = Means(jobs=jobs, wall_limit_s=wall_limit, out=out, as_json=as_json)
    found = search(Wished(file, good, bad, settings, on, seeds, kernel, clock), means)
    if as_json:
        click.echo(json.dumps(cause_json(found)))
        return
    for line in cause_lines(found):
        click.echo(line)


COMMANDS: Sequence[click.Command] = (bisect,)
