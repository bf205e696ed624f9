"""What all commands share: how errors are told, exit codes, and options of one meaning."""

from __future__ import annotations

import itertools
import json
import sys
import traceback
from collections.abc import Callable
from dataclasses import asdict
from functools import wraps
from typing import ParamSpec, TypeVar

import click

from testbed.errors import Exit, Problem, TestbedError
from testbed.job import NO_IMPAIRMENTS

P = ParamSpec("P")
R = TypeVar("R")

EPILOG = "Exit codes: 0 PASS, 1 FAIL, 2 the input is wrong, 3 UNKNOWN, 4 this machine lacks something."


TAKEN_DOWN = ("run", "sweep", "compare", "up", "record", "check", "accept", "bisect")
"""Commands that undo what they have begun when they are interrupted."""


INTERRUPTED = 130
"""128 + SIGINT, as shells have it: none of the verdicts."""
LOCAL = "local"
"""Of --on: this machine."""
WORDS = "testbed.words"
"""Where a context keeps what was typed."""


class Commands(click.Group):
    """Commands that tell bad words in JSON as well, where JSON was asked for: click refuses them before they run."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Keep what was typed."""
        ctx.meta[WORDS] = tuple(args)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; click itself tells a usage error on stderr and exits with 2."""
        try:
            return super().invoke(ctx)
        except click.UsageError as error:
            if "--json" in itertools.takewhile(lambda word: word != "--", ctx.meta[WORDS]):
                at = error.ctx.command_path if error.ctx else ctx.command_path
                tell_json(Exit.INPUT, Problem(at, error.format_message(), f"{at} --help"))
            raise


def told(function: Callable[P, R]) -> Callable[P, R]:
    """Turn errors into words on stderr, JSON where it was asked for, and the exit code that goes with them."""

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except TestbedError as error:
            tell(error)
            if kwargs.get("as_json"):
                tell_json(error.exit, *error.problems)
            sys.exit(int(error.exit))
        except KeyboardInterrupt:
            ended = ": everything has been taken down" if function.__name__ in TAKEN_DOWN else ""
            click.echo(f"interrupted{ended}", err=True)
            if kwargs.get("as_json"):
                tell_json(INTERRUPTED, Problem(function.__name__, f"interrupted{ended}"))
            sys.exit(INTERRUPTED)
        except BrokenPipeError:
            sys.exit(int(Exit.PASS))
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:  # Python's own exit code for it is 1, and that is FAIL
            traceback.print_exc()
            problem = Problem(
                function.__name__, f"{type(error).__name__}: {error}", "a defect of the testbed: report it"
            )
            tell(TestbedError(problem))
            if kwargs.get("as_json"):
                tell_json(Exit.UNKNOWN, problem)
            sys.exit(int(Exit.UNKNOWN))

    return call


def tell(error: TestbedError) -> None:
    """Every problem: where and what, then what to do, indented."""
    for problem in error.problems:
        click.echo(f"{click.style('error', fg='red')}: {problem.where}: {problem.what}", err=True)
        for line in problem.hint.splitlines():
            click.echo(f"    {line}", err=True)


def tell_json(code: int, *problems: Problem) -> None:
    """The one object on stdout of a command that has no other."""
    click.echo(json.dumps({"exit": int(code), "problems": [asdict(problem) for problem in problems]}))


settings_option = click.option(
    "--set", "settings", multiple=True, metavar="NAME=VALUE", help="Change a parameter; testbed show lists them."
)
json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object on stdout and nothing else there."
)
file_argument = click.argument("file", metavar="FILE", type=str)
seed_option = click.option(
    "--seed",
    type=click.IntRange(min=0, max=2**63 - 1),
    default=1,
    show_default=True,
    help="Makes loss, jitter and timer phases.",
)


plain_option = click.option(
    NO_IMPAIRMENTS, "plain", is_flag=True,
    help="Leave links as the kernel gives them, for one that cannot delay and drop; the receipt says so.",
)  # fmt: skip


def where_options(function: Callable[P, R]) -> Callable[P, R]:
    """Which kernel and clock, and for how long."""
    for option in (
        click.option(
            "--wall-limit", type=click.FloatRange(min=1), default=600.0, show_default=True, metavar="S",
            help="End a run that takes longer, as UNKNOWN.",
        ),
        click.option("--clock", type=click.Choice(["virtual", "real"]), help="Default: virtual in the guest."),
        click.option("--kernel", type=click.Choice(["guest", "host"]), help="Default: guest, the testbed's own."),
    ):  # fmt: skip
        function = option(function)
    return function


def many_options(function: Callable[P, R]) -> Callable[P, R]:
    """How many runs, how many of them at a time, where, and whether very many are meant."""
    for option in (
        click.option("--yes", is_flag=True, help="Do not ask, however many runs that is."),
        click.option("--jobs", type=click.IntRange(min=1), metavar="N", help="Runs at a time. Default: one a CPU."),
        click.option(
            "--on",
            default=LOCAL,
            show_default=True,
            metavar="WHERE",
            help="Where runs are done: dask://HOST:PORT, the workers of a Dask scheduler.",
        ),
        click.option("--seeds", type=click.IntRange(min=1), metavar="N", help="Runs of each cell, seeds 1 to N."),
    ):
        function = option(function)
    return function
