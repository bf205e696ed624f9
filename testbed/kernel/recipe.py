"""What decides which guest kernel is the right one: patches, options, the steps of the build, and the machine's own."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from testbed.kernel.command import CommandFailed, run

HERE = Path(__file__).parent
BINARY = "linux"
MANIFEST = "manifest.json"
CONTENT_DIGITS = 16  # arbitrary: 64 bits are far more than any cache's number of recipes
COMPILER_ANSWERS_IN_S = 20.0  # arbitrary

# The options are appended in between, and the ones that survived are looked at before the last step.
CONFIGURE_FIRST = ("make", "ARCH=um", "defconfig")
CONFIGURE = ("make", "ARCH=um", "olddefconfig")
COMPILE = ("make", "ARCH=um", BINARY)
STRIP = ("strip", "--strip-all")
# Guest programs can read these in `uname -v`, so they must not differ from one machine to the next.
BUILD_IDENTITY = {
    "KBUILD_BUILD_TIMESTAMP": "Thu Jan  1 00:00:00 UTC 1970",
    "KBUILD_BUILD_USER": "testbed",
    "KBUILD_BUILD_HOST": "testbed",
    "KBUILD_BUILD_VERSION": "1",
}


@dataclass(frozen=True)
class Recipe:
    """The ingredients. The point release of the source is none of them: finding a kernel must not need a source."""

    patches: tuple[Path, ...]
    config: Path

    @classmethod
    def shipped(cls) -> Recipe:
        """The one that comes with the testbed."""
        return cls(tuple(sorted((HERE / "patches").glob("*.patch"))), HERE / "uml.config")

    def content(self) -> str:
        """A hash of everything in the recipe."""
        digest = hashlib.sha256()
        for path in (*self.patches, self.config):
            digest.update(f"{path.name}\0{len(path.read_bytes())}\0".encode() + path.read_bytes())
        steps = [CONFIGURE_FIRST, CONFIGURE, COMPILE, STRIP, sorted(BUILD_IDENTITY.items())]
        digest.update(json.dumps(steps).encode())
        return digest.hexdigest()[:CONTENT_DIGITS]


@dataclass(frozen=True)
class Toolchain:
    """What else goes into the binary: it is linked with the machine's C library, by the machine's compiler."""

    machine: str
    libc: str
    compiler: str
    """The major version, such as ``12``; empty where there is no compiler, which only building needs."""

    @classmethod
    def of(cls, env: Mapping[str, str]) -> Toolchain:
        """Ask the machine."""
        try:
            version = run(["gcc", "-dumpversion"], env=env, timeout_s=COMPILER_ANSWERS_IN_S).stdout.strip()
        except CommandFailed:
            version = ""
        return cls(platform.machine(), "-".join(platform.libc_ver()), version.split(".")[0])


def key(content: str, toolchain: Toolchain) -> str:
    """The name of the cache's folder. With no compiler, a pattern: a kernel built here by any compiler serves."""
    return f"{content}-{toolchain.machine}-{toolchain.libc}-gcc{toolchain.compiler or '*'}"


@dataclass(frozen=True)
class Manifest:
    """Where a built kernel came from; kept beside it."""

    key: str
    version: str
    origin: str
    source_sha256: str
    patches_sha256: dict[str, str]
    config_sha256: str
    binary_sha256: str
    compiler: str
    seconds: float

    def write(self, path: Path) -> None:
        """Write it as JSON."""
        path.write_text(json.dumps(asdict(self), indent=2, sort_keys=True) + "\n")

    @classmethod
    def read(cls, path: Path) -> Manifest:
        """Read what :meth:`write` wrote."""
        return cls(**json.loads(path.read_text()))
