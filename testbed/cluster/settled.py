"""What the packages' own scripts would have left behind, had they been run. Pure: names and contents.

The scripts need root and a running system. What they do for the programs of an image is little and known; it is said
here, so that a root can be written by anybody, in seconds, and comes out the same each time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

# Where packages keep what their scripts copy to its place: base-passwd and libc-bin or base-files.
USERS_MASTER = "usr/share/base-passwd/passwd.master"
GROUPS_MASTER = "usr/share/base-passwd/group.master"
NSSWITCH_MASTERS = ("usr/share/libc-bin/nsswitch.conf", "usr/share/base-files/nsswitch.conf")
MASTERS = (USERS_MASTER, GROUPS_MASTER, *NSSWITCH_MASTERS)

# Users that scripts create. Policy leaves the numbers from 100 to the system; which one gets which is arbitrary.
USERS: Mapping[str, tuple[int, str]] = {
    "messagebus": (100, "/nonexistent"),
    "_rpc": (101, "/run/rpcbind"),
    "statd": (102, "/var/lib/nfs"),
    "systemd-network": (998, "/"),
}
NOBODYS_SHELL = "/usr/sbin/nologin"
EARLIEST_DAY = 1  # of the last change of a password, which is none: 0 would ask for a new one

LINKS: Mapping[str, str] = {
    "bin": "usr/bin",
    "sbin": "usr/sbin",
    "lib": "usr/lib",
    "lib64": "usr/lib64",
    "var/run": "/run",
    "var/lock": "/run/lock",
    "etc/mtab": "../proc/self/mounts",
}


@dataclass(frozen=True)
class Alternative:
    """One of several programs that a name may stand for, as update-alternatives keeps it."""

    name: str
    link: str
    choices: tuple[tuple[str, int], ...]
    """Path and priority; the first is the one in force."""
    slaves: tuple[tuple[str, str, str], ...] = ()
    """Name, link, and what is added to the chosen path."""


# kind's entrypoint calls `update-alternatives --set iptables`, so those two need dpkg's own record, too.
ALTERNATIVES = (
    Alternative("awk", "/usr/bin/awk", (("/usr/bin/mawk", 5),)),
    Alternative("which", "/usr/bin/which", (("/usr/bin/which.debianutils", 0),)),
    *(
        Alternative(
            name, f"/usr/sbin/{name}", ((f"/usr/sbin/{name}-nft", 20), (f"/usr/sbin/{name}-legacy", 10)),
            tuple((f"{name}-{what}", f"/usr/sbin/{name}-{what}", f"-{what}") for what in ("restore", "save")),
        )
        for name in ("iptables", "ip6tables")
    ),
)  # fmt: skip


def links(present: set[str]) -> dict[str, str]:
    """Symbolic links by name, those of alternatives for programs that are ``present``."""
    return {**LINKS, **alternatives(present)}


def alternatives(present: set[str]) -> dict[str, str]:
    """Only those of alternatives."""
    found: dict[str, str] = {}
    for alternative in available(present):
        chosen = alternative.choices[0][0]
        pairs = [(alternative.name, alternative.link, chosen)]
        pairs += [(name, link, chosen + added) for name, link, added in alternative.slaves]
        for name, link, target in pairs:
            found[link.lstrip("/")] = f"/etc/alternatives/{name}"
            found[f"etc/alternatives/{name}"] = target
    return found


def available(present: set[str]) -> list[Alternative]:
    """Those alternatives all of whose choices are there."""
    return [one for one in ALTERNATIVES if all(path.lstrip("/") in present for path, _ in one.choices)]


def record(alternative: Alternative) -> str:
    """The record of an alternative, in the format of dpkg's administrative folder."""
    lines = ["auto", alternative.link]
    for name, link, _ in alternative.slaves:
        lines += [name, link]
    lines.append("")
    for path, priority in sorted(alternative.choices):
        lines += [path, str(priority), *(path + added for _, _, added in alternative.slaves)]
    return "\n".join([*lines, "", ""])


def texts(masters: Mapping[str, str], present: set[str]) -> dict[str, tuple[str, int]]:
    """Files by name: content and mode."""
    passwd = masters.get(USERS_MASTER, "") + "".join(
        f"{name}:x:{number}:{number}::{home}:{NOBODYS_SHELL}\n" for name, (number, home) in USERS.items()
    )
    group = masters.get(GROUPS_MASTER, "") + "".join(f"{name}:x:{number}:\n" for name, (number, _) in USERS.items())
    found = {
        "etc/passwd": (passwd.replace("root:*:", "root:x:"), 0o644),
        "etc/group": (group, 0o644),
        "etc/shadow": (_locked(passwd), 0o640),
        "etc/hostname": ("localhost\n", 0o644),
        "etc/machine-id": ("", 0o644),
        **{f"var/lib/dpkg/alternatives/{one.name}": (record(one), 0o644) for one in available(present)},
    }
    if nsswitch := next((masters[name] for name in NSSWITCH_MASTERS if name in masters), ""):
        found["etc/nsswitch.conf"] = (nsswitch, 0o644)
    return found


def _locked(passwd: str) -> str:
    """Nobody can log in with a password."""
    names = [line.split(":", 1)[0] for line in passwd.splitlines() if ":" in line]
    return "".join(f"{name}:*:{EARLIEST_DAY}:0:99999:7:::\n" for name in names)
