"""Claims about the files by which programs in nodes learn names; nothing is mounted here."""

from __future__ import annotations

from pathlib import Path

import pytest

from testbed.errors import RunError
from testbed.net.names import Names
from tests.plan.shipped import plan_of


def machine(folder: Path, *lacking: str, switch: str = "passwd: files\nhosts: mymachines resolve dns\n") -> Path:
    folder.mkdir()
    for name, text in (("hosts", ""), ("resolv.conf", "nameserver 192.0.2.1\n"), ("nsswitch.conf", switch)):
        if name not in lacking:
            (folder / name).write_text(text, encoding="utf-8")
    return folder


def test_each_node_asks_the_resolver_of_its_site_and_nothing_of_the_machine(tmp_path: Path) -> None:
    plan = plan_of("names.py")
    Names(plan, tmp_path / "lab", machine(tmp_path / "etc")).write()
    files = tmp_path / "lab" / "names" / "dc-1"
    assert (files / "resolv.conf").read_text().startswith(f"nameserver {plan.node('dc-dns').address}\n")
    assert (files / "nsswitch.conf").read_text() == "passwd: files\nhosts: files dns\n"
    assert "aws-a" not in (files / "hosts").read_text()


def test_a_switch_without_hosts_gets_that_line(tmp_path: Path) -> None:
    Names(plan_of("names.py"), tmp_path / "lab", machine(tmp_path / "etc", switch="passwd: files\n")).write()
    text = (tmp_path / "lab" / "names" / "vgw" / "nsswitch.conf").read_text()
    assert text == "passwd: files\nhosts: files dns\n"


def test_a_machine_without_the_files_is_told_which(tmp_path: Path) -> None:
    with pytest.raises(RunError) as caught:
        Names(plan_of("names.py"), tmp_path / "lab", machine(tmp_path / "etc", "resolv.conf")).write()
    (problem,) = caught.value.problems
    assert "resolv.conf" in problem.what and "hosts" not in problem.what.partition(":")[0] and problem.hint


def test_without_resolvers_all_nodes_are_in_one_file(tmp_path: Path) -> None:
    plan = plan_of("hybrid.py")
    Names(plan, tmp_path / "lab", tmp_path / "no-such").write()
    text = (tmp_path / "lab" / "names" / "hosts").read_text()
    assert all(node.name in text for node in plan.nodes)
