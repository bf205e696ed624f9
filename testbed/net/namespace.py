"""Network namespaces without names: each is a file descriptor, so nothing outlives the process that holds it."""

from __future__ import annotations

import contextlib
import ctypes
import os
from collections.abc import Iterator
from pathlib import Path

MS_BIND, MS_MOVE, MS_REC, MS_PRIVATE = 0x1000, 0x2000, 0x4000, 1 << 18
CLONE_NEWNS = 0x00020000
CLONE_NEWCGROUP = 0x02000000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000
CONTAINER = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWNET
"""All that a container has of its own."""
_LIBC = ctypes.CDLL(None, use_errno=True)


def _check(result: int, call: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{call}: {os.strerror(number)}")


def unshare(flags: int) -> None:
    """Move this thread into new namespaces. ``os.unshare`` is Python 3.12's."""
    _check(_LIBC.unshare(flags), "unshare")


def setns(fd: int, kind: int = CLONE_NEWNET) -> None:
    """Move this thread into a namespace. ``os.setns`` is Python 3.12's."""
    _check(_LIBC.setns(fd, kind), "setns")


def mount(source: str, target: str, kind: str, flags: int = 0, data: str = "") -> None:
    """Mount a file system. Raises ``OSError`` with what was tried."""
    result = _LIBC.mount(source.encode(), target.encode(), kind.encode(), ctypes.c_ulong(flags), data.encode())
    _check(result, f"mount {kind} on {target}")


def unmount(target: str) -> None:
    """Take away what was mounted last at a place. Raises ``OSError``."""
    _check(_LIBC.umount2(target.encode(), 0), f"umount {target}")


def alone() -> None:
    """What this process's mount namespace mounts from now on, no other sees, nor the other way round."""
    mount("none", "/", "none", MS_REC | MS_PRIVATE)


def pivot_into(root: str) -> None:
    """Make ``root``, a mount, the file tree of this process and its children.

    Moved to the top first: who is in a mere chroot may not make user namespaces (``create_user_ns``).
    """
    os.chdir(root)
    mount(".", "/", "none", MS_MOVE)
    os.chroot(".")
    os.chdir("/")


def open_current() -> int:
    """A descriptor of the network namespace that this thread is in."""
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)


class Namespaces:
    """The network namespaces of one lab, by node name."""

    def __init__(self) -> None:
        self.home = open_current()
        self._fds: dict[str, int] = {}

    def create(self, name: str) -> None:
        """Make a new namespace, loopback still down, and stay where we are."""
        try:
            unshare(CLONE_NEWNET)
            self._fds[name] = open_current()
        finally:
            setns(self.home)

    def adopt(self, name: str, fd: int) -> None:
        """Know a namespace that somebody else made, by its descriptor, which is ours from now on."""
        if name in self._fds:
            os.close(self._fds[name])
        self._fds[name] = fd

    def fd(self, name: str) -> int:
        """The descriptor of a namespace. Raises ``KeyError``."""
        return self._fds[name]

    def __contains__(self, name: object) -> bool:
        return name in self._fds

    def __iter__(self) -> Iterator[str]:
        return iter(self._fds)

    @contextlib.contextmanager
    def inside(self, name: str) -> Iterator[None]:
        """Run the block in a namespace. Sockets and children made there stay there."""
        setns(self._fds[name])
        try:
            yield
        finally:
            setns(self.home)

    def enter(self, name: str) -> None:
        """Move this thread into a namespace, for good."""
        setns(self._fds[name])

    def close(self) -> None:
        """Let go of all namespaces: the kernel removes what is in them."""
        for fd in self._fds.values():
            os.close(fd)
        self._fds.clear()


def read_sysctl(key: str) -> str | None:
    """A sysctl of the namespace that this thread is in; ``None``: this kernel has no such one."""
    path = Path("/proc/sys", key)
    return path.read_text(encoding="ascii").strip() if path.exists() else None


def write_sysctl(key: str, value: str) -> None:
    """Set a sysctl of the namespace that this thread is in. ``key`` is slash separated, below ``/proc/sys``."""
    Path("/proc/sys", key).write_text(value, encoding="ascii")
