"""A private apt: it has lists, cache and state of its own, so it runs as anybody and changes nothing of the user's."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from testbed.kernel.aptsources import (
    AptEntry,
    Distribution,
    choose_entries,
    read_distribution,
    read_entries,
    render,
)
from testbed.kernel.command import CommandFailed, run

Choose = Callable[[Sequence[AptEntry], Distribution], list[AptEntry]]

ETC_APT = Path("/etc/apt")
OS_RELEASE = Path("/etc/os-release")
# Both arbitrary: some ten megabytes of lists, and 160 MB of source, on a slow line.
UPDATE_LIMIT_S = 600.0
DOWNLOAD_LIMIT_S = 3600.0
QUERY_LIMIT_S = 60.0
# How to reach archives (proxies, certificates, retries) is the user's to say. What else to fetch is not: some desktops
# ask for icons and translations here.
_NOT_TAKEN_OVER = re.compile(r"Acquire::(IndexTargets|Languages|GzipIndexes)\b")


@dataclass(frozen=True)
class PrivateApt:
    """An apt that lives in ``root``."""

    root: Path
    env: Mapping[str, str]

    @classmethod
    def create(
        cls, root: Path, env: Mapping[str, str], etc_apt: Path, os_release: Path, choose: Choose = choose_entries
    ) -> PrivateApt:
        """Lay it out below ``root`` with those archives that the user's own apt names and ``choose`` keeps.

        Raises:
            CommandFailed: if those cannot be used.
        """
        entries = choose(read_entries(etc_apt), read_distribution(os_release))
        if not entries:
            raise CommandFailed(f"{etc_apt} names no archive of this distribution")
        for directory in ("sources", "none", "state/lists/partial", "cache/archives/partial"):
            (root / directory).mkdir(parents=True, exist_ok=True)
        (root / "state/status").touch()
        (root / "sources/testbed.sources").write_text(render(entries))
        user = run(["apt-config", "dump", "Acquire"], env=env, timeout_s=QUERY_LIMIT_S).stdout
        (root / "apt.conf").write_text(private_configuration(root, user))
        return cls(root, {**env, "APT_CONFIG": str(root / "apt.conf"), "LC_ALL": "C"})

    def update(self) -> str:
        """Fetch the lists, and return what apt complained about: it calls a mirror that is out of reach no error."""
        return run(["apt-get", "update"], env=self.env, timeout_s=UPDATE_LIMIT_S).stderr

    def names(self, prefix: str) -> list[str]:
        """Packages whose name begins with ``prefix``."""
        return run(["apt-cache", "pkgnames", prefix], env=self.env, timeout_s=QUERY_LIMIT_S).stdout.split()

    def download(self, package: str, into: Path) -> tuple[Path, str]:
        """Fetch a package, which apt verifies, and unpack its files. Returns their folder and the version."""
        into.mkdir(parents=True)
        run(["apt-get", "download", package], env=self.env, timeout_s=DOWNLOAD_LIMIT_S, cwd=into)
        deb = next(into.glob("*.deb"))
        version = run(["dpkg-deb", "-f", str(deb), "Version"], env=self.env, timeout_s=QUERY_LIMIT_S).stdout.strip()
        run(["dpkg-deb", "-x", str(deb), "files"], env=self.env, timeout_s=DOWNLOAD_LIMIT_S, cwd=into)
        deb.unlink()
        return into / "files", version


def private_configuration(root: Path, user_acquire: str) -> str:
    """The text of ``apt.conf``: the user's way to the archives, and our own directories.

    The user's other settings are left out, hooks that run after an update above all: one that is common in containers
    empties the system's package cache.
    """
    taken = [line for line in user_acquire.splitlines() if not _NOT_TAKEN_OVER.match(line)]
    own = {
        "Dir::Etc::main": "/dev/null",
        "Dir::Etc::parts": root / "none",
        "Dir::Etc::sourcelist": "/dev/null",
        "Dir::Etc::sourceparts": root / "sources",
        "Dir::Etc::preferences": "/dev/null",
        "Dir::Etc::preferencesparts": root / "none",
        "Dir::State": root / "state",
        "Dir::State::lists": root / "state/lists",
        "Dir::State::status": root / "state/status",
        "Dir::Cache": root / "cache",
        "Dir::Cache::archives": root / "cache/archives",
        "Acquire::Languages": "none",
        # Fetching as `_apt` needs a folder that user can enter, which a cache in somebody's home is not.
        "APT::Sandbox::User": "root",
    }
    return "\n".join([*taken, *(f'{name} "{value}";' for name, value in own.items())]) + "\n"
