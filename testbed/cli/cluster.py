"""The commands of ``testbed cluster``."""

from __future__ import annotations

import datetime
import json

import click
from click.shell_completion import CompletionItem

from testbed.cli.common import EPILOG, told
from testbed.cli.existing import rbac
from testbed.errors import InputError, MachineError, Problem


def complete_kept(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Keys of kept clusters."""
    from testbed.boot.kept import kept
    from testbed.cluster.build import ImageBuild

    found = kept(ImageBuild().cache)
    return [CompletionItem(each.key, help=each.about) for each in found if each.key.startswith(incomplete)]


@click.group(epilog=EPILOG)
def cluster() -> None:
    """Kubernetes clusters: the image that their nodes start from, and those that are kept ready."""


cluster.add_command(rbac)


@cluster.group(epilog=EPILOG)
def image() -> None:
    """The image of a Kubernetes node, from Go modules and the distribution's packages: no registry is asked."""


@image.command("build")
@told
def image_build() -> None:
    """Build it, unless it is there."""
    from testbed.cli.progress import Progress
    from testbed.cluster.build import ImageBuild

    with Progress() as progress:
        path = ImageBuild().build(progress.step)
    click.echo(path)


@image.command("path")
@told
def image_path() -> None:
    """Print where it is: an archive for `docker load`."""
    from testbed.cluster.build import NOT_BUILT, ImageBuild

    found = ImageBuild().find()
    if found is None:
        raise MachineError(NOT_BUILT)
    click.echo(found)


@image.command("info")
@told
def image_info() -> None:
    """Say what it was made from: every module and package, with version and checksum."""
    from testbed.cluster.build import NOT_BUILT, ImageBuild

    manifest = ImageBuild().info()
    if manifest is None:
        raise MachineError(NOT_BUILT)
    click.echo(json.dumps(manifest, indent=1))


@cluster.command(epilog=EPILOG)
@told
def kept() -> None:
    """List the clusters that are kept ready on this machine, those that were used last first."""
    from testbed.boot.kept import kept
    from testbed.cluster.build import ImageBuild

    found = kept(ImageBuild().cache)
    for each in found:
        used = datetime.datetime.fromtimestamp(each.used_s).isoformat(" ", "minutes")
        click.echo(f"{each.key}  {each.size / 2**30:5.1f} GiB  used {used}  {each.about}")
    if not found:
        click.echo("none is kept: the first run of a topology with a cluster makes and keeps it")


@cluster.command(epilog=EPILOG)
@click.argument("key", nargs=-1, shell_complete=complete_kept)
@click.option("--all", "everything", is_flag=True, help="All of them.")
@told
def forget(key: tuple[str, ...], everything: bool) -> None:
    """Remove clusters that are kept, by their keys. The next run that needs one makes it again."""
    from testbed.boot.kept import forget
    from testbed.cluster.build import ImageBuild

    if not key and not everything:
        raise InputError(
            Problem("testbed cluster forget", "which ones?", "name keys of `testbed cluster kept`, or --all")
        )
    for each in forget(ImageBuild().cache, key, everything=everything):
        click.echo(f"removed: {each.key}  {each.about}")
