"""Build the programs of Go modules: with the machine's Go, into the cache, one module at a time and each only once."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from testbed.cluster.gomod import OURS, CannotBuild, Requirement, wrapper
from testbed.cluster.recipe import HERE, Module, content_of
from testbed.errors import MachineError, Problem
from testbed.kernel import cache
from testbed.kernel.command import CommandFailed, run
from testbed.kernel.make import run_logged
from testbed.kernel.programs import find_program

Progress = Callable[[str], None]

# The oldest Go that fetches the release a module asks for, where its user lets it (GOTOOLCHAIN, Go 1.21's notes).
OLDEST_GO = (1, 21)
GO_ANSWERS_IN_S = 30.0  # arbitrary
FETCH_LIMIT_S = 1800.0  # arbitrary: some hundred modules on a slow line
MODULE_LIMIT_S = 4 * 3600.0  # arbitrary; Kubernetes takes six minutes on two idle cores
NICE = ("nice", "-n", "19")  # a build of twenty minutes must not be felt
STRIP = "-s -w"  # without symbols and debug information: two thirds of the size
RESULT = "programs"
LISTED = "modules.json"


@dataclass(frozen=True)
class GoBuilder:
    """Builds modules into ``cache``, each in a folder named by all that decides about it."""

    cache: Path
    env: Mapping[str, str]
    log: Path

    def problems(self) -> list[Problem]:
        """What keeps this machine from building Go programs."""
        where = "programs in Go"
        if find_program("go", self.env) is None:
            return [Problem(where, "there is no go", "sudo apt-get install golang-go, if that is 1.21 or newer")]
        try:
            version = run(["go", "env", "GOVERSION"], env=self._env(), timeout_s=GO_ANSWERS_IN_S).stdout.strip()
        except CommandFailed as error:
            return [Problem(where, str(error), "repair the Go that is first in PATH")]
        if parse_version(version) < OLDEST_GO:
            hint = "install a newer one: from backports, or from go.dev, first in PATH"
            return [
                Problem(where, f"{version} is older than 1.{OLDEST_GO[1]}, the oldest that fetches newer ones", hint)
            ]
        return []

    def build(self, module: Module, progress: Progress) -> Path:
        """The folder with the module's programs, built first where they are not there yet.

        Raises:
            MachineError: if a step fails, with the last lines it printed.
        """
        target = self.cache / self._key(module)
        if (target / LISTED).is_file():
            return target
        self.cache.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=cache.SCRATCH_PREFIX, dir=self.cache))
        try:
            return self._build_in(scratch, module, progress).rename(target)
        except CommandFailed as error:
            hint = f"the full log: {self.log}. Modules come from the proxy that `go env GOPROXY` names"
            raise MachineError(Problem(f"{module.path} {module.version}", str(error), hint)) from error
        except CannotBuild as error:
            raise MachineError(
                Problem(f"module {module.name}", str(error), "name its version in recipe.toml")
            ) from error
        finally:
            shutil.rmtree(scratch, ignore_errors=True)

    def source(self, module: Module) -> Path:
        """The folder of the module's own files, fetched first where they are not there yet."""
        return Path(self._download(module)["Dir"])

    def _key(self, module: Module) -> str:
        files = sorted((HERE / "programs" / module.main).glob("*.go")) if module.main else []
        parts = content_of([HERE / "gobuild.py", HERE / "gomod.py", *files])
        asked = (module.programs, module.pinned, module.values, module.tags)
        said = json.dumps([module.path, module.version, *asked], sort_keys=True)
        return f"{module.name}-{digest(said + parts + self._go_version())}"

    def _go_version(self) -> str:
        return run(["go", "version"], env=self._env(), timeout_s=GO_ANSWERS_IN_S).stdout.strip()

    def _build_in(self, scratch: Path, module: Module, progress: Progress) -> Path:
        progress(f"{module.name}: fetch {module.path} {module.version}")
        folder = scratch / "module"
        folder.mkdir()
        self._lay_out(folder, module)
        result = scratch / RESULT
        result.mkdir()
        for number, (program, package) in enumerate(module.programs.items(), start=1):
            progress(f"{module.name}: build {program} ({number} of {len(module.programs)}); log: {self.log}")
            argv = (*NICE, *build_command(module, package, result / program))
            run_logged(argv, cwd=folder, env=self._env(), log=self.log, on_line=_ignore, limit_s=MODULE_LIMIT_S)
        (result / LISTED).write_text(json.dumps(self._what_went_in(result, module), indent=1, sort_keys=True) + "\n")
        return result

    def _lay_out(self, folder: Path, module: Module) -> None:
        upstream = self._run("go", "mod", "edit", "-json", self._download(module)["GoMod"])
        text = wrapper(module.name, Requirement(module.path, module.version), json.loads(upstream), module.pinned)
        (folder / "go.mod").write_text(text)
        if module.main:
            shutil.copyfile(HERE / "programs" / module.main / "main.go", folder / "main.go")

    def _what_went_in(self, result: Path, module: Module) -> dict[str, Any]:
        """As the programs themselves say, so nothing that was only looked at is in the list."""
        found: set[tuple[str, str, str]] = set()
        for program in module.programs:
            found.update(parse_build_information(self._run("go", "version", "-m", str(result / program))))
        return {
            "go": self._go_version(),
            "modules": [{"path": path, "version": version, "sum": total} for path, version, total in sorted(found)],
        }

    def _download(self, module: Module) -> dict[str, str]:
        text = self._run("go", "mod", "download", "-json", f"{module.path}@{module.version}")
        answer: dict[str, str] = json.loads(text)
        return answer

    def _run(self, *argv: str) -> str:
        # Outside any module, or go would look at the one around the current folder.
        return run(argv, env=self._env(), timeout_s=FETCH_LIMIT_S, cwd=self.cache.parent).stdout

    def _env(self) -> dict[str, str]:
        """The user's environment, and with it the user's proxy and cache; what decides about the outcome is ours."""
        ours = {"CGO_ENABLED": "0", "GOFLAGS": "-mod=mod", "GOWORK": "off", "GO111MODULE": "on", "GOEXPERIMENT": ""}
        return {**self.env, **ours}


def build_command(module: Module, package: str, target: Path) -> tuple[str, ...]:
    """How one program is built: no paths of this machine in it, no symbols, no C."""
    values = [f"-X {name}={value}" for name, value in sorted(module.values.items())]
    return (
        "go", "build", "-trimpath", "-buildvcs=false", f"-p={len(os.sched_getaffinity(0))}",
        f"-tags={','.join(module.tags)}", f"-ldflags={' '.join([STRIP, *values])}", f"-o={target}", package,
    )  # fmt: skip


def parse_version(text: str) -> tuple[int, int]:
    """``go1.26.8`` as (1, 26). What is no release, such as a development build, counts as the newest."""
    parts = text.removeprefix("go").split(".")
    if len(parts) < 2 or not (parts[0] + parts[1][:1]).isdigit():
        return (99, 0)
    minor = "".join(character for character in parts[1][:2] if character.isdigit())
    return (int(parts[0]), int(minor))


def parse_build_information(text: str) -> list[tuple[str, str, str]]:
    """Path, version and checksum of each module in what ``go version -m`` prints.

    The one that a program is of comes first, unless it is ours. A replacement counts in the place of what it replaces.
    """
    found: list[tuple[str, str, str]] = []
    for line in text.splitlines():
        fields = line.split("\t")
        if len(fields) >= 4 and fields[1] in ("mod", "dep", "=>") and not fields[2].startswith(OURS):
            if fields[1] == "=>" and found:
                found.pop()
            found.append((fields[2], fields[3], fields[4] if len(fields) > 4 else ""))
    return found


def digest(text: str) -> str:
    """A short hash for a folder's name."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _ignore(_line: str) -> None:
    pass


def programs_of(folders: Sequence[Path]) -> dict[str, Path]:
    """Every program in the folders, by name."""
    return {path.name: path for folder in folders for path in sorted(folder.iterdir()) if path.name != LISTED}
