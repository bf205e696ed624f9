"""Obtain a kernel source that takes the patches: the distribution's, kernel.org's, or a file that the user names."""

from __future__ import annotations

import hashlib
import http.client
import re
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from testbed.errors import MachineError, Problem
from testbed.kernel.apt import ETC_APT, OS_RELEASE, PrivateApt
from testbed.kernel.command import CommandFailed, run, tail

Progress = Callable[[str], None]

OLDEST = (7, 2)
"""Older kernels die on processors with a large xsave area; the patches were written against this one."""

SOURCE_VARIABLE = "TESTBED_KERNEL_SOURCE"
CHECKSUM_VARIABLE = "TESTBED_KERNEL_SHA256"
NETWORK_HINT = f"connect to the network, or name a tarball you have: {SOURCE_VARIABLE}=/path/to/linux-7.2.tar.xz"
UNPACK_LIMIT_S = 1800.0  # arbitrary; 16 s were measured
PATCH_LIMIT_S = 60.0  # arbitrary; far below a second was measured
READ_LIMIT_S = 60.0  # a silence on the line, not the whole download; arbitrary
CHUNK = 1 << 20
# Parts of the source that UML neither compiles nor reads, a third of its size. Kconfig files have to stay.
NOT_UNPACKED = (
    "*/drivers/gpu/*.[ch]", "*/sound/*.[ch]", "*/Documentation/*.rst", "*/arch/*/boot/dts/*", "*/tools/testing/*",
)  # fmt: skip


@dataclass(frozen=True)
class Upstream:
    """A tarball on the web and what it has to hash to."""

    url: str
    sha256: str


# Two independent public sources name this checksum.
KERNEL_ORG = Upstream(
    "https://cdn.kernel.org/pub/linux/kernel/v7.x/linux-7.2.tar.xz",
    "f9fef3d14c0df53819026f4be74459835c2a0b0dcbf5b5bbd9ea19f0829402b3",
)


@dataclass(frozen=True)
class Origins:
    """Where sources come from. Tests give others."""

    etc_apt: Path = ETC_APT
    os_release: Path = OS_RELEASE
    upstream: Upstream = KERNEL_ORG


@dataclass(frozen=True)
class Tarball:
    """A source as it comes, verified."""

    path: Path
    origin: str
    sha256: str


@dataclass(frozen=True)
class Tree:
    """A source unpacked and patched, ready to be built."""

    path: Path
    version: str
    origin: str
    sha256: str


def obtain(
    scratch: Path, patches: Sequence[Path], progress: Progress, env: Mapping[str, str], origins: Origins
) -> Tree:
    """Return the first source that can be had and takes the patches, in an order that prefers the distribution's.

    A tarball that the user names is the only one tried.

    Raises:
        MachineError: with the reason for each way that failed.
    """
    if env.get(SOURCE_VARIABLE):
        offers: list[tuple[str, Iterator[Tarball]]] = [(f"kernel source, {SOURCE_VARIABLE}", given(env))]
    else:
        offers = [
            ("kernel source, the distribution's", from_distribution(scratch, progress, env, origins)),
            ("kernel source, kernel.org's", from_web(scratch, progress, origins.upstream)),
        ]
    failures = []
    for where, tarballs in offers:
        try:
            for tarball in tarballs:
                try:
                    return unpack_and_patch(tarball, scratch / "tree", patches, progress, env)
                except CommandFailed as error:
                    failures.append(Problem(where, f"{tarball.origin}: {error}", _hint(where)))
        except CommandFailed as error:
            failures.append(Problem(where, str(error), _hint(where)))
    raise MachineError(failures)


def _hint(where: str) -> str:
    if SOURCE_VARIABLE in where:
        return f"unset {SOURCE_VARIABLE} to take the distribution's or kernel.org's"
    return NETWORK_HINT


def given(env: Mapping[str, str]) -> Iterator[Tarball]:
    """The tarball that the user names."""
    path = Path(env[SOURCE_VARIABLE]).expanduser()
    if not path.is_file():
        raise CommandFailed(f"there is no file {path}")
    found, asked = sha256(path), env.get(CHECKSUM_VARIABLE, "").strip().lower()
    if asked and found != asked:
        raise CommandFailed(f"{path} has the SHA-256 {found}, and {CHECKSUM_VARIABLE} asks for {asked}")
    yield Tarball(path, str(path), found)


def from_distribution(scratch: Path, progress: Progress, env: Mapping[str, str], origins: Origins) -> Iterator[Tarball]:
    """The ``linux-source`` packages that are new enough, the best one first."""
    if lacking := [name for name in ("apt-get", "dpkg-deb") if not shutil.which(name, path=env.get("PATH"))]:
        raise CommandFailed(f"{' and '.join(lacking)} not found: not a Debian or Ubuntu system")
    progress("source: ask the distribution (a private apt; yours is not touched)")
    apt = PrivateApt.create(scratch / "apt", env, origins.etc_apt, origins.os_release)
    complaints = apt.update()
    packages = order_packages(apt.names("linux-source-"))
    if not packages:
        wanted = f"no linux-source package of {OLDEST[0]}.{OLDEST[1]} or newer in its archives"
        raise CommandFailed("\n".join(filter(None, (wanted, tail(complaints)))))
    for package in packages:
        progress(f"source: download {package}")
        files, version = apt.download(package, scratch / package)
        # Ubuntu has a link of the same name beside the folder that the tarball is in.
        tarballs = [p for p in sorted(files.rglob("linux-source-*.tar.*")) if p.is_file() and not p.is_symlink()]
        if not tarballs:
            raise CommandFailed(f"{package} {version} holds no tarball")
        yield Tarball(tarballs[0], f"{package} {version}", sha256(tarballs[0]))
        shutil.rmtree(scratch / package)


def order_packages(names: Iterable[str]) -> list[str]:
    """New enough ones: the series the patches were written against, then from the newest down."""
    found = {}
    for name in names:
        if match := re.fullmatch(r"linux-source-(\d+)\.(\d+)(?:\.0)?", name):
            found[name] = (int(match[1]), int(match[2]))
    fitting = [name for name, version in found.items() if version >= OLDEST]
    return sorted(fitting, key=lambda name: (found[name] == OLDEST, found[name]), reverse=True)


def from_web(scratch: Path, progress: Progress, upstream: Upstream) -> Iterator[Tarball]:
    """The pinned tarball, downloaded to its name only once it is known to be the right one."""
    target = scratch / upstream.url.rsplit("/", 1)[-1]
    partial = target.with_name(target.name + ".part")
    progress(f"source: download {upstream.url}")
    try:
        opener = urllib.request.build_opener()
        with opener.open(upstream.url, timeout=READ_LIMIT_S) as answer, partial.open("wb") as out:
            shutil.copyfileobj(answer, out, CHUNK)
    except (OSError, http.client.HTTPException, urllib.error.URLError) as error:
        partial.unlink(missing_ok=True)
        raise CommandFailed(f"{upstream.url}: {getattr(error, 'reason', error)}") from error
    if (found := sha256(partial)) != upstream.sha256:
        partial.unlink()
        raise CommandFailed(f"{upstream.url} has the SHA-256 {found} instead of {upstream.sha256}: not used")
    partial.rename(target)
    yield Tarball(target, upstream.url, upstream.sha256)


def unpack_and_patch(
    tarball: Tarball, into: Path, patches: Sequence[Path], progress: Progress, env: Mapping[str, str]
) -> Tree:
    """Unpack what UML needs of a source and apply the patches, exactly where they say or not at all."""
    shutil.rmtree(into, ignore_errors=True)
    into.mkdir(parents=True)
    progress(f"source: unpack {tarball.origin}")
    left_out = [f"--exclude={pattern}" for pattern in NOT_UNPACKED]
    argv = ["tar", "--extract", "--strip-components=1", "--wildcards", *left_out, f"--file={tarball.path}"]
    run(argv, env=env, timeout_s=UNPACK_LIMIT_S, cwd=into)
    version = read_version(into)
    for patch in patches:
        progress(f"source: apply {patch.name}")
        argv = ["patch", "--strip=1", "--fuzz=0", "--batch", "--forward", f"--input={patch}"]
        run(argv, env=env, timeout_s=PATCH_LIMIT_S, cwd=into)
    return Tree(into, version, tarball.origin, tarball.sha256)


def read_version(tree: Path) -> str:
    """The version as the source itself says, such as ``7.2.13``."""
    makefile = tree / "Makefile"
    text = makefile.read_text(errors="replace") if makefile.is_file() else ""
    fields = dict(re.findall(r"^(VERSION|PATCHLEVEL|SUBLEVEL) *= *(\d+)$", text, re.MULTILINE))
    if "VERSION" not in fields:
        raise CommandFailed("this is not a Linux source: no Makefile with a VERSION in it")
    version = (int(fields["VERSION"]), int(fields.get("PATCHLEVEL", 0)))
    if version < OLDEST:
        raise CommandFailed(
            f"this is Linux {version[0]}.{version[1]}; {OLDEST[0]}.{OLDEST[1]} is the oldest that works"
        )
    return f"{version[0]}.{version[1]}.{fields.get('SUBLEVEL', 0)}"


def sha256(path: Path) -> str:
    """The checksum of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
