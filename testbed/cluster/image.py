"""Images for nodes in the user's cache: where they lie, how they are found again, and how one appears there, whole."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from testbed.cluster.assemble import Assembler
from testbed.cluster.engine_tree import BESIDE, write_engine
from testbed.cluster.gobuild import GoBuilder
from testbed.cluster.packages import Package, fetch, private_apt
from testbed.cluster.recipe import Recipe
from testbed.errors import MachineError, Problem
from testbed.kernel import cache
from testbed.kernel.command import CommandFailed
from testbed.kernel.programs import find_program, install_line
from testbed.kernel.source import sha256

Progress = Callable[[str], None]

WHERE = "node image"
ARCHIVE = "node.tar"
MANIFEST = "manifest.json"
ENGINE = "engine"
"""Folder with Docker and kind."""
IN_USE = "in-use"
"""File with the name of the pulled image that runs start from; without it, they start from the built one."""
NEEDED: Mapping[str, str] = {"apt-get": "apt", "dpkg-deb": "dpkg"}
"""Programs, and the packages that bring them."""
NOT_THERE = Problem(
    WHERE, "not there yet", "testbed cluster image build, or testbed cluster image pull where there is a registry"
)


@dataclass(frozen=True)
class NodeImage:
    """A node's image in one cache."""

    absent: ClassVar[Problem] = NOT_THERE
    """What a run is told that finds none."""
    env: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    recipe: Recipe = field(default_factory=Recipe.shipped)

    @property
    def cache(self) -> Path:
        """Where images, programs and the logs of the last builds are kept."""
        return cache.place(self.env, "cluster")

    @property
    def log(self) -> Path:
        """All that the tools printed which made it last."""
        raise NotImplementedError

    def folder(self) -> Path | None:
        """Where it lies, if it was made."""
        raise NotImplementedError

    def ready(self, progress: Progress) -> Path:
        """The image for a run, made first where that needs nobody's word. Raises :class:`MachineError`."""
        raise NotImplementedError

    def find(self) -> Path | None:
        """The image, if it was made."""
        found = self.folder()
        return found / ARCHIVE if found and is_whole(found) else None

    def engine(self) -> Path | None:
        """The folder of Docker and kind, if it was made."""
        found = self.find()
        return found.with_name(ENGINE) if found else None

    def info(self) -> dict[str, Any] | None:
        """What the image that :meth:`find` finds was made from."""
        found = self.find()
        return dict(json.loads(found.with_name(MANIFEST).read_text())) if found else None

    @property
    def _go(self) -> GoBuilder:
        return GoBuilder(self.cache / "programs", self.env, self.log)

    def _lacking(self, programs: Mapping[str, str]) -> list[Problem]:
        """Programs that this machine lacks, given with the packages that bring them."""
        if lacking := [name for name in programs if find_program(name, self.env) is None]:
            hint = install_line(programs[name] for name in lacking)
            return [Problem(WHERE, f"making it needs {', '.join(lacking)}", hint)]
        return []

    @contextlib.contextmanager
    def _scratch(self) -> Iterator[Path]:
        """A place to make an image in. Who is there holds the lock; what fails there is told with the log's place."""
        # Left behind by a build that was killed: we hold the lock.
        for left_behind in (self.cache / "programs").glob(cache.SCRATCH_PREFIX + "*"):
            shutil.rmtree(left_behind)
        self.log.write_text("")
        with cache.scratch(self.cache) as scratch:
            try:
                yield scratch
            except (OSError, CommandFailed) as error:
                what, hint = f"making it failed: {error}", f"the full log: {self.log}"
                raise MachineError(Problem(WHERE, what, hint)) from error

    def _packages(self, recipe: Recipe, scratch: Path, progress: Progress) -> dict[str, list[Package]]:
        if not recipe.roots:
            return {}
        try:
            apt = private_apt(scratch / "apt", self.env, progress)
            return {
                root.name: fetch(apt, root, scratch / "debs" / root.name, self.log, progress) for root in recipe.roots
            }
        except CommandFailed as error:
            hint = "connect to the network; the archives are those that /etc/apt names"
            raise MachineError(Problem(f"{WHERE}, packages", str(error), hint)) from error


@dataclass(frozen=True)
class Making:
    """An image that is about to be put together, and since when it is made."""

    assembler: Assembler
    began: float
    say: Callable[[Mapping[str, object], float], dict[str, Any]]
    """Its manifest, from its archive's size and checksum and the seconds that it took."""

    def keep(self, target: Path) -> Path:
        """Put everything together and keep it, in one step."""
        one = self.assembler
        result = one.scratch / "result"
        result.mkdir()
        archive = result / ARCHIVE
        one.write(archive)
        one.progress("engine: put it together")
        write_engine(one.recipe.engine, one.recipe.node.name, one.parts, result / ENGINE, one.env)
        os.link(archive, result / ENGINE / BESIDE / ARCHIVE)
        seconds = time.monotonic() - self.began
        said = self.say({"sha256": sha256(archive), "bytes": archive.stat().st_size}, seconds)
        (result / MANIFEST).write_text(json.dumps(said, indent=1, sort_keys=True) + "\n")
        shutil.rmtree(target, ignore_errors=True)  # what find() did not take for an image
        image = result.rename(target) / ARCHIVE
        one.progress(f"node image made in {seconds:.0f} s: {image}")
        return image


def is_whole(folder: Path) -> bool:
    """Whether a folder has an image."""
    return (folder / MANIFEST).is_file() and (folder / ARCHIVE).is_file()


def records(packages: Mapping[str, Sequence[Package]]) -> dict[str, list[dict[str, str]]]:
    """What a manifest says about packages, by root."""
    return {name: [package.record() for package in found] for name, found in packages.items()}
