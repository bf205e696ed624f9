"""NFS with the kernel's own server and client, told what to do through its own files: no mountd, no mount.nfs.

The server is one for each network namespace (``/proc/fs/nfsd`` and ``/proc/net/rpc`` are), and what it exports is kept
in memory. Who may mount what is written into its caches at once, so nothing has to be asked later. Sources: Linux
Documentation/admin-guide/nfs/nfsd-admin-interfaces.rst, fs/nfsd/export.c (``svc_export_parse``, ``expkey_parse``),
net/sunrpc/svcauth_unix.c (``ip_map_parse``).
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import socket
import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from testbed.daemons import process
from testbed.errors import Problem, RunError
from testbed.kernel.programs import ENVIRONMENT
from testbed.net.namespace import CLONE_NEWUTS, Namespaces, mount, setns, unshare
from testbed.plan.plan import Node
from testbed.stores import IO_SIZE_MAX, Share

PORT = 2049
THREADS = 8
"""Of the server: the kernel's own default. Requests of this kind of store do not wait for a disk."""
GRACE_S = 10
"""How long a server that has just started refuses new opens; the shortest that the kernel takes."""
INSECURE, ASYNC, NO_SUBTREE_CHECK, FSID, CROSSMOUNT = 0x2, 0x10, 0x400, 0x2000, 0x4000
"""Of include/uapi/linux/nfsd/export.h."""
NOBODY, FOR_EVER, DOMAIN = 65534, 2**32 - 1, "testbed"
_BACKLOG = 64
MNT_FORCE, MNT_DETACH = 1, 2


class NfsServer:
    """The kernel's NFS server on one host."""

    def __init__(
        self, server: Node, shares: Sequence[Share], clients: Sequence[str], devices: Mapping[str, Path]
    ) -> None:
        self.node = server
        self._devices = devices
        self.shares = shares
        self._clients = clients
        self._mounts: list[Path] = []
        self._control: Path | None = None

    def start(self, namespaces: Namespaces, folder: Path) -> None:
        """Make the shares and serve them.

        Raises:
            RunError: the kernel refuses a step.
        """
        control, root = folder / "nfsd", folder / "export"
        try:
            with namespaces.inside(self.node.name):
                self._mount("tmpfs", root, "size=1m,mode=755")
                for share in self.shares:
                    self._room(share, root / share.name)
                self._mount("nfsd", control)
                self._control = control
                self._serve(control)
                self._allow(root)
        except OSError as error:
            raise RunError(Problem(f"NFS server on {self.node.name}", str(error), "testbed doctor")) from error

    def _room(self, share: Share, target: Path) -> None:
        """Memory, or a new file system on a volume."""
        if not share.on:
            self._mount("tmpfs", target, f"size={int(share.size)},mode=1777")
            return
        device = str(self._devices[share.on])
        argv = [process.find("mkfs.ext4") or "mkfs.ext4", "-q", "-F", "-E", "nodiscard", device]
        made = subprocess.run(argv, capture_output=True, text=True, check=False, env=dict(ENVIRONMENT))
        if made.returncode:
            raise OSError(made.returncode, f"mkfs.ext4 on {device}: {made.stderr.strip()}")
        self._mount("ext4", target, source=device)
        target.chmod(0o1777)

    def _mount(self, kind: str, target: Path, data: str = "", source: str = "") -> None:
        target.mkdir(parents=True)
        mount(source or kind, str(target), kind, 0, data)
        self._mounts.append(target)

    def _serve(self, control: Path) -> None:
        _put(control / "versions", "-3 +4 +4.1 +4.2")
        # What the kernel would choose depends on the machine's memory.
        _put(control / "max_block_size", str(int(IO_SIZE_MAX)))
        _put(control / "nfsv4gracetime", str(GRACE_S))
        with socket.socket() as listening:  # the server keeps a reference of its own
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind((self.node.address, PORT))
            listening.listen(_BACKLOG)
            _put(control / "portlist", str(listening.fileno()))
        _put(control / "threads", str(THREADS))

    def _allow(self, root: Path) -> None:
        caches = Path("/proc/thread-self/net/rpc")
        for address in self._clients:
            _put(caches / "auth.unix.ip/channel", f"nfsd {address} {FOR_EVER} {DOMAIN}")
        exports = [(root, 0, CROSSMOUNT)]
        exports += [
            (root / share.name, number, 0 if share.commits else ASYNC)
            for number, share in enumerate(self.shares, start=1)
        ]
        for path, number, own in exports:
            flags = INSECURE | NO_SUBTREE_CHECK | FSID | own
            _put(caches / "nfsd.export/channel", f"{DOMAIN} {path} {FOR_EVER} {flags} {NOBODY} {NOBODY} {number}")
            identity = number.to_bytes(4, "little").hex()
            _put(caches / "nfsd.fh/channel", f"{DOMAIN} 1 \\x{identity} {FOR_EVER} {path}")

    def stop(self, namespaces: Namespaces) -> None:
        """End its threads, and forget the shares. May be called twice."""
        if self._control is not None:
            with contextlib.suppress(OSError), namespaces.inside(self.node.name):
                _put(self._control / "threads", "0")
            self._control = None
        for target in reversed(self._mounts):
            unmount(target)
        self._mounts.clear()


def mount_share(namespaces: Namespaces, share: Share, client: Node, server: Node, target: Path) -> None:
    """Mount a share in its client's namespace.

    The server tells clients apart by their host name, so the mount is made under the node's.

    Raises:
        RunError: it cannot be mounted.
    """
    # A mount in a network namespace of its own would give up for ever at the first ICMP unreachable, as one of a
    # container does; a machine's own does not, and that is what hosts stand for.
    data = f"{share.options()},fatal_neterrors=none,addr={server.address},clientaddr={client.address}"

    def work() -> None:
        unshare(CLONE_NEWUTS)
        setns(namespaces.fd(client.name))
        socket.sethostname(client.name)
        mount(f"{server.address}:/{share.name}", str(target), "nfs4", 0, data)

    target.mkdir(parents=True)
    try:
        with ThreadPoolExecutor(1) as alone:  # a thread of its own: it does not come back out of these namespaces
            alone.submit(work).result()
    except OSError as error:
        raise RunError(Problem(f"share {share.name}", str(error), f"mounted with {data}")) from error
    there = options(Path("/proc/self/mounts").read_text(encoding="utf-8"), str(target))
    lacking = [word for word in data.split(",") if word not in there]
    if lacking:
        what = f"asked for {','.join(lacking)} and mounted with {','.join(there)}"
        raise RunError(Problem(f"share {share.name}", what, "the kernel does not take what was asked: another value"))


def options(mounts: str, target: str) -> list[str]:
    """What ``/proc/self/mounts`` says of the last mount on a folder; empty where there is none. Pure."""
    found: list[str] = []
    for line in mounts.splitlines():
        _, where, _, words, *_ = line.split(" ")
        found = words.split(",") if where == target else found
    return found


def unmount(target: Path) -> None:
    """Take a mount away, whoever uses it and whether or not its server answers."""
    libc = ctypes.CDLL(None)
    libc.umount2(str(target).encode(), MNT_FORCE)  # ends what waits for a server
    libc.umount2(str(target).encode(), MNT_DETACH)


def _put(path: Path, line: str) -> None:
    """One write, as these files want it."""
    written = os.open(path, os.O_WRONLY)
    try:
        os.write(written, f"{line}\n".encode())
    except OSError as error:
        raise OSError(error.errno, f"{path.name}: {line!r}: {error.strerror}") from error
    finally:
        os.close(written)
