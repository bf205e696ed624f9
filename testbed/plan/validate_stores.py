"""What can be wrong with shares and volumes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from testbed.errors import Problem, known
from testbed.model import Model
from testbed.stores import IO_SIZE_MAX, Share, Volume
from testbed.theory.volumes import CLASSES
from testbed.units import Duration, Size

PAGE = Size(4096)
TENTH = Duration(10**8)
"""timeo counts tenths of a second. Source: nfs(5)."""
TIMEO_MAX = Duration(600 * 10**9)
"""The kernel's own, ``NFS_MAX_TCP_TIMEOUT``. Source: Linux include/linux/nfs_fs.h."""
NCONNECT_MAX, RETRANS_MAX = 16, 100
"""``NFS_MAX_CONNECTIONS`` of Linux, nfs(5); the other is arbitrary."""
VOLUMES_MAX = 16
"""``nbds_max`` of the kernel. Source: Linux drivers/block/nbd.c."""
VOLUME_MIN, VOLUME_MAX = Size(16 * 2**20), Size(16 * 2**40)
"""A file system has to fit; the largest gp3 and st1 there are (AWS EC2 user guide, 2023 copy)."""
IOPS_MIN = 100
"""Arbitrary; io2's own."""
SIZE_MIN, SIZE_MAX = Size(2**20), Size(4 * 2**30)
"""Arbitrary: room for one file; memory of the machine."""


def shares(model: Model) -> Iterator[Problem]:
    """Every problem of the shares."""
    hosts = [host.name for host in model.hosts]
    for share in model.shares:
        where = f"share {share.name}"
        for role, name in (("client", share.client), ("server", share.server)):
            if name not in hosts:
                yield Problem(where, f"its {role} {name!r} is no host", known(name, hosts))
        for name in share.others:
            if name not in hosts:
                yield Problem(where, f"{name!r}, who may mount it, is no host", known(name, hosts))
        if share.client == share.server:
            yield Problem(where, f"{share.client} would mount from itself", "a client and a server are two hosts")
        yield from _numbers(where, share)
        yield from _efs(where, share)
        there = [volume.name for volume in model.volumes if volume.host == share.server]
        if share.on and share.on not in there:
            yield Problem(where, f"{share.server} has no volume {share.on!r}", known(share.on, there))
    for volume, count in Counter(share.on for share in model.shares if share.on).items():
        if count > 1:
            yield Problem(f"volume {volume}", f"{count} shares are on it", "give each a volume of its own")
    names = [share.name for share in model.shares] + [volume.name for volume in model.volumes]
    for name, count in Counter(names).items():
        if count > 1:
            yield Problem(f"store {name}", f"{count} of them have this name", "give each its own name")


def volumes(model: Model) -> Iterator[Problem]:
    """Every problem of the volumes."""
    hosts = [host.name for host in model.hosts]
    if len(model.volumes) > VOLUMES_MAX:
        yield Problem(
            "volumes", f"{len(model.volumes)} are too many", f"at most {VOLUMES_MAX}: the kernel's nbd devices"
        )
    for volume in model.volumes:
        where = f"volume {volume.name}"
        ends = [("host", volume.host)] + ([("server", volume.server)] if volume.kind == "nbd" else [])
        for role, name in ends:
            if name not in hosts:
                yield Problem(where, f"its {role} {name!r} is no host", known(name, hosts))
        if volume.kind == "nbd" and volume.host == volume.server:
            yield Problem(where, "it would not cross the network", "a host and a server are two hosts")
        yield from _class(where, volume)


def _class(where: str, volume: Volume) -> Iterator[Problem]:
    if volume.size % PAGE or not VOLUME_MIN <= volume.size <= VOLUME_MAX:
        hint = f"a multiple of {PAGE}, {VOLUME_MIN} to {VOLUME_MAX}"
        yield Problem(where, f"a size of {volume.size} cannot be had", hint)
    kind = CLASSES.get(volume.kind)
    if volume.iops is not None and (kind is None or not IOPS_MIN <= volume.iops <= kind.iops_max):
        hint = f"between {IOPS_MIN} and {kind.iops_max}" if kind else "leave them out"
        yield Problem(where, f"a {volume.kind} has no {volume.iops} IOPS", hint)
    if volume.credits is not None and (kind is None or not kind.burst_s):
        yield Problem(where, f"a {volume.kind} has no credits", "leave them out")


def _numbers(where: str, share: Share) -> Iterator[Problem]:
    if share.timeo % TENTH or not TENTH <= share.timeo <= TIMEO_MAX:
        yield Problem(where, f"timeo {share.timeo} cannot be used", f"tenths of a second, {TENTH} to {TIMEO_MAX}")
    if not 0 <= share.retrans <= RETRANS_MAX:
        yield Problem(where, f"retrans {share.retrans} cannot be used", f"between 0 and {RETRANS_MAX}")
    for name, value in (("rsize", share.rsize), ("wsize", share.wsize)):
        if value % PAGE or not PAGE <= value <= IO_SIZE_MAX:
            yield Problem(where, f"{name} {value} cannot be used", f"a multiple of {PAGE}, at most {IO_SIZE_MAX}")
    if not 1 <= share.nconnect <= NCONNECT_MAX:
        yield Problem(where, f"nconnect {share.nconnect} cannot be used", f"between 1 and {NCONNECT_MAX}")
    if not SIZE_MIN <= share.size <= SIZE_MAX:
        yield Problem(where, f"a size of {share.size} cannot be had", f"between {SIZE_MIN} and {SIZE_MAX}")


def _efs(where: str, share: Share) -> Iterator[Problem]:
    if share.kind != "efs":
        return
    if share.nconnect != 1:
        yield Problem(where, "EFS has no nconnect", "leave it out, or use kind nfs")
    if share.version != "4.1":
        yield Problem(where, f"EFS has no NFS {share.version}", "version 4.1")
