"""What all commands share: how errors are told, exit codes, and options of one meaning."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from functools import wraps
from typing import ParamSpec, TypeVar

import click

from testbed.errors import Exit, TestbedError

P = ParamSpec("P")
R = TypeVar("R")

EPILOG = "Exit codes: 0 PASS, 1 FAIL, 2 the input is wrong, 3 UNKNOWN, 4 this machine lacks something."


TAKEN_DOWN = ("run", "up")
"""Commands that undo what they have begun when they are interrupted."""


def told(function: Callable[P, R]) -> Callable[P, R]:
    """Turn errors into words on stderr and the exit code that goes with them."""

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except TestbedError as error:
            tell(error)
            if kwargs.get("as_json"):
                click.echo(json.dumps({"exit": int(error.exit), "problems": [asdict(p) for p in error.problems]}))
            sys.exit(int(error.exit))
        except KeyboardInterrupt:
            ended = ": everything has been taken down" if function.__name__ in TAKEN_DOWN else ""
            click.echo(f"interrupted{ended}", err=True)
            sys.exit(130)
        except BrokenPipeError:
            sys.exit(int(Exit.PASS))

    return call


def tell(error: TestbedError) -> None:
    """Every problem: where and what, then what to do, indented."""
    for problem in error.problems:
        click.echo(f"{click.style('error', fg='red')}: {problem.where}: {problem.what}", err=True)
        for line in problem.hint.splitlines():
            click.echo(f"    {line}", err=True)


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
