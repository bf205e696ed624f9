"""Make the node's image from what registries have, by digest, and from the little that none of them has."""

from __future__ import annotations

import hashlib
import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import ClassVar

from testbed.cluster.assemble import Parts
from testbed.cluster.gobuild import programs_of
from testbed.cluster.image import ARCHIVE, IN_USE, NEEDED, WHERE, Making, NodeImage, Progress, is_whole, records
from testbed.cluster.layout import Pulled
from testbed.cluster.manifest import manifest
from testbed.cluster.overlay import OverPulled
from testbed.cluster.recipe import CONTENT_DIGITS, HERE, Module, Recipe, content_of
from testbed.cluster.registry import Registry
from testbed.cluster.sources import Mirror, Sources, built_modules, read_modules, remaining
from testbed.errors import MachineError, Problem
from testbed.kernel import cache
from testbed.kernel.source import sha256

PREFIX = "registry-"
"""Of folders of images that were pulled."""
REGISTRY = "registry"
"""Folder of what registries gave: a layout for each digest, and their blobs."""
CODE = ("layout.py", "overlay.py", "registry.toml")
"""What decides how the parts are put together, besides what does for a built image."""
VERSION = "version"
FACTS: Mapping[str, str] = {VERSION: "kind/version"}
"""What is read of the node's image. Source: kind 0.33.0, pkg/cluster/nodeutils, KubeVersion."""
# Images twice, as they come and as one archive, 0.7 GB each; packages, layers and Go's caches; arbitrary beyond that.
DISK_NEEDED_BYTES = 6_000_000_000
STALE = Problem(
    WHERE, "the one that was pulled is gone, or of another version of the testbed",
    "testbed cluster image pull, or testbed cluster image build",
)  # fmt: skip


@dataclass(frozen=True)
class ImagePull(NodeImage):
    """The node's image from registries, in one cache.

    Attributes:
        sources: what is wanted of registries.
        mirror: where it is taken from.
    """

    absent: ClassVar[Problem] = STALE
    disk_needed: int = DISK_NEEDED_BYTES
    sources: Sources = field(default_factory=Sources.shipped)
    mirror: Mirror = field(default_factory=Mirror)

    @property
    def log(self) -> Path:
        """All that the last pull's tools printed."""
        return self.cache / "pull.log"

    @property
    def content(self) -> str:
        """A hash of all that decides about the image but digests."""
        return content_of([HERE / name for name in CODE]) + self.recipe.content

    @property
    def chosen(self) -> bool:
        """Whether runs start from what was pulled, be it there or not."""
        return (self.cache / IN_USE).is_file()

    @property
    def _registry(self) -> Registry:
        return Registry(self.cache / REGISTRY, self.mirror, self.env, self.log)

    def folder(self) -> Path | None:
        """Where the one that was pulled last lies, if it is of this version of the testbed."""
        if not self.chosen:
            return None
        name = (self.cache / IN_USE).read_text(encoding="utf-8").strip()
        return self.cache / name if name.startswith(self._named()) else None

    def ready(self, progress: Progress) -> Path:
        """The image for a run. No registry is asked by a run: what was not pulled is told."""
        if found := self.find():
            return found
        raise MachineError(self.absent)

    def problems(self) -> list[Problem]:
        """Everything that keeps this machine from pulling, all at once. Empty where it can start."""
        go = self._go.problems() if self.recipe.modules else []
        room = cache.room(WHERE, self.cache, self.disk_needed)
        return [*go, *self._registry.problems(WHERE), *self._lacking(NEEDED), *room]

    def pull(self, progress: Progress) -> Path:
        """Return the image, pulling it first if it is not there yet; from now on, runs start from it.

        Raises:
            MachineError: with everything that is missing, every image that cannot be had, or the step that failed.
        """
        there = all(one.digest for one in self.sources.wanted) and is_whole(self.cache / self._named(self.sources))
        if not there and (problems := self.problems()):
            raise MachineError(problems)
        with cache.alone(self.cache, WHERE, progress):
            wanted = self.sources if there else self._resolved(progress)
            target = self.cache / self._named(wanted)
            if not is_whole(target):
                with self._scratch() as scratch:
                    self._pull(scratch, wanted, target, progress)
            self._choose(target)
            return target / ARCHIVE

    def _named(self, wanted: Sources | None = None) -> str:
        """The folder of what is wanted; of nothing: how all folders of this version of the testbed begin."""
        begin = f"{PREFIX}{_short(self.content + platform.machine())}-"
        return begin + _short("".join(one.digest for one in wanted.wanted)) if wanted else begin

    def _resolved(self, progress: Progress) -> Sources:
        self._registry.remove_spoilt(progress)
        wanted = self._registry.resolved(self.sources, progress)
        for one in wanted.wanted:
            if one.bound == "nothing":
                progress(f"{one.tagged}: {one.digest}, as the registry has it today; nothing binds it")
        return wanted

    def _choose(self, target: Path) -> None:
        with cache.scratch(self.cache) as scratch:
            (scratch / IN_USE).write_text(target.name + "\n", encoding="utf-8")
            (scratch / IN_USE).rename(self.cache / IN_USE)

    def _pull(self, scratch: Path, wanted: Sources, target: Path, progress: Progress) -> None:
        began = time.monotonic()
        machine = platform.machine()
        # First: half a gigabyte is fetched for nothing on a machine that reaches no archives of packages.
        packages = self._packages(remaining(self.recipe, self.sources, ""), scratch, progress)
        images = [self._registry.fetch(one, scratch, progress) for one in wanted.wanted]
        for image in images:
            image.check(machine)
        rest = self._rest(images[0], scratch)
        folders = [self._go.build(module, progress) for module in rest.recipe.modules]
        programs = {**programs_of(folders), **rest.programs}
        trees = {module.name: self._go.source(module) for module in rest.read}
        parts = Parts(programs, trees, packages, {}, machine)
        assembler = OverPulled(rest.recipe, parts, scratch, self.env, progress, images[0], images[1:])
        sums = {name: sha256(path) for name, path in programs.items()}
        say = partial(
            manifest, rest.recipe, target.name, modules=folders, packages=records(packages), programs=sums,
            source=REGISTRY, images=said(wanted, images, self.mirror), read=rest.read,
        )  # fmt: skip
        Making(assembler, began, say).keep(target)
        self._registry.forget_others(images)

    def _rest(self, below: Pulled, scratch: Path) -> Rest:
        """What is still to be built, and what the node's image has of it. Refuses an image that is no node's."""
        into = scratch / "taken"
        into.mkdir()
        wanted = {**FACTS, **self.sources.programs}
        found = below.extract(wanted, into)
        if lacking := [path for name, path in wanted.items() if name not in found]:
            raise MachineError(Problem(below.name, f"has no {', '.join(lacking)}", "is it kindest/node?"))
        version = found.pop(VERSION).read_text(encoding="utf-8").strip()
        if minor(version) != minor(self.recipe.kubernetes):
            what = f"is of Kubernetes {version}, and the testbed is made for {minor(self.recipe.kubernetes)}"
            raise MachineError(Problem(below.name, what, "name another one"))
        recipe = remaining(self.recipe, self.sources, version)
        modules = built_modules(recipe, self.sources)
        return Rest(replace(recipe, modules=modules), read_modules(recipe), found)


@dataclass(frozen=True)
class Rest:
    """What of a recipe is still to be built.

    Attributes:
        recipe: with the modules that are built.
        read: modules whose files are needed.
        programs: those that the node's image has.
    """

    recipe: Recipe
    read: tuple[Module, ...]
    programs: Mapping[str, Path]


def said(wanted: Sources, images: Sequence[Pulled], mirror: Mirror) -> list[dict[str, str]]:
    """What a manifest says of images that were pulled: ``digest`` is for all machines, ``image`` for this one."""
    return [
        {
            "name": one.name, "tag": one.tag, "digest": one.digest, "bound_by": one.bound,
            "from": mirror.place(one.name), "configuration": image.manifest["config"]["digest"],
        }
        for one, image in zip(wanted.wanted, images, strict=True)
    ]  # fmt: skip


def minor(version: str) -> str:
    """``v1.34.4`` as ``v1.34``."""
    return ".".join(version.split(".")[:2])


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:CONTENT_DIGITS]
