"""Find what a SIGKILL left behind, and remove only that.

Every folder that the testbed makes is locked by the process that made it, so what is not locked is nobody's. Guests die
with whoever started them, by the kernel's hand; one that did not, in a folder that is nobody's, is ended here.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from testbed.boot import disks, private, tunables
from testbed.kernel import cache
from testbed.kubernetes import cgroups
from testbed.lab.state import labs

YOUNG_S = 1.0
"""A folder may be this young and not yet locked; arbitrary, far above the microseconds that it takes."""
OURS = ("job.json", "uml")
"""What a run's private folder holds."""
KEPT = ("cpus-", "labs-")
"""Folders with this after their prefix are shared by all runs, and stay."""
GUEST_WORD = b"umid=guest"
"""In every guest's command line."""
RUN_SIGNS = ("plan.json", "record")
"""What makes a folder below ``runs`` a run's."""


def clean() -> list[str]:
    """Remove all that is nobody's, and say what was removed."""
    return [*_labs(), *_guests(), *_folders(), *_disks(), *_whole_machine()]


def _labs() -> Iterator[str]:
    for lab in labs():
        if not lab.alive and _old(lab.path):
            info = lab.info()
            lab.remove()
            yield f"lab {lab.name}" + (f" ({info.file}, up since {info.since})" if info else "")


def _disks() -> Iterator[str]:
    for path in disks.stale(cache.place(os.environ, "cluster")):
        shutil.rmtree(path, ignore_errors=True)
        yield f"disk {path}, of a run or a lab with a cluster that is gone"


def _whole_machine() -> Iterator[str]:
    """What a cluster on the host's kernel changed that belongs to no namespace."""
    for name in cgroups.remove_from_outside("stale"):
        yield f"control groups {name}, of a cluster on the host's kernel whose run is gone"
    for name in tunables.clean():
        yield f"setting {name}, as it was before such a cluster"


def _mine(path: Path) -> bool:
    with contextlib.suppress(OSError):
        return path.lstat().st_uid == os.getuid()
    return False


def _old(path: Path) -> bool:
    with contextlib.suppress(OSError):
        return time.time() - path.lstat().st_mtime > YOUNG_S or (path / "lab.json").exists()
    return False


def _stale_folders() -> Iterator[Path]:
    for path in sorted(Path(tempfile.gettempdir()).glob(f"{private.PREFIX}*")):
        kept = path.name.removeprefix(private.PREFIX).startswith(KEPT)
        if kept or path.is_symlink() or not path.is_dir() or not _mine(path) or not _old(path):
            continue
        names = {entry.name for entry in path.iterdir()}
        if (not names or names & set(OURS)) and not private.in_use(path):
            yield path


def _guests() -> Iterator[str]:
    """Guests whose folder is nobody's. Their working directory is that folder."""
    stale = {str(path) for path in _stale_folders()}
    for process in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if not process.name.isdecimal() or not _mine(process):
                continue
            guest = GUEST_WORD in (process / "cmdline").read_bytes().split(b"\0")
            if guest and str((process / "cwd").readlink()) in stale:
                os.kill(int(process.name), signal.SIGKILL)
                yield f"process {process.name}, a guest whose run is gone"


def _folders() -> Iterator[str]:
    for path in _stale_folders():
        shutil.rmtree(path, ignore_errors=True)
        yield f"folder {path}"


def runs(folder: Path = Path("runs")) -> list[Path]:
    """The runs' folders below ``runs``; anything else there is somebody else's."""
    if not folder.is_dir():
        return []
    return [path for path in sorted(folder.iterdir()) if all((path / sign).exists() for sign in RUN_SIGNS)]


def remove_run(path: Path) -> None:
    """Remove one."""
    shutil.rmtree(path)
