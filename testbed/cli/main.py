"""The command line. Commands import what they need when they run, so that ``--help`` answers at once."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

import click

from testbed import __version__
from testbed.cli import baselining, bisecting, checking, cluster, comparing, kubectl, labs
from testbed.cli.common import (
    EPILOG,
    LOCAL,
    Commands,
    file_argument,
    json_option,
    many_options,
    plain_option,
    seed_option,
    settings_option,
    told,
    where_options,
)
from testbed.cli.existing import There, check_options, existing_options, run_existing
from testbed.errors import InputError, Problem
from testbed.job import NO_IMPAIRMENTS


@click.group(cls=Commands, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="testbed")
def main() -> None:
    """Put a hybrid network on the real Linux stack of this machine, break it, measure it, and report."""


for command in (
    *labs.COMMANDS, kubectl.kubectl, *comparing.COMMANDS, *baselining.COMMANDS, *checking.COMMANDS,
    *bisecting.COMMANDS, cluster.cluster,
):  # fmt: skip
    main.add_command(command)


@main.command(epilog=EPILOG)
@file_argument
@seed_option
@where_options
@plain_option
@settings_option
@click.option("--out", type=click.Path(path_type=Path), help="New folder for the run. Default: runs/NAME-TIME.")
@many_options
@existing_options
@json_option
@told
def run(
    file: str, seed: int, kernel: str | None, clock: str | None, plain: bool, settings: tuple[str, ...],
    out: Path | None, wall_limit: float, seeds: int | None, jobs: int | None, yes: bool, on: str, as_json: bool,
    kubeconfig: Path | None, context: str, site_label: str, namespace: str, image: str, dry_run: bool,
) -> None:  # fmt: skip
    """Run a scenario, or a study of one, or bring a topology up and see whether everything reaches everything.

    A study plays many runs side by side; with --out of a folder that it wrote it does those that are missing. --seeds,
    --jobs, --on and --yes are for studies, --seed is for a single run.

    With --kubeconfig a scenario runs on a cluster that exists already, as far as it asks for nothing but pods; all that
    it makes there is removed.
    """
    from testbed.cli.running import run_command

    there = None if kubeconfig is None else There(kubeconfig, context, site_label, namespace, image, dry_run)
    of_labs = {
        "--kernel": kernel, "--clock": clock, NO_IMPAIRMENTS: plain, "--seeds": seeds, "--jobs": jobs,
        "--on": on != LOCAL,
    }  # fmt: skip
    check_options(there, of_labs, dry_run=dry_run)
    if there is not None:
        sys.exit(int(run_existing(file, settings, seed, out, wall_limit, there, as_json=as_json)))

    if seeds is not None or jobs is not None or yes or on != LOCAL or _declares_study(file):
        from testbed.cli.studying import Wanted, run_study_file

        if plain:
            raise InputError(Problem(NO_IMPAIRMENTS, "is for a single run", "leave it out: a study compares links"))
        wanted = Wanted(
            out=out, kernel=kernel, clock=clock, jobs=jobs, wall_limit_s=wall_limit, yes=yes, on=on, as_json=as_json
        )
        sys.exit(int(run_study_file(file, settings, seeds, wanted)))
    sys.exit(
        int(run_command(file, seed, kernel, clock, settings, out, wall_limit, impaired=not plain, as_json=as_json))
    )


def _declares_study(file: str) -> bool:
    from testbed.load import read_study

    return read_study(file) is not None


@main.command(epilog=EPILOG)
@file_argument
@settings_option
@json_option
@told
def plan(file: str, settings: tuple[str, ...], as_json: bool) -> None:
    """Show what would be done, in order. Touches nothing."""
    from testbed.load import load
    from testbed.parameters import parse_settings
    from testbed.plan.schema import plan_json
    from testbed.plan.steps import steps

    loaded = load(file, parse_settings(settings))
    if as_json:
        click.echo(plan_json(loaded.plan), nl=False)
        return
    click.echo(f"{loaded.plan.topology}: {loaded.plan.about}  (lab {loaded.plan.lab})")
    for number, step in enumerate(steps(loaded.plan), start=1):
        click.echo(f"\n{number}. {click.style(step.action, bold=True)}  (verified: {step.verify}; undo: {step.undo})")
        for what in step.what:
            click.echo(f"   {what}")


@main.command(epilog=EPILOG)
@file_argument
@settings_option
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Write the picture there: .svg or .png. Default: FILE's name .svg here.",
)
@told
def show(file: str, settings: tuple[str, ...], out: Path | None) -> None:
    """Draw a topology, and list its parameters."""
    from testbed.load import load
    from testbed.parameters import parse_settings

    loaded = load(file, parse_settings(settings))
    parameters = loaded.parameters.declared.values()
    wide = max((len(p.name) for p in parameters), default=0)
    click.echo(f"{loaded.plan.topology}: {loaded.plan.about}\n")
    for parameter in parameters:
        value = parameter.value + (f" (default {parameter.default})" if parameter.changed else "")
        click.echo(f"  {parameter.name:{wide}}  {value:24} {parameter.type:20} {parameter.help}")
    from testbed.report.topology import draw_topology

    target = out or Path(f"{loaded.path.stem}.svg")
    if target.suffix not in (".svg", ".png"):
        raise InputError(Problem(f"--out {target}", "unknown kind of picture", "end it with .svg or .png"))
    try:
        draw_topology(loaded.plan, target)
    except OSError as error:
        raise InputError(
            Problem(f"--out {target}", f"cannot be written: {error.strerror}", "choose another place")
        ) from error
    click.echo(f"\npicture: {target}")


@main.command(epilog=EPILOG)
@click.argument("directory", type=click.Path(path_type=Path))
@told
def report(directory: Path) -> None:
    """Make the report of a run's directory again, or of a study's."""
    from testbed.report.page import write_report
    from testbed.report.study_page import write_study_report
    from testbed.report.studydir import is_study

    click.echo(write_study_report(directory) if is_study(directory) else write_report(directory))


@main.command(epilog=EPILOG)
@json_option
@click.option("--packages", is_flag=True, help="Print the distribution's packages that all of it needs, one a line.")
@told
def doctor(as_json: bool, packages: bool) -> None:
    """Say what this machine can do, which kernel and clock will be used and why, and what to install for more."""
    from testbed.cli.doctor import doctor_command
    from testbed.kernel.programs import packages as needed

    if packages:
        click.echo("\n".join(needed("build", "run")))
        return
    sys.exit(int(doctor_command(as_json=as_json)))


@main.command(epilog=EPILOG)
@click.argument("what", type=click.Choice(["topology", "plan"]))
@told
def schema(what: str) -> None:
    """Print the JSON schema of a topology in YAML, or of plan.json."""
    from testbed.plan import schema as schemas

    click.echo(schemas.schema_text(schemas.model_schema() if what == "topology" else schemas.plan_schema()), nl=False)


@main.command(epilog=EPILOG)
@told
def presets() -> None:
    """List the field's numbers that topologies use, each with its source."""
    from testbed import presets as numbers

    listed = numbers.listed()
    wide = max(map(len, listed))
    for name, preset in listed.items():
        click.echo(f"{name:{wide}}  {preset.text}\n{'':{wide}}  {preset.source}")


@main.group(epilog=EPILOG)
def kernel() -> None:
    """The testbed's own kernel."""


@kernel.command("build")
@told
def kernel_build() -> None:
    """Build it, unless it is there."""
    from testbed.cli.progress import Progress
    from testbed.kernel import build

    with Progress() as progress:
        path = build.build(progress.step)
    click.echo(path)


@kernel.command("path")
@told
def kernel_path() -> None:
    """Print where it is."""
    from testbed.errors import MachineError
    from testbed.kernel import build

    found = build.find()
    if found is None:
        raise MachineError(Problem("guest kernel", "not built yet", "testbed kernel build"))
    click.echo(found)


@kernel.command("info")
@told
def kernel_info() -> None:
    """Say what it was made from."""
    from testbed.errors import MachineError
    from testbed.kernel import build

    manifest = build.info()
    if manifest is None:
        raise MachineError(Problem("guest kernel", "not built yet", "testbed kernel build"))
    click.echo(json.dumps(asdict(manifest), indent=1, default=str))


if __name__ == "__main__":
    main()
