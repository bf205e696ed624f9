"""Build the node's image once from packages and Go modules, keep it in the user's cache, and find it there again."""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from testbed.cluster.assemble import Assembler, Parts
from testbed.cluster.cgobuild import CGoBuilder
from testbed.cluster.gobuild import GoBuilder, programs_of
from testbed.cluster.image import NEEDED, WHERE, Making, NodeImage, Progress, records
from testbed.cluster.manifest import manifest
from testbed.cluster.recipe import HERE, PAUSE, Module, key
from testbed.errors import MachineError, Problem
from testbed.kernel import cache
from testbed.kernel.command import run
from testbed.kernel.make import run_logged
from testbed.kernel.source import sha256

# Modules and their compiled packages in Go's own caches, packages, layers and the image; to be measured.
DISK_NEEDED_BYTES = 12_000_000_000
COMPILE_LIMIT_S = 60.0  # arbitrary: one short file of C
SPEC_LIMIT_S = 60.0  # arbitrary
COMPILER: Mapping[str, str] = {"gcc": "gcc"}


@dataclass(frozen=True)
class ImageBuild(NodeImage):
    """The node's image of one recipe in one cache. What it is given decides everything, so tests can give less."""

    disk_needed: int = DISK_NEEDED_BYTES

    @property
    def log(self) -> Path:
        """All that the last build's tools printed."""
        return self.cache / "build.log"

    def folder(self) -> Path | None:
        """Where it lies, or will."""
        return self.cache / key(self.recipe)

    def ready(self, progress: Progress) -> Path:
        """See :meth:`build`."""
        return self.build(progress)

    def _builder(self, module: Module) -> GoBuilder:
        return CGoBuilder(self.cache / "programs", self.env, self.log) if module.c else self._go

    def problems(self) -> list[Problem]:
        """Everything that keeps this machine from building, all at once. Empty where a build can start."""
        lacking = self._lacking({**COMPILER, **NEEDED})
        return [*self._go.problems(), *lacking, *cache.room(WHERE, self.cache, self.disk_needed)]

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
        with self._scratch() as scratch:
            return self._build_in(scratch, progress)

    def _build_in(self, scratch: Path, progress: Progress) -> Path:
        began = time.monotonic()
        # First: minutes of compiling are lost on a machine without network.
        packages = self._packages(self.recipe, scratch, progress)
        folders = [self._builder(module).build(module, progress) for module in self.recipe.modules]
        programs = {**programs_of(folders), PAUSE: self._pause(scratch)}
        sources = {module.name: self._go.source(module) for module in self.recipe.modules}
        parts = Parts(programs, sources, packages, self._spec(programs, scratch), platform.machine())
        assembler = Assembler(self.recipe, parts, scratch, self.env, progress)
        sums = {name: sha256(path) for name, path in programs.items()}
        say = partial(
            manifest, self.recipe, key(self.recipe), modules=folders, packages=records(packages), programs=sums
        )
        return Making(assembler, began, say).keep(self.cache / key(self.recipe))

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
