"""What storage a topology has, as frozen values: shares and volumes. Nothing here touches anything.

Made by :class:`testbed.builder.Topology`, checked by :mod:`testbed.plan.validate_stores`, brought up by
:mod:`testbed.daemons.stores`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from testbed.units import Duration, Size

ShareKind = Literal["nfs", "efs"]
NfsVersion = Literal["4.1", "4.2"]
WhenLost = Literal["hard", "soft", "softerr"]

IO_SIZE_MAX = Size(2**20)
"""Most that one READ or WRITE may carry. Source: nfs(5), rsize and wsize."""


@dataclass(frozen=True, kw_only=True)
class Share:
    """A directory of ``server`` that ``client`` mounts over NFS: the kernel's own client and server.

    Attributes:
        kind: ``efs`` is mounted as AWS tells to mount EFS: version 4.1, ``noresvport``, no ``nconnect``.
        lost: what a call does when the server does not answer: wait for ever (``hard``), or fail with EIO (``soft``)
            or ETIMEDOUT (``softerr``).
        timeo, retrans: nfs(5): when a request counts as unanswered, and after how many more of these the call fails.
        rsize, wsize: most bytes that one READ or WRITE carries.
        nconnect: TCP connections.
        sync: each write(2) waits for the server (mount option ``sync``).
        commits: the server has written before it says so (export option ``sync``).
        size: room on the server, which keeps it in memory unless it is
        on: a volume of the server, which has an ext4 file system then.
        others: further hosts that may mount it themselves, as nodes of a cluster do for their pods.
    """

    name: str
    client: str
    server: str
    kind: ShareKind = "nfs"
    version: NfsVersion = "4.2"
    lost: WhenLost = "hard"
    timeo: Duration = Duration(60 * 10**9)
    retrans: int = 2
    rsize: Size = IO_SIZE_MAX
    wsize: Size = IO_SIZE_MAX
    nconnect: int = 1
    sync: bool = False
    commits: bool = True
    size: Size = Size(256 * 2**20)
    on: str = ""
    others: tuple[str, ...] = ()

    def options(self) -> str:
        """The mount's options, but for addresses: nfs(5)."""
        tenths = self.timeo // 10**8
        words = [f"vers={self.version}", "proto=tcp", self.lost, f"timeo={tenths}", f"retrans={self.retrans}"]
        words += [f"rsize={int(self.rsize)}", f"wsize={int(self.wsize)}"]
        words += [f"nconnect={self.nconnect}"] if self.nconnect > 1 else []
        words += ["noresvport"] if self.kind == "efs" else []
        words += ["sync"] if self.sync else []
        return ",".join(words)


VolumeKind = Literal["gp3", "io2", "st1", "nbd"]


@dataclass(frozen=True, kw_only=True)
class Volume:
    """A block device of ``host``.

    Attributes:
        kind: a class of block storage, which limits and delays it (:mod:`testbed.theory.volumes`), or ``nbd``: a
            volume that ``server`` has in memory and serves across the network.
        size: of the device; it takes memory as it is written to.
        iops: as provisioned; ``None``: the class's own.
        credits: of a class that bursts, bytes left at the start; ``None``: all it can have.
    """

    name: str
    host: str
    kind: VolumeKind
    server: str = ""
    size: Size = Size(2**30)
    iops: int | None = None
    credits: Size | None = None
