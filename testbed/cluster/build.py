"""Build the node's image once, keep it in the user's cache, and find it there again."""

from __future__ import annotations

import json
import os
import platform
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from testbed.cluster.assemble import Assembler, Parts
from testbed.cluster.cgobuild import CGoBuilder
from testbed.cluster.engine_tree import BESIDE, write_engine
from testbed.cluster.gobuild import GoBuilder, programs_of
from testbed.cluster.manifest import manifest
from testbed.cluster.packages import Package, fetch, private_apt
from testbed.cluster.recipe import HERE, PAUSE, Module, Recipe, key
from testbed.errors import MachineError, Problem
from testbed.kernel import cache
from testbed.kernel.command import CommandFailed, run
from testbed.kernel.make import run_logged
from testbed.kernel.programs import find_program, install_line
from testbed.kernel.source import sha256

Progress = Callable[[str], None]

WHERE = "node image"
ARCHIVE = "node.tar"
MANIFEST = "manifest.json"
ENGINE = "engine"
"""Folder with Docker and kind."""
# Modules and their compiled packages in Go's own caches, packages, layers and the image; to be measured.
DISK_NEEDED_BYTES = 12_000_000_000
COMPILE_LIMIT_S = 60.0  # arbitrary: one short file of C
SPEC_LIMIT_S = 60.0  # arbitrary
NEEDED = {"gcc": "gcc", "apt-get": "apt", "dpkg-deb": "dpkg"}
"""Programs, and the packages that bring them."""
NOT_BUILT = Problem(WHERE, "not built yet", "testbed cluster image build")


@dataclass(frozen=True)
class ImageBuild:
    """The node's image of one recipe in one cache. What it is given decides everything, so tests can give less."""

    env: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    recipe: Recipe = field(default_factory=Recipe.shipped)
    disk_needed: int = DISK_NEEDED_BYTES

    @property
    def cache(self) -> Path:
        """Where images, programs and the log of the last build are kept."""
        return cache.place(self.env, "cluster")

    @property
    def log(self) -> Path:
        """All that the last build's tools printed."""
        return self.cache / "build.log"

    @property
    def _go(self) -> GoBuilder:
        return GoBuilder(self.cache / "programs", self.env, self.log)

    def _builder(self, module: Module) -> GoBuilder:
        return CGoBuilder(self.cache / "programs", self.env, self.log) if module.c else self._go

    def find(self) -> Path | None:
        """The image, if it has been built."""
        found = self.cache / key(self.recipe)
        return found / ARCHIVE if (found / MANIFEST).is_file() and (found / ARCHIVE).is_file() else None

    def engine(self) -> Path | None:
        """The folder of Docker and kind, if it has been built."""
        found = self.find()
        return found.with_name(ENGINE) if found else None

    def info(self) -> dict[str, Any] | None:
        """What the image that :meth:`find` finds was made from."""
        found = self.find()
        return dict(json.loads(found.with_name(MANIFEST).read_text())) if found else None

    def problems(self) -> list[Problem]:
        """Everything that keeps this machine from building, all at once. Empty where a build can start."""
        problems = self._go.problems()
        if lacking := [name for name in NEEDED if find_program(name, self.env) is None]:
            hint = install_line(NEEDED[name] for name in lacking)
            problems.append(Problem(WHERE, f"building it needs {', '.join(lacking)}", hint))
        return [*problems, *cache.room(WHERE, self.cache, self.disk_needed)]

    def build(self, progress: Progress) -> Path:
        """Return the image, building it first if it is not there yet. A build that was ended goes on where it was.

        Raises:
            MachineError: with everything that is missing, or the step that failed and the last lines of its log.
        """
        if found := self.find():
            return found
        if problems := self.problems():
            raise MachineError(problems)
        with cache.alone(self.cache, WHERE, progress):
            return self.find() or self._build(progress)

    def _build(self, progress: Progress) -> Path:
        # Left behind by a build that was killed: we hold the lock.
        for left_behind in (self.cache / "programs").glob(cache.SCRATCH_PREFIX + "*"):
            shutil.rmtree(left_behind)
        self.log.write_text("")
        with cache.scratch(self.cache) as scratch:
            try:
                return self._build_in(scratch, progress)
            except (OSError, CommandFailed) as error:
                what, hint = f"building it failed: {error}", f"the full log: {self.log}"
                raise MachineError(Problem(WHERE, what, hint)) from error

    def _build_in(self, scratch: Path, progress: Progress) -> Path:
        began = time.monotonic()
        packages = self._packages(
            scratch, progress
        )  # first: minutes of compiling are lost on a machine without network
        folders = [self._builder(module).build(module, progress) for module in self.recipe.modules]
        programs = {**programs_of(folders), PAUSE: self._pause(scratch)}
        sources = {module.name: self._go.source(module) for module in self.recipe.modules}
        parts = Parts(programs, sources, packages, self._spec(programs, scratch), platform.machine())
        result = scratch / "result"
        result.mkdir()
        Assembler(self.recipe, parts, scratch, self.env, progress).write(result / ARCHIVE)
        progress("engine: put it together")
        write_engine(self.recipe.engine, self.recipe.node.name, parts, result / ENGINE, self.env)
        os.link(result / ARCHIVE, result / ENGINE / BESIDE / ARCHIVE)
        said = manifest(
            self.recipe,
            key=key(self.recipe),
            modules=folders,
            packages={name: [package.record() for package in found] for name, found in packages.items()},
            programs={name: sha256(path) for name, path in programs.items()},
            archive={"sha256": sha256(result / ARCHIVE), "bytes": (result / ARCHIVE).stat().st_size},
            seconds=time.monotonic() - began,
        )
        (result / MANIFEST).write_text(json.dumps(said, indent=1, sort_keys=True) + "\n")
        return self._keep(result, progress, began)

    def _keep(self, result: Path, progress: Progress, began: float) -> Path:
        target = self.cache / key(self.recipe)
        shutil.rmtree(target, ignore_errors=True)  # what find() did not take for an image
        image = result.rename(target) / ARCHIVE
        progress(f"node image built in {time.monotonic() - began:.0f} s: {image}")
        return image

    def _packages(self, scratch: Path, progress: Progress) -> dict[str, list[Package]]:
        if not self.recipe.roots:
            return {}
        try:
            apt = private_apt(scratch / "apt", self.env, progress)
            return {
                root.name: fetch(apt, root, scratch / "debs" / root.name, self.log, progress)
                for root in self.recipe.roots
            }
        except CommandFailed as error:
            hint = "connect to the network; the archives are those that /etc/apt names"
            raise MachineError(Problem(f"{WHERE}, packages", str(error), hint)) from error

    def _pause(self, scratch: Path) -> Path:
        target = scratch / PAUSE
        source = HERE / "programs" / PAUSE / "pause.c"
        argv = ("gcc", "-static", "-Os", "-s", "-Wall", "-Werror", "-o", str(target), str(source))
        run_logged(argv, cwd=scratch, env=self.env, log=self.log, on_line=_ignore, limit_s=COMPILE_LIMIT_S)
        return target

    def _spec(self, programs: Mapping[str, Path], scratch: Path) -> dict[str, Any]:
        """What every container starts from, as the containerd of the node says."""
        if "ctr" not in programs:  # a recipe without containerd: a test's
            return {}
        argv = [str(programs["ctr"]), "oci", "spec"]
        return dict(json.loads(run(argv, env=self.env, timeout_s=SPEC_LIMIT_S, cwd=scratch).stdout))


def _ignore(_line: str) -> None:
    pass
