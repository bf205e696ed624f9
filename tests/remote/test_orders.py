"""Claims about what workers are sent: all that a run needs and no path of this machine."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from testbed.boot.identity import key
from testbed.boot.pool import Task
from testbed.errors import InputError
from testbed.load import TOPOLOGY, load
from testbed.remote.orders import orders, placed
from testbed.remote.parcel import unpack

HERE = Path(__file__).parent


def task(scenario: Path, topology: Path, settings: dict[str, str]) -> Task:
    return Task(
        "a run", str(scenario), settings, 1, str(HERE / "out"), "guest", "virtual", 600.0, topology=str(topology)
    )


def test_orders_name_no_path_of_this_machine_and_make_the_same_run_elsewhere(tmp_path: Path) -> None:
    tasks = [
        task(HERE / "cheap.py", HERE / "one_site.py", {"number": "2"}),
        task(HERE / "cheap.py", HERE / "one_site.py", {"number": "2", TOPOLOGY: str(HERE / "one_site.py")}),
    ]
    found, sent = orders(tasks, "k")
    assert str(HERE).encode() not in pickle.dumps(found)
    unpack(sent, tmp_path / "files")
    for before, order in zip(tasks, found, strict=True):
        there = placed(order, tmp_path / "files", tmp_path / "out")
        assert key(load(there.file, there.settings)) == key(load(before.file, before.settings))
        assert Path(there.file).is_relative_to(tmp_path) and Path(there.settings[TOPOLOGY]).is_relative_to(tmp_path)


def test_a_topology_that_reads_a_file_beside_it_is_refused_before_anything_is_sent(tmp_path: Path) -> None:
    text = (HERE / "one_site.py").read_text(encoding="utf-8")
    (tmp_path / "reads.py").write_text(
        text.replace('"192.168.0.0/16"', "__import__('pathlib').Path(__file__).with_name('range').read_text()"),
        encoding="utf-8",
    )
    (tmp_path / "range").write_text("192.168.0.0/16", encoding="utf-8")
    reads = tmp_path / "reads.py"
    with pytest.raises(InputError, match="without the files beside it") as caught:
        orders([task(HERE / "cheap.py", reads, {TOPOLOGY: str(reads)})], "k")
    assert "--on local" in str(caught.value)
