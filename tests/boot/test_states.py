"""Claims about kept clusters that need no guest: whose disk is whose, and that nothing is left."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from testbed.boot import disks
from testbed.boot.states import States
from testbed.cluster.build import ImageBuild
from testbed.cluster.engine_tree import BESIDE
from testbed.cluster.recipe import Recipe
from testbed.errors import MachineError
from testbed.job import Job
from testbed.kubernetes import making
from testbed.kubernetes.calico import CalicoNetwork
from testbed.kubernetes.disk import IMAGE
from tests.kubernetes.test_calico import ORIGINAL
from tests.plan.shipped import plan_of

LONG_AGO = 1_000_000_000
JOB = Job(file="x.py", settings={}, lab="lab", record="", seed=1, kernel="guest", clock="virtual", plan_digest="")


@pytest.fixture(autouse=True)
def room(monkeypatch: pytest.MonkeyPatch) -> None:
    """What these make is empty: how full this machine's disk is decides nothing."""
    for name in ("DISK_NEEDED", "DISK_NEEDED_PER_NODE"):
        monkeypatch.setattr(f"testbed.boot.states.{name}", 1)


@pytest.fixture
def states(tmp_path: Path) -> States:
    return States(ImageBuild(env={"XDG_CACHE_HOME": str(tmp_path)}, recipe=Recipe.shipped()))


@pytest.fixture
def folder(states: States) -> Path:
    folder = states._image.cache
    for image in ("image", "other"):
        told = folder / image / "engine" / BESIDE
        told.mkdir(parents=True)
        (told / making.IMAGE).write_text("node:1\n")
        (told / CalicoNetwork.original).write_text(ORIGINAL)
    return folder


def made(states: States, folder: Path, problem: str = "") -> Path:
    """A state, made by a job that does nothing but say how it ended."""
    return states.make(plan_of("stretched_cluster.py"), JOB, folder / "image" / "engine", lambda text: None,
                       lambda job: problem)  # fmt: skip


def test_what_was_made_is_found_again_and_no_scratch_is_left(states: States, folder: Path) -> None:
    kept = made(states, folder)
    assert states.kept(plan_of("stretched_cluster.py"), folder / "image" / "engine") == kept
    assert [path.name for path in folder.iterdir() if path.name.startswith("scratch")] == []


def test_what_failed_is_not_kept_and_its_logs_are(states: States, folder: Path) -> None:
    with pytest.raises(MachineError, match="did not become ready: kind failed"):
        made(states, folder, "kind failed")
    assert sorted(path.name for path in folder.iterdir()) == ["failed", "image", "lock", "other"]


def test_another_cluster_is_another_state_and_another_delay_is_not(states: States, folder: Path) -> None:
    engine = folder / "image" / "engine"
    plan = plan_of("stretched_cluster.py")
    (cluster,) = plan.clusters
    narrower = replace(plan, clusters=(replace(cluster, mtu=1280),))
    assert states.key(narrower, engine) != states.key(plan, engine)
    assert states.key(replace(plan, links=()), engine) == states.key(plan, engine)
    before = states.key(plan, engine)
    assert states.key(replace(plan, clusters=(cluster, replace(cluster, name="more"))), engine) != before
    assert states.key(plan, folder / "other" / "engine") != before
    (engine / BESIDE / making.IMAGE).write_text("node:2\n")
    assert states.key(plan, engine) != before


def test_clusters_are_made_on_the_virtual_clock_whoever_asks(states: States, folder: Path) -> None:
    asked: list[tuple[str, bool, str]] = []

    def make(making: Job) -> str:
        asked.append((making.clock, making.keep_up, making.state))
        return ""

    job = replace(JOB, clock="real", keep_up=True)
    states.make(plan_of("stretched_cluster.py"), job, folder / "image" / "engine", lambda text: None, make)
    assert asked == [("virtual", False, "made")]


def test_a_disk_is_as_large_as_all_nodes_of_all_clusters_need(states: States, folder: Path) -> None:
    def size(**workers: str) -> int:
        plan = plan_of("two_clusters.py", **workers)
        return states.make(plan, JOB, folder / "image" / "engine", lambda text: None, lambda job: "").stat().st_size

    assert (size(), size(workers="3")) == (16 << 30, 32 << 30)


@pytest.mark.parametrize("left_out", [(), ("CAP_SYS_RESOURCE",)], ids=["all rights", "not all"])
def test_what_the_hosts_kernel_made_in_real_time_serves_no_guest(
    states: States, folder: Path, monkeypatch: pytest.MonkeyPatch, left_out: tuple[str, ...]
) -> None:
    """Runs in virtual time begin at a date of the past, and certificates would not be valid yet.

    The other way round it serves where root has all the rights that a guest's nodes count on.
    """
    monkeypatch.setattr("testbed.boot.states.left_out", lambda: left_out)
    plan, engine = plan_of("stretched_cluster.py"), folder / "image" / "engine"
    clocks: list[str] = []

    def make(making: Job) -> str:
        clocks.append(making.clock)
        return ""

    on_host = states.make(plan, replace(JOB, kernel="host", clock="real"), engine, lambda text: None, make)
    assert clocks == ["real"]
    assert states.kept(plan, engine) is None
    assert states.kept(plan, engine, "host") == on_host
    in_guest = made(states, folder)
    assert states.kept(plan, engine) == in_guest != on_host
    assert states.kept(plan, engine, "host") == (on_host if left_out else in_guest)


def test_a_copy_is_its_owners_alone_and_gone_when_that_is_wanted(states: States, folder: Path) -> None:
    kept = made(states, folder)
    one, two = states.copy(kept), states.copy(kept)
    (one.folder / IMAGE).write_bytes(b"mine")
    assert (two.folder / IMAGE).stat().st_size == kept.stat().st_size
    for each in (one, two):
        os.utime(each.folder, (LONG_AGO, LONG_AGO))
    assert list(disks.stale(folder)) == []
    for each in (one, two):
        each.remove()
    assert list(folder.glob("disk-*")) == []


def test_a_copy_that_fails_leaves_nothing(states: States, folder: Path) -> None:
    with pytest.raises(MachineError, match="no copy of the clusters' disk"):
        states.copy(folder / "nowhere")
    assert list(folder.glob("disk-*")) == []


def test_whoever_inherits_the_lock_holds_the_copy(states: States, folder: Path) -> None:
    disk = states.copy(made(states, folder))
    with subprocess.Popen(["sleep", "60"], pass_fds=(disk.held,)) as heir:
        disk.let_go()
        os.utime(disk.folder, (LONG_AGO, LONG_AGO))
        assert list(disks.stale(folder)) == []
        heir.kill()
    assert list(disks.stale(folder)) == [disk.folder]


def test_a_copy_that_nobody_holds_is_left_behind(folder: Path) -> None:
    left = folder / "disk-killed"
    left.mkdir()
    os.utime(left, (LONG_AGO, LONG_AGO))
    assert list(disks.stale(folder)) == [left]
