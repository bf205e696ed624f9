"""Which programs the testbed starts, where they are looked for, and which Debian package brings them."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from testbed.kernel.command import CommandFailed, run

PACKAGES_FILE = Path(__file__).with_name("packages.txt")
# Daemons live outside an ordinary user's PATH; FRR's in a directory of their own.
DAEMON_DIRECTORIES = ("/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/lib/frr")
DEFAULT_PATH = "/usr/local/bin:/usr/bin:/bin"
ENVIRONMENT: Mapping[str, str] = {
    "PATH": ":".join((DEFAULT_PATH, *DAEMON_DIRECTORIES)), "LANG": "C.UTF-8", "HOME": "/root",
    "PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0",
}  # fmt: skip
"""What every program of a lab is given, so that no run depends on the user's own environment."""
COMPILER_ANSWERS_IN_S = 20.0  # arbitrary; far above what a loaded machine was seen to need


@dataclass(frozen=True)
class Needed:
    """One line of the list: what for, what shows that it is there, and the package that brings it."""

    group: str
    program: str
    package: str


def parse_packages(text: str) -> tuple[Needed, ...]:
    """Read the format of ``packages.txt``."""
    lines = (line.split("#", 1)[0].split() for line in text.splitlines())
    return tuple(Needed(*fields) for fields in lines if fields)


NEEDED = parse_packages(PACKAGES_FILE.read_text())
PROGRAMS: Mapping[str, str] = {n.program: n.package for n in NEEDED if n.program != "-"}


_CHOSEN: dict[str, Path] = {}
"""What a run was told to start in the place of the machine's."""


def use(programs: Mapping[str, Path]) -> None:
    """From now on in this process, find these files where a program of that name is looked for."""
    _CHOSEN.clear()
    _CHOSEN.update(programs)


def find_program(name: str, env: Mapping[str, str]) -> Path | None:
    """The one that was chosen; else look in the PATH of ``env``, then where distributions keep daemons."""
    if name in _CHOSEN:
        return _CHOSEN[name]
    path = ":".join((env.get("PATH", DEFAULT_PATH), *DAEMON_DIRECTORIES))
    found = shutil.which(name, path=path)
    return Path(found) if found else None


def has_header(name: str, env: Mapping[str, str]) -> bool:
    """Ask the compiler, the only one who knows where it looks."""
    argv = ["gcc", "-E", "-x", "c", "-include", name, "/dev/null"]
    try:
        run(argv, env=env, timeout_s=COMPILER_ANSWERS_IN_S)
    except CommandFailed:
        return False
    return True


def missing(group: str, env: Mapping[str, str]) -> tuple[Needed, ...]:
    """What a group needs and this machine lacks. A package known by its name alone is not looked at."""
    return tuple(n for n in NEEDED if n.group == group and n.program != "-" and not _is_there(n.program, env))


def _is_there(program: str, env: Mapping[str, str]) -> bool:
    return has_header(program, env) if program.endswith(".h") else find_program(program, env) is not None


def packages(*groups: str) -> tuple[str, ...]:
    """The packages of these groups, each once."""
    return tuple(dict.fromkeys(need.package for need in NEEDED if need.group in groups))


def install_line(packages: Iterable[str]) -> str:
    """The command a user pastes."""
    return "sudo apt-get install --no-install-recommends " + " ".join(dict.fromkeys(packages))
