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
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from testbed.boot import private
from testbed.cluster.build import ImageBuild
from testbed.cluster.engine_tree import BESIDE
from testbed.errors import MachineError, Problem
from testbed.job import Job
from testbed.kernel import cache
from testbed.kernel.programs import find_program
from testbed.kubernetes.disk import IMAGE
from testbed.plan.plan import Plan

Tell = Callable[[str], None]
Make = Callable[[Job], str]
"""Does a job, and says what kept it from its end; empty: nothing."""

MKFS = "mkfs.ext4"
PREFIX, DISKS = "state-", "disk-"
YOUNG_S = 10.0
"""A copy may be this young and not yet locked; arbitrary."""
DISK_BYTES = 1 << 34
"""A sparse file: what nodes may write, not what they take; arbitrary."""
DISK_NEEDED = 8 << 30
"""4.7 GB were taken by three nodes; with room for the image's layers while they are unpacked."""
COPY_LIMIT_S = 300.0
"""Arbitrary: some GB on a slow disk."""
CODE = Path(__file__).parent.parent / "kubernetes"
MAKES = ("making.py", "creating.py", "engine.py", "joining.py", "programs/runtime.py")
"""The code that a kept cluster depends on, besides that which writes what it is told."""


class States:
    """The kept clusters of one user."""

    def __init__(self, image: ImageBuild) -> None:
        self._image = image

    def engine(self, tell: Tell) -> Path:
        """The folder with Docker and kind; built first where it is not there yet."""
        self._image.build(tell)
        found = self._image.engine()
        assert found is not None
        return found

    def key(self, plan: Plan, engine: Path) -> str:
        """Names the state of a plan's clusters: after the image, what kind and the cluster are told, and our code."""
        from testbed.kubernetes import making  # late: it takes long to load, and few labs have clusters

        told = engine / BESIDE
        parts = [engine.parent.name, *((CODE / name).read_text(encoding="utf-8") for name in MAKES)]
        for cluster in plan.clusters:
            parts += [making.config(cluster, Path(), told), making.network(cluster, told)]
        return hashlib.blake2b("\0".join(parts).encode(), digest_size=8).hexdigest()

    def kept(self, plan: Plan, engine: Path) -> Path | None:
        """The disk of a plan's clusters, if it was kept."""
        found = self._image.cache / f"{PREFIX}{self.key(plan, engine)}" / IMAGE
        return found if found.is_file() else None

    def make(self, plan: Plan, job: Job, engine: Path, tell: Tell, run: Make) -> Path:
        """Make the clusters of a plan and keep them. ``run``: boots a kernel for a job.

        Raises:
            MachineError: they did not become ready; the logs lie where the hint says.
        """
        if problems := cache.room("clusters", self._image.cache, DISK_NEEDED):
            raise MachineError(problems)
        with cache.alone(self._image.cache, "clusters", tell):
            if found := self.kept(plan, engine):
                return found
            tell("making the clusters once; the next run starts from what is kept")
            scratch = Path(tempfile.mkdtemp(prefix=cache.SCRATCH_PREFIX, dir=self._image.cache))
            try:
                return self._make_in(scratch, plan, job, engine, run)
            finally:
                shutil.rmtree(scratch, ignore_errors=True)

    def _make_in(self, scratch: Path, plan: Plan, job: Job, engine: Path, run: Make) -> Path:
        record = scratch / "record"
        (record / "samples").mkdir(parents=True)
        _empty_disk(scratch / IMAGE)
        making = replace(job, record=str(record), engine=str(engine), disk=str(scratch), state="made")
        if problem := run(making):
            logs = self._image.cache / "failed"
            shutil.rmtree(logs, ignore_errors=True)
            record.rename(logs)
            raise MachineError(Problem("clusters", f"did not become ready: {problem}", f"their logs: {logs}"))
        target = self._image.cache / f"{PREFIX}{self.key(plan, engine)}"
        shutil.rmtree(target, ignore_errors=True)
        scratch.rename(target)
        return target / IMAGE

    @contextlib.contextmanager
    def copied(self, kept: Path) -> Iterator[Path]:
        """A run's own copy of a disk, in a folder that is gone afterwards; holes stay holes."""
        for left_behind in stale_disks(self._image.cache):
            shutil.rmtree(left_behind, ignore_errors=True)
        folder = Path(tempfile.mkdtemp(prefix=DISKS, dir=self._image.cache))
        held = private.lock(folder)
        try:
            argv = ["cp", "--sparse=always", "--reflink=auto", str(kept), str(folder)]
            done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=COPY_LIMIT_S)
            if done.returncode:
                what = f"no copy of the clusters' disk: {done.stderr.strip()}"
                raise MachineError(Problem(str(folder), what, "make room"))
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            os.close(held)


def stale_disks(folder: Path) -> Iterator[Path]:
    """Copies that a run left behind when it was killed: nobody holds their locks."""
    for path in sorted(folder.glob(f"{DISKS}*")):
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > YOUNG_S and not private.in_use(path):
                yield path


@contextlib.contextmanager
def with_clusters(job: Job, plan: Plan, make: Make, tell: Tell) -> Iterator[Job]:
    """A job with a disk of its own, on which the plan's clusters are kept; they are made first if they never were.

    Without clusters it is the job itself.
    """
    if not plan.clusters:
        yield job
        return
    states = States(ImageBuild())
    engine = states.engine(tell)
    kept = states.kept(plan, engine) or states.make(plan, job, engine, tell, make)
    with states.copied(kept) as disk:
        yield replace(job, engine=str(engine), disk=str(disk), state="kept")


def _empty_disk(path: Path) -> None:
    with path.open("wb") as disk:
        os.truncate(disk.fileno(), DISK_BYTES)
    # Without a journal: a run that ends in the middle throws its disk away.
    program = find_program(MKFS, os.environ)
    assert program is not None, "a run that lacks it has been refused"
    argv = [str(program), "-q", "-F", "-O", "^has_journal", "-E", "lazy_itable_init=1,nodiscard", str(path)]
    subprocess.run(argv, check=True, capture_output=True)
