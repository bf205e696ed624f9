"""Where labs that are kept up leave word of themselves: a folder each, locked by its supervisor while it lives.

The kernel lets go of the lock when its holder ends, however that happens. So a folder without a lock is a lab that is
gone, and nobody's process number has to be believed.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from testbed.boot import private
from testbed.errors import InputError, MachineError, Problem, RunError
from testbed.job import Job, Kernel

SOCKET, LAB, JOB, RECORD, CONSOLE, ENDED = "socket", "lab.json", "job.json", "record", "console.log", "ended.json"
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,47}")
CLEAN = "testbed clean"


@dataclass(frozen=True, kw_only=True)
class LabInfo:
    """What is known of a lab without asking it."""

    name: str
    topology: str
    about: str
    file: str
    settings: dict[str, str]
    kernel: Kernel
    seed: int
    since: str
    """Wall time in UTC, as ISO 8601 has it."""
    nodes: tuple[str, ...]
    clusters: tuple[str, ...] = ()


def root(environment: Mapping[str, str] | None = None) -> Path:
    """The folder of all labs of this user: in the session's runtime folder, else in the one for temporary files."""
    env = os.environ if environment is None else environment
    given = Path(env.get("XDG_RUNTIME_DIR", ""))
    if given.is_absolute() and given.is_dir() and os.access(given, os.W_OK | os.X_OK):
        return given / "testbed" / "labs"
    return Path(tempfile.gettempdir(), f"{private.PREFIX}labs-{os.getuid()}")


def make_root() -> Path:
    """The same, there and ours alone."""
    folder = root()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise MachineError(Problem(str(folder), f"cannot be made: {error.strerror}", OTHER_PLACE)) from None
    found = folder.lstat()
    if found.st_uid != os.getuid() or not stat.S_ISDIR(found.st_mode) or found.st_mode & 0o077:
        hint = "it would show others what you do: remove it, or set XDG_RUNTIME_DIR to a folder of yours"
        raise MachineError(Problem(str(folder), "is not a folder of this user alone", hint))
    return folder


OTHER_PLACE = "make room, or set XDG_RUNTIME_DIR or TMPDIR to a folder on another disk"


@dataclass(frozen=True)
class LabFolder:
    """One lab's folder."""

    path: Path

    @property
    def name(self) -> str:
        """The lab's."""
        return self.path.name

    @property
    def alive(self) -> bool:
        """Whether its supervisor lives."""
        return private.in_use(self.path)

    def kubeconfig(self, cluster: str) -> Path:
        """Where clients of a cluster find how to reach it, while the lab is up."""
        return self.path / f"{cluster}.kubeconfig"

    def info(self) -> LabInfo | None:
        """What its maker wrote; ``None`` where that did not come to an end."""
        try:
            return LabInfo(**json.loads((self.path / LAB).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def job(self) -> Job:
        """What its supervisor starts."""
        return Job.parse((self.path / JOB).read_text(encoding="utf-8"))

    @property
    def disk(self) -> Path | None:
        """Where its clusters' disk lies; ``None``: it has no clusters, or ended before it was told what to start."""
        with contextlib.suppress(OSError, ValueError, TypeError):
            if disk := self.job().disk:
                return Path(disk)
        return None

    def write_info(self, info: LabInfo) -> None:
        """Before the supervisor starts."""
        (self.path / LAB).write_text(json.dumps(asdict(info), indent=1), encoding="utf-8")

    def write_ended(self, problem: Problem) -> None:
        """Why the lab ended without being asked to."""
        with contextlib.suppress(OSError):  # a full disk is no reason to say less on the way out
            (self.path / ENDED).write_text(json.dumps(vars(problem)), encoding="utf-8")

    def gone(self) -> RunError:
        """What to tell who asks for a lab that is gone."""
        if not self.path.exists():
            return RunError(Problem(f"lab {self.name}", "has been taken down"))
        if self.alive and not (self.path / SOCKET).exists():
            return self.coming_up()
        what, hint = "is gone: its supervisor was killed", f"{CLEAN} removes what it left"
        with contextlib.suppress(OSError, ValueError):
            ended = json.loads((self.path / ENDED).read_text(encoding="utf-8"))
            what, hint = f"is gone: {ended['what']}", f"{ended['hint']}\n{hint}".strip()
        return RunError(Problem(f"lab {self.name}", what, hint))

    def coming_up(self) -> RunError:
        """What to tell who asks too early."""
        return RunError(Problem(f"lab {self.name}", "is still coming up", "try again in a moment"))

    def remove(self) -> None:
        """Remove all of it."""
        self.remove_disk()
        shutil.rmtree(self.path, ignore_errors=True)

    def remove_disk(self) -> None:
        """Remove the disk that its clusters are on, which is its own and lies elsewhere: it has some GB."""
        if disk := self.disk:
            shutil.rmtree(disk, ignore_errors=True)


def labs() -> list[LabFolder]:
    """All labs of this user, those that are gone too, by name."""
    folder = root()
    return [LabFolder(path) for path in sorted(folder.iterdir()) if path.is_dir()] if folder.is_dir() else []


def choose(name: str | None) -> LabFolder:
    """The lab that a command means. Raises :class:`InputError` or, for one that is gone, :class:`RunError`."""
    known = labs()
    alive = [lab.name for lab in known if lab.alive]
    if name is None:
        if len(alive) > 1:
            raise InputError(Problem("which lab", f"several are up: {', '.join(alive)}", f"--name {alive[0]}"))
        if not known:
            raise InputError(Problem("lab", "none is up", "testbed up topologies/hybrid.py"))
        name = alive[0] if alive else known[0].name
    for lab in known:
        if lab.name == name:
            if name not in alive:
                raise lab.gone()
            return lab
    raise InputError(Problem(f"lab {name}", "no such lab", f"up: {', '.join(alive) or 'none'}"))


def claim(name: str) -> tuple[LabFolder, int]:
    """Make a new lab's folder, and lock it. The descriptor holds the lock; the supervisor inherits it.

    Raises:
        InputError: the name is no name, or another lab has it.
        MachineError: the folder cannot be made.
    """
    if not NAME.fullmatch(name):
        hint = "lower case letters, digits and . _ -, at most 48"
        raise InputError(Problem(f"--name {name}", "is no name for a lab", hint))
    lab = LabFolder(make_root() / name)
    try:
        lab.path.mkdir(mode=0o700)
        return lab, private.lock(lab.path)
    except FileExistsError:
        raise _taken(lab) from None
    except OSError as error:
        raise MachineError(Problem(str(lab.path), f"cannot be made: {error.strerror}", OTHER_PLACE)) from None


def _taken(lab: LabFolder) -> InputError:
    if not lab.alive:
        gone = lab.gone().problems[0]
        return InputError(Problem(gone.where, gone.what, gone.hint))
    info = lab.info()
    what = "is up already" if info is None else f"is up already: {info.file}, since {info.since}"
    hint = f"take it down: testbed down --name {lab.name}\nor give the new one another name: --name NAME"
    return InputError(Problem(f"lab {lab.name}", what, hint))
