"""The commands of ``testbed cluster``."""

from __future__ import annotations

import json

import click

from testbed.cli.common import EPILOG, told
from testbed.cli.existing import rbac
from testbed.errors import MachineError


@click.group(epilog=EPILOG)
def cluster() -> None:
    """Kubernetes clusters: the image that their nodes start from."""


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
