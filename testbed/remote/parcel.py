"""A folder as bytes, to be sent to a machine that shares no file system with this one, and back."""

from __future__ import annotations

import gzip
import hashlib
import io
import shutil
import tarfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

LEVEL = 6
"""Of compression: gzip's own default."""


class DamagedError(Exception):
    """What came is not what was sent; the message says how."""


def name(parcel: bytes) -> str:
    """What bytes are called by: their SHA-256."""
    return hashlib.sha256(parcel).hexdigest()


def pack(folder: Path) -> bytes:
    """Every file and folder below ``folder``: names and contents, no owners and no times."""
    paths = sorted(path for path in folder.rglob("*") if path.is_dir() or path.is_file())
    return _pack({str(path.relative_to(folder)): None if path.is_dir() else path.read_bytes() for path in paths})


def pack_files(files: Mapping[str, bytes]) -> bytes:
    """Files by their names in the folder that is to be."""
    return _pack(dict(sorted(files.items())))


def _pack(entries: Mapping[str, bytes | None]) -> bytes:
    """``None`` is a folder."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for entry, content in entries.items():
            info = tarfile.TarInfo(entry)
            if content is None:
                info.type, info.mode = tarfile.DIRTYPE, 0o755
            else:
                info.size = len(content)
            archive.addfile(info, io.BytesIO(content or b""))
    return gzip.compress(packed.getvalue(), LEVEL, mtime=0)


def unpack(parcel: bytes, folder: Path) -> None:
    """Make ``folder`` from it, whole or not at all.

    Raises:
        DamagedError: it is no parcel, or one that would write elsewhere.
        OSError: the folder cannot be written; the disk may be full.
    """
    unfinished = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    try:
        with tarfile.open(fileobj=io.BytesIO(gzip.decompress(parcel))) as archive:
            for info in archive:
                _place(archive, info, unfinished)
        unfinished.rename(folder)
    except (tarfile.TarError, gzip.BadGzipFile, EOFError) as error:
        raise DamagedError(f"it cannot be unpacked: {error}") from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _place(archive: tarfile.TarFile, info: tarfile.TarInfo, folder: Path) -> None:
    where = PurePosixPath(info.name)
    if where.is_absolute() or ".." in where.parts or not (info.isreg() or info.isdir()):
        raise DamagedError(f"{info.name!r} does not belong in it")
    path = folder / where
    if info.isdir():
        path.mkdir(parents=True, exist_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    content = archive.extractfile(info)
    assert content is not None
    path.write_bytes(content.read())
