"""Clusters that are ready, kept as the disk of Docker's data: made once, and each run starts from a copy of its own.

What a disk holds depends on the image, on what kind and the cluster are told, addresses and all, and on the code that
does it; not on delays, losses and faults of the network between the nodes. So one disk serves a whole study.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from testbed.boot import disks, kept
from testbed.boot.disks import Disk
from testbed.boot.kept import PREFIX
from testbed.cluster.chosen import chosen
from testbed.cluster.engine_tree import BESIDE
from testbed.cluster.image import NodeImage
from testbed.errors import MachineError, Problem
from testbed.job import Clock, Job, Kernel
from testbed.kernel import cache
from testbed.kernel.programs import find_program
from testbed.kubernetes.disk import IMAGE
from testbed.kubernetes.rights import left_out
from testbed.plan.plan import Plan

Tell = Callable[[str], None]
Make = Callable[[Job], str]
"""Does a job, and says what kept it from its end; empty: nothing."""

MKFS = "mkfs.ext4"
DISK_PER_NODE = 1 << 32
"""A sparse file: what nodes may write, not what they take; arbitrary."""
DISK_NEEDED, DISK_NEEDED_PER_NODE = 4 << 30, 3 << 29
"""A cluster of three nodes was seen to take 5.2 GiB, and two clusters of two nodes each 6.4 GiB: 1.2 GiB a node and 1.6
besides; with room for the image's layers while they are unpacked."""
CODE = Path(__file__).parent.parent / "kubernetes"
MAKES = ("making.py", "creating.py", "engine.py", "joining.py", "programs/runtime.py")
"""The code that a kept cluster depends on, besides that which writes what it is told."""


class States:
    """The kept clusters of one user."""

    def __init__(self, image: NodeImage) -> None:
        self._image = image

    def engine(self, tell: Tell) -> Path:
        """The folder with Docker and kind; built first where it is neither built nor pulled."""
        self._image.ready(tell)
        found = self._image.engine()
        assert found is not None
        return found

    def key(self, plan: Plan, engine: Path, kernel: Kernel = "guest") -> str:
        """Names the state of a plan's clusters: after the image, what kind and the cluster are told, and our code.

        What the host's ``kernel`` made has a name of its own: it is from later than runs in virtual time.
        """
        from testbed.kubernetes import making  # late: it takes long to load, and few labs have clusters

        told = engine / BESIDE
        parts = [engine.parent.name, *((CODE / name).read_text(encoding="utf-8") for name in MAKES)]
        for cluster in plan.clusters:
            config = making.config(cluster, Path(), Path(), told, restricted=kernel == "host" and bool(left_out()))
            parts += [config, making.network(cluster, told)]
        if kernel == "host":
            parts.append(kernel)
        return hashlib.blake2b("\0".join(parts).encode(), digest_size=8).hexdigest()

    def kept(self, plan: Plan, engine: Path, kernel: Kernel = "guest") -> Path | None:
        """The disk of a plan's clusters, if it was kept. On the host's kernel they start from either's.

        Not from a guest's, though, where root has not all rights: its nodes count on them.
        """
        makers: tuple[Kernel, ...] = ("guest",)
        if kernel == "host":
            makers = ("host",) if left_out() else ("guest", "host")
        disks = (self._image.cache / f"{PREFIX}{self.key(plan, engine, maker)}" / IMAGE for maker in makers)
        return next((disk for disk in disks if disk.is_file()), None)

    def make(self, plan: Plan, job: Job, engine: Path, tell: Tell, run: Make) -> Path:
        """Make the clusters of a plan and keep them. ``run``: boots a kernel for a job.

        Raises:
            MachineError: they did not become ready; the logs lie where the hint says.
        """
        needed = DISK_NEEDED + DISK_NEEDED_PER_NODE * len(plan.cluster_nodes)
        if problems := cache.room("clusters", self._image.cache, needed):
            raise MachineError(problems)
        with cache.alone(self._image.cache, "clusters", tell):
            if found := self.kept(plan, engine, job.kernel):
                return found
            tell("making the clusters once; the next run starts from what is kept")
            with cache.scratch(self._image.cache) as scratch:
                return self._make_in(scratch, plan, job, engine, run)

    def _make_in(self, scratch: Path, plan: Plan, job: Job, engine: Path, run: Make) -> Path:
        record = scratch / "record"
        (record / "samples").mkdir(parents=True)
        # Of four nodes at least, whose disk the image is unpacked on, too.
        _empty_disk(scratch / IMAGE, DISK_PER_NODE * max(4, len(plan.cluster_nodes)))
        # In a guest on the virtual clock, whoever asks: what is kept must not be from later than what starts from it.
        clock: Clock = "real" if job.kernel == "host" else "virtual"
        making = replace(
            job, record=str(record), engine=str(engine), disk=str(scratch), state="made", clock=clock, keep_up=False
        )
        if problem := run(making):
            logs = self._image.cache / "failed"
            shutil.rmtree(logs, ignore_errors=True)
            record.rename(logs)
            raise MachineError(Problem("clusters", f"did not become ready: {problem}", f"their logs: {logs}"))
        kept.describe(plan, job.file, scratch)
        target = self._image.cache / f"{PREFIX}{self.key(plan, engine, job.kernel)}"
        shutil.rmtree(target, ignore_errors=True)
        scratch.rename(target)
        return target / IMAGE

    def copy(self, disk: Path) -> Disk:
        """A copy of a disk, of the caller's own, who removes it."""
        kept.use(disk)
        return disks.copy(disk, self._image.cache)


def with_own_disk(job: Job, plan: Plan, make: Make, tell: Tell) -> tuple[Job, Disk | None]:
    """A job with a disk on which the plan's clusters are kept; they are made first if they never were.

    The disk is the caller's own. Without clusters there is none, and the job is as it was.
    """
    if not plan.clusters:
        return job, None
    states = States(chosen())
    engine = states.engine(tell)
    ready = states.kept(plan, engine, job.kernel) or states.make(plan, job, engine, tell, make)
    tell("copying the disk of the clusters")
    disk = states.copy(ready)
    return replace(job, engine=str(engine), disk=str(disk.folder), state="kept"), disk


@contextlib.contextmanager
def with_clusters(job: Job, plan: Plan, make: Make, tell: Tell) -> Iterator[Job]:
    """The same for a job that is done in this block: afterwards its disk is gone."""
    ready, disk = with_own_disk(job, plan, make, tell)
    try:
        yield ready
    finally:
        if disk is not None:
            disk.remove()


def _empty_disk(path: Path, size: int) -> None:
    with path.open("wb") as disk:
        os.truncate(disk.fileno(), size)
    # Without a journal: a run that ends in the middle throws its disk away.
    program = find_program(MKFS, os.environ)
    assert program is not None, "a run that lacks it has been refused"
    argv = [str(program), "-q", "-F", "-O", "^has_journal", "-E", "lazy_itable_init=1,nodiscard", str(path)]
    subprocess.run(argv, check=True, capture_output=True)
