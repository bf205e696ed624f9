"""Fetch a root file system's packages with a private apt, and read what they say about themselves."""

from __future__ import annotations

import contextlib
import fnmatch
import subprocess
import tarfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from testbed.cluster.recipe import Root
from testbed.kernel.apt import DOWNLOAD_LIMIT_S, ETC_APT, OS_RELEASE, PrivateApt
from testbed.kernel.aptsources import own_entries
from testbed.kernel.command import CommandFailed, run
from testbed.kernel.make import run_logged
from testbed.kernel.source import sha256

Progress = Callable[[str], None]

READ_LIMIT_S = 60.0  # arbitrary: control data of one package


@dataclass(frozen=True)
class Package:
    """One package as a file, with its control data as dpkg keeps it."""

    path: Path
    control: Mapping[str, str]

    @property
    def name(self) -> str:
        """Its name, without the architecture."""
        return self.control["Package"]

    def record(self) -> dict[str, str]:
        """What the manifest says of it."""
        fields = {field.lower(): self.control[field] for field in ("Package", "Version", "Architecture")}
        return {**fields, "sha256": sha256(self.path)}


def private_apt(root: Path, env: Mapping[str, str], progress: Progress) -> PrivateApt:
    """An apt of our own with the distribution's own archives and fresh lists.

    Raises:
        CommandFailed: if the lists cannot be had.
    """
    progress("packages: ask the distribution (a private apt; yours is not touched)")
    apt = PrivateApt.create(root, env, ETC_APT, OS_RELEASE, own_entries)
    complaints = apt.update()
    if not apt.names("libc6"):
        raise CommandFailed(f"no archive of this distribution can be read:\n{complaints.strip()}")
    return apt


def fetch(apt: PrivateApt, root: Root, into: Path, log: Path, progress: Progress) -> list[Package]:
    """Download a root's packages and all that they need, which apt verifies; those it does without are left out."""
    (into / "partial").mkdir(parents=True)
    progress(f"packages: download those of {root.name}; log: {log}")
    argv = (
        "apt-get", "install", "--yes", "--download-only", "--no-install-recommends", f"-oDir::Cache::archives={into}",
        *root.packages,
    )  # fmt: skip
    run_logged(argv, cwd=into, env=apt.env, log=log, on_line=_ignore, limit_s=DOWNLOAD_LIMIT_S)
    found = [read_package(path, apt.env) for path in sorted(into.glob("*.deb"))]
    return [one for one in found if not is_left_out(one.name, root)]


def is_left_out(name: str, root: Root) -> bool:
    """Whether a root does without this package."""
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in root.without)


def read_package(path: Path, env: Mapping[str, str]) -> Package:
    """Read a package's control data."""
    return Package(path, parse_control(run(["dpkg-deb", "-f", str(path)], env=env, timeout_s=READ_LIMIT_S).stdout))


def parse_control(text: str) -> dict[str, str]:
    """Fields of one stanza. Continuation lines stay as they are."""
    fields: dict[str, str] = {}
    name = ""
    for line in text.splitlines():
        if line[:1].isspace():
            fields[name] += f"\n{line}"
        elif ":" in line:
            name, _, value = line.partition(":")
            fields[name] = value.strip()
    return fields


def status_stanza(package: Package) -> str:
    """What ``/var/lib/dpkg/status`` says of a package that is there, so that dpkg can list what is in an image."""
    order = [name for name in package.control if name != "Package"]
    lines = [f"Package: {package.name}", "Status: install ok installed"]
    return "\n".join([*lines, *(f"{name}: {package.control[name]}" for name in order)]) + "\n"


@contextlib.contextmanager
def files_of(package: Package, env: Mapping[str, str]) -> Iterator[tarfile.TarFile]:
    """The files of a package, to be read once, from the first to the last.

    Raises:
        CommandFailed: if dpkg-deb cannot unpack it.
    """
    argv = ["dpkg-deb", "--fsys-tarfile", str(package.path)]
    with subprocess.Popen(argv, env=dict(env), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        with tarfile.open(fileobj=process.stdout, mode="r|") as tar:
            yield tar
        process.stdout.read()  # the padding after the last entry, so that dpkg-deb does not die of a closed pipe
    if process.returncode:
        raise CommandFailed(f"`dpkg-deb --fsys-tarfile {package.path}` ended with {process.returncode}")


def _ignore(_line: str) -> None:
    pass
