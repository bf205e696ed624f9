"""Claims about control groups that need none: what the kernel says of a process is read in either version's form."""

from __future__ import annotations

from pathlib import Path

from testbed.kubernetes.cgroups import groups_of
from testbed.kubernetes.cgroups_v1 import trees

BOTH = "5:name=systemd:/init.scope\n4:cpu,cpuacct:/docker/x\n1:memory:/docker/x\n0::/docker/x\n"


def test_trees_of_the_first_version_are_told_by_their_controllers() -> None:
    assert trees(BOTH) == ["name=systemd", "cpu,cpuacct", "memory"]
    assert trees("0::/\n") == []


def test_a_process_is_where_each_version_has_it(tmp_path: Path) -> None:
    for name in ("systemd", "cpu,cpuacct", "unified"):  # nobody has mounted that of memory
        (tmp_path / name).mkdir()
    assert [str(group.relative_to(tmp_path)) for group in groups_of(BOTH, tmp_path)] == [
        "systemd/init.scope", "cpu,cpuacct/docker/x", "unified/docker/x",
    ]  # fmt: skip
    (tmp_path / "cgroup.controllers").touch()
    assert [*groups_of("0::/init.scope\n", tmp_path)] == [tmp_path / "init.scope"]
