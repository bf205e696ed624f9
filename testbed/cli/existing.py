"""Options and commands for clusters that exist already."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ParamSpec, TypeVar

import click

from testbed.cli.common import EPILOG, told
from testbed.errors import Exit, InputError, Problem
from testbed.existing.defaults import IMAGE, NAMESPACE, SITE_LABEL

P = ParamSpec("P")
R = TypeVar("R")

kubeconfig_option = click.option(
    "--kubeconfig", type=click.Path(path_type=Path), metavar="FILE",
    help="On the cluster that this names, with probes as pods; see docs/clusters.md.",
)  # fmt: skip
context_option = click.option(
    "--context", default="", metavar="NAME", help="Of the kubeconfig. Default: its current one."
)
namespace_option = click.option(
    "--namespace", default=NAMESPACE, show_default=True, metavar="NAME", help="Where all of it is on that cluster."
)


@dataclass(frozen=True)
class There:
    """Which cluster, and how: what was given with a kubeconfig."""

    kubeconfig: Path
    context: str
    label: str
    namespace: str
    image: str
    dry_run: bool


def existing_options(function: Callable[P, R]) -> Callable[P, R]:
    """Run on a cluster that exists already."""
    for option in (
        click.option(
            "--dry-run", is_flag=True, help="With --kubeconfig: print what would be made there. Makes nothing."
        ),
        click.option("--image", default=IMAGE, show_default=True, help="Of pods there; with Python 3.11 or newer."),
        namespace_option,
        click.option(
            "--site-label",
            default=SITE_LABEL,
            show_default=True,
            metavar="LABEL",
            help="By which its nodes have sites.",
        ),
        context_option,
        kubeconfig_option,
    ):
        function = option(function)
    return function


def run_existing(
    file: str, settings: tuple[str, ...], seed: int, out: Path | None, wall_limit: float, there: There, *, as_json: bool
) -> Exit:
    """Do a run on an existing cluster, or show what it would make."""
    from testbed.cli.progress import Progress
    from testbed.cli.running import show
    from testbed.existing.run import Options, prepare, run
    from testbed.parameters import parse_settings

    command = ["testbed", "run", file, "--seed", str(seed), "--kubeconfig", str(there.kubeconfig)]
    command += ["--context", there.context] if there.context else []
    command += ["--site-label", there.label, "--namespace", there.namespace, "--image", there.image]
    command += [word for setting in settings for word in ("--set", setting)]
    options = Options(
        kubeconfig=there.kubeconfig, context=there.context, label=there.label, namespace=there.namespace,
        image=there.image, seed=seed, out=out, wall_limit_s=wall_limit, command=command,
    )  # fmt: skip
    with Progress(quiet=as_json) as progress:
        progress.step("looking at the cluster")
        prepared = prepare(file, parse_settings(settings), options)
        if there.dry_run:
            _show(prepared.things, prepared.loaded.plan.about, prepared.rehearsed.open_end)
            return Exit.PASS
        outcome = run(prepared, progress.step)
    return show(outcome, command, as_json=as_json)


def _show(things: list[dict[str, object]], about: str, open_end: str) -> None:
    import yaml

    click.echo(f"# {about}\n# A run would make this, and remove it:")
    click.echo(yaml.safe_dump_all(things, sort_keys=False, explicit_start=True), nl=False)
    if open_end:
        click.echo(f"# What comes after it depends on what is measured: {shlex.quote(open_end)}")


@click.command(epilog=EPILOG)
@namespace_option
@told
def rbac(namespace: str) -> None:
    """Print what a cluster's owner applies so that runs may use it: a namespace, an account, the least of rights."""
    import yaml

    from testbed.existing.rbac import manifests

    click.echo(yaml.safe_dump_all(manifests(namespace), sort_keys=False, explicit_start=True), nl=False)


def clean_existing(kubeconfig: Path, context: str, namespace: str) -> list[str]:
    """Remove what runs left on an existing cluster, and say what was removed."""
    from testbed.existing.leftovers import clean

    return clean(kubeconfig, context, namespace)


def check_options(there: There | None, given: Mapping[str, object], *, dry_run: bool) -> None:
    """Refuse options that mean nothing together."""
    if there is None:
        if dry_run:
            hint = "testbed plan FILE shows what a run in a lab of the testbed's own does"
            raise InputError(Problem("--dry-run", "is for --kubeconfig", hint))
        return
    if wrong := [
        Problem(name, "means nothing with --kubeconfig", "leave it out") for name, value in given.items() if value
    ]:
        raise InputError(wrong)
