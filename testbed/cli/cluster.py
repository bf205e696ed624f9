"""The commands of ``testbed cluster``."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

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
    """The image of a Kubernetes node: built where no registry is reached, or pulled. No run asks a registry."""


@image.command("build")
@told
def image_build() -> None:
    """Build it from Go modules and the distribution's packages, unless it is there; runs start from it."""
    from testbed.cli.progress import Progress
    from testbed.cluster.build import ImageBuild
    from testbed.cluster.chosen import choose_built

    build = ImageBuild()
    with Progress() as progress:
        path = build.build(progress.step)
    choose_built(build)
    click.echo(path)


@image.command("pull")
@click.option("--registry", metavar="HOST[:PORT][/PATH]", help="A mirror, in the place of the names' own registries.")
@click.option(
    "--locked", metavar="FILE", type=click.Path(path_type=Path), help="What `image info` printed: its digests bind."
)
@told
def image_pull(registry: str | None, locked: Path | None) -> None:
    """Make it from kindest/node and images for pods by digest, with skopeo; runs start from it.

    Neither Docker nor root is needed. Credentials are those of skopeo login, or of docker login. Only a registry on
    this machine may speak HTTP.
    """
    from testbed.cli.progress import Progress
    from testbed.cluster.pull import ImagePull
    from testbed.cluster.sources import Mirror, Sources, parse_mirror, read_lock

    mirror = parse_mirror(registry) if registry is not None else Mirror()
    sources = Sources.shipped()
    sources = read_lock(locked, sources) if locked else sources
    with Progress() as progress:
        path = ImagePull(sources=sources, mirror=mirror).pull(progress.step)
    click.echo(path)


@image.command("path")
@told
def image_path() -> None:
    """Print where the one is that runs start from: an archive for `docker load`."""
    found, manifest = _made()
    click.echo("pulled from a registry" if manifest["source"] == "registry" else "built from packages", err=True)
    click.echo(found)


@image.command("info")
@told
def image_info() -> None:
    """Say what it was made from: `source`, and every image, module and package with version and checksum."""
    click.echo(json.dumps(_made()[1], indent=1))


def _made() -> tuple[Path, dict[str, Any]]:
    """The image that runs start from, and what it says of itself."""
    from testbed.cluster.chosen import chosen

    image = chosen()
    found, manifest = image.find(), image.info()
    if found is None or manifest is None:
        raise MachineError(image.absent)
    return found, manifest


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
