"""Build the guest kernel once, keep it in the user's cache, and find it there again."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from testbed.errors import MachineError, Problem
from testbed.kernel import cache, kconfig
from testbed.kernel.command import CommandFailed
from testbed.kernel.make import ObjectCount, run_logged
from testbed.kernel.programs import DEFAULT_PATH, install_line, missing
from testbed.kernel.recipe import (
    BINARY,
    BUILD_IDENTITY,
    COMPILE,
    CONFIGURE,
    CONFIGURE_FIRST,
    MANIFEST,
    STRIP,
    Manifest,
    Recipe,
    Toolchain,
    key,
)
from testbed.kernel.source import Origins, Tree, obtain, sha256

Progress = Callable[[str], None]

# Measured with Linux 7.2.13: 1.6 GB at the peak, of which 1.0 GB is the source, unpacked; the rest is margin.
DISK_NEEDED_BYTES = 2_000_000_000
EXPECTED_OBJECTS = 2_036  # measured with Linux 7.2.13: for the progress line only
WHERE = "guest kernel"
NICE = ("nice", "-n", "10")  # a build of minutes should not be felt; 10 is what nice(1) takes unasked


@dataclass(frozen=True)
class KernelBuild:
    """The guest kernel of one recipe in one cache. What it is given decides everything, so tests can give less."""

    env: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    recipe: Recipe = field(default_factory=Recipe.shipped)
    origins: Origins = field(default_factory=Origins)

    @property
    def cache(self) -> Path:
        """Where kernels, and the log of the last build, are kept."""
        return cache.place(self.env, "kernel")

    @property
    def log(self) -> Path:
        """All that the last build's tools printed."""
        return self.cache / "build.log"

    def find(self) -> Path | None:
        """The kernel, if it has been built. Needs neither source nor compiler."""
        pattern = key(self.recipe.content(), Toolchain.of(self.env))
        found = [path for path in self.cache.glob(pattern) if (path / MANIFEST).is_file() and (path / BINARY).is_file()]
        return max(found, key=lambda path: path.stat().st_mtime) / BINARY if found else None

    def info(self) -> Manifest | None:
        """Where the kernel that :meth:`find` finds came from."""
        found = self.find()
        return Manifest.read(found.with_name(MANIFEST)) if found else None

    def problems(self) -> list[Problem]:
        """Everything that keeps this machine from building, all at once. Empty where a build can start."""
        problems = []
        if lacking := missing("build", self.env):
            names = ", ".join(need.program for need in lacking)
            problems.append(
                Problem(WHERE, f"building it needs {names}", install_line(need.package for need in lacking))
            )
        if set(" :") & set(str(self.cache)):
            hint = "set XDG_CACHE_HOME to a folder whose path has neither"
            problems.append(Problem(WHERE, f"a kernel cannot be built below {self.cache}: a space or colon", hint))
        return [*problems, *cache.room(WHERE, self.cache, DISK_NEEDED_BYTES)]

    def build(self, progress: Progress) -> Path:
        """Return the kernel, building it first if it is not there yet.

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
        with cache.scratch(self.cache) as scratch:
            try:
                return self._build_in(scratch, progress)
            except OSError as error:  # a disk that has filled up above all: others write to it, too
                what, hint = f"building it failed: {error}", f"the full log: {self.log}"
                raise MachineError(Problem(WHERE, what, hint)) from error

    def _build_in(self, scratch: Path, progress: Progress) -> Path:
        began = time.monotonic()
        env = self._tool_env(scratch)
        self.log.write_text("")
        tree = obtain(scratch, self.recipe.patches, progress, {**self.env, **env}, self.origins)
        try:
            self._configure(tree, env, progress)
            self._compile(tree, env, progress)
        except CommandFailed as error:
            raise MachineError(
                Problem(f"{WHERE}, Linux {tree.version}", str(error), f"the full log: {self.log}")
            ) from error
        kernel = self._keep(tree, scratch, time.monotonic() - began)
        progress(f"guest kernel {tree.version} built in {time.monotonic() - began:.0f} s: {kernel}")
        return kernel

    def _tool_env(self, scratch: Path) -> dict[str, str]:
        """A clean environment: make reads many variables, and their traces would end up in the kernel."""
        path = self.env.get("PATH", DEFAULT_PATH)
        return {"PATH": path, "HOME": str(scratch), "TMPDIR": str(scratch), "LC_ALL": "C", **BUILD_IDENTITY}

    def _configure(self, tree: Tree, env: Mapping[str, str], progress: Progress) -> None:
        progress("configure")
        run_logged(CONFIGURE_FIRST, cwd=tree.path, env=env, log=self.log, on_line=_ignore)
        asked = self.recipe.config.read_text()
        with (tree.path / ".config").open("a") as config:
            config.write(asked)
        run_logged(CONFIGURE, cwd=tree.path, env=env, log=self.log, on_line=_ignore)
        kept = (tree.path / ".config").read_text()
        if problems := kconfig.dropped(kconfig.parse(asked), kconfig.parse(kept), tree.version):
            raise MachineError(problems)

    def _compile(self, tree: Tree, env: Mapping[str, str], progress: Progress) -> None:
        jobs = len(os.sched_getaffinity(0))
        progress(f"compile: about {EXPECTED_OBJECTS:,} objects, {jobs} at a time; log: {self.log}")
        argv = (*NICE, *COMPILE, f"-j{jobs}")
        run_logged(argv, cwd=tree.path, env=env, log=self.log, on_line=ObjectCount(EXPECTED_OBJECTS, progress))
        run_logged((*STRIP, BINARY), cwd=tree.path, env=env, log=self.log, on_line=_ignore)

    def _keep(self, tree: Tree, scratch: Path, seconds: float) -> Path:
        """Lay the kernel and its manifest out beside the cache's others, then move them there in one step."""
        name = key(self.recipe.content(), Toolchain.of(self.env))
        result = scratch / "result"
        result.mkdir()
        (tree.path / BINARY).rename(result / BINARY)
        (tree.path / ".config").rename(result / "config")
        Manifest(
            key=name,
            version=tree.version,
            origin=tree.origin,
            source_sha256=tree.sha256,
            patches_sha256={patch.name: sha256(patch) for patch in self.recipe.patches},
            config_sha256=sha256(self.recipe.config),
            binary_sha256=sha256(result / BINARY),
            compiler=kconfig.parse((result / "config").read_text()).get("CONFIG_CC_VERSION_TEXT", "").strip('"'),
            seconds=round(seconds, 1),
        ).write(result / MANIFEST)
        target = self.cache / name
        shutil.rmtree(target, ignore_errors=True)  # what find() did not take for a kernel
        return result.rename(target) / BINARY


def find() -> Path | None:
    """The guest kernel of this testbed on this machine, or None where it has not been built."""
    return KernelBuild().find()


def build(progress: Progress) -> Path:
    """The guest kernel, built first where that has not been done. See :meth:`KernelBuild.build`."""
    return KernelBuild().build(progress)


def info() -> Manifest | None:
    """Where the guest kernel came from, or None where it has not been built."""
    return KernelBuild().info()


def _ignore(_line: str) -> None:
    pass
