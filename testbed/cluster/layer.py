"""Write a layer: one tar from many sources, with the owners and modes it should have, by a user who is none of them."""

from __future__ import annotations

import contextlib
import copy
import fnmatch
import gzip
import io
import posixpath
import shutil
import tarfile
from collections.abc import Container, Iterable, Iterator
from pathlib import Path
from typing import IO

from testbed.cluster.archive import Layer
from testbed.kernel.source import sha256

GZIP_LEVEL = 6  # gzip's own default
# /bin, /lib and so on are links into /usr in every supported release of Debian and Ubuntu, while packages of Debian 12
# still name the old places.
MERGED = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
# What no program reads, and what is made anew at every start. Copyright files stay, as licences ask.
LEFT_OUT = (
    "usr/share/doc/*/[!c]*", "usr/share/doc/*/changelog*", "usr/share/man/*", "usr/share/info/*", "usr/share/locale/*",
    "usr/share/lintian/*", "usr/share/bash-completion/*", "usr/share/zsh/*", "usr/lib/udev/hwdb.d/*", "dev/*", "proc/*",
    "sys/*", "run/*",
)  # fmt: skip
CHUNK = 1 << 20


def merged_name(name: str) -> str:
    """Where a path of a package really goes: relative, plain, and below ``usr`` where the old place is a link."""
    plain = name.removeprefix("./").strip("/")
    return f"usr/{plain}" if plain.split("/", 1)[0] in MERGED else plain


def merged_link(name: str, link: str) -> str:
    """Where a symbolic link points once the file that it is has moved below ``usr``: to the same place."""
    plain = name.removeprefix("./").strip("/")
    if link.startswith("/") or merged_name(name) == plain:
        return link
    return posixpath.normpath(posixpath.join("/", posixpath.dirname(plain), link))


class LayerContent:
    """Collects the entries of one layer in an open tar. The first of a name stays."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar
        self._seen: set[str] = set()

    def directory(self, name: str, mode: int = 0o755) -> None:
        """Add a directory of root's."""
        entry = tarfile.TarInfo(name)
        entry.type, entry.mode = tarfile.DIRTYPE, mode
        self._add(entry)

    def link(self, name: str, target: str) -> None:
        """Add a symbolic link."""
        entry = tarfile.TarInfo(name)
        entry.type, entry.linkname, entry.mode = tarfile.SYMTYPE, target, 0o777
        self._add(entry)

    def text(self, name: str, content: str | bytes, mode: int = 0o644) -> None:
        """Add a file of root's with this content."""
        data = content.encode() if isinstance(content, str) else content
        entry = tarfile.TarInfo(name)
        entry.size, entry.mode = len(data), mode
        self._add(entry, io.BytesIO(data))

    def file(self, name: str, source: Path, mode: int) -> None:
        """Add a copy of a file, as root's."""
        entry = tarfile.TarInfo(name)
        entry.size, entry.mode = source.stat().st_size, mode
        with source.open("rb") as data:
            self._add(entry, data)

    @property
    def names(self) -> set[str]:
        """What is in it so far."""
        return set(self._seen)

    def package(
        self, files: tarfile.TarFile, left_out: Iterable[str] = (), read: Container[str] = ()
    ) -> dict[str, str]:
        """Add the files of a package, with the owners and modes that the package gives them.

        Args:
            files: the package's tar, read once.
            left_out: patterns of names that are not added, besides :data:`LEFT_OUT`.
            read: names of text files whose content is given back.
        """
        patterns, found = (*LEFT_OUT, *left_out), {}
        for member in files:
            name = merged_name(member.name)
            if not name or name in MERGED or any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns):
                continue
            data = files.extractfile(member) if member.isreg() else None
            if data is not None and name in read:
                content = data.read()
                found[name], data = content.decode(), io.BytesIO(content)
            entry = copy.copy(member)
            entry.name, entry.mtime, entry.pax_headers = name, 0, {}
            if member.issym():
                entry.linkname = merged_link(member.name, member.linkname)
            elif member.islnk():
                entry.linkname = merged_name(member.linkname)
            self._add(entry, data)
        return found

    def _add(self, entry: tarfile.TarInfo, data: IO[bytes] | None = None) -> None:
        if entry.name in self._seen:
            return
        self._seen.add(entry.name)
        entry.uname = entry.gname = ""  # numbers alone: names mean something else on another system
        self._tar.addfile(entry, data)


@contextlib.contextmanager
def writing(target: Path) -> Iterator[LayerContent]:
    """A layer's tar that is being written."""
    with tarfile.open(target, "w", format=tarfile.GNU_FORMAT) as tar:
        yield LayerContent(tar)


def finished(target: Path) -> Layer:
    """The layer that was written to ``target``."""
    return Layer(target, sha256(target))


def compressed(layer: Layer) -> Layer:
    """The same layer, compressed; its old file is removed."""
    target = layer.path.with_suffix(".tar.gz")
    # No name and no date in gzip's header, or two builds would differ.
    with layer.path.open("rb") as data, target.open("wb") as raw, gzip.GzipFile("", "wb", GZIP_LEVEL, raw, 0) as out:
        shutil.copyfileobj(data, out, CHUNK)
    layer.path.unlink()
    return Layer(target, layer.diff_id)
