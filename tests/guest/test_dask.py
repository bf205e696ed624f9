"""A sweep on several workers: the same bytes as on one CPU here, whoever is lost, and words for all that is wrong."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from testbed.boot.identity import PACKAGE
from tests.conftest import ROOT
from tests.remote.cluster import LIBRARIES, Cluster, Sweep, cluster, record, wait_for

pytestmark = pytest.mark.guest
CHEAP = ROOT / "tests" / "remote" / "cheap.py"
ASKED = ("--set", "number=1,2", "--seeds", "4")
RUNS = 8
CHANCE = random.Random(6)
"""Decides which workers are killed and when; any number does."""


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory, guest_kernel: Path) -> dict[str, bytes]:
    """The sweep on this machine, one run after the other."""
    sweep = Sweep(tmp_path_factory.mktemp("here") / "out", *ASKED, "--jobs", "1", scenario=CHEAP)
    assert sweep.ended() == 0, sweep.said
    return record(sweep.out)


@pytest.fixture
def sweep(tmp_path: Path, guest_kernel: Path) -> Iterator[Callable[..., Sweep]]:
    """Starts ``testbed sweep`` of the cheapest scenario into a folder; none of them outlives the test."""
    started: list[Sweep] = []

    def start(out: Path, *words: str, prefix: tuple[str, ...] = (), **environment: str) -> Sweep:
        started.append(Sweep(out, *words, scenario=CHEAP, prefix=prefix, **environment))
        return started[-1]

    yield start
    for each in started:
        each.close()


@pytest.fixture
def empty(tmp_path: Path, guest_kernel: Path) -> Iterator[Cluster]:
    """A scheduler that has no testbed, and no worker yet."""
    folder = tmp_path / "cluster"
    folder.mkdir()
    with cluster(folder) as found:
        yield found


def test_two_of_four_workers_are_killed_and_the_bytes_are_those_of_one_cpu(
    here: dict[str, bytes], empty: Cluster, sweep: Callable[..., Sweep], tmp_path: Path
) -> None:
    """Workers have no kernel: it is sent. Nobody's home has anything of this machine's."""
    names = ["north", "east", "south", "west"]
    for name in names:
        empty.worker(name)
    done = sweep(tmp_path / "out", *ASKED, "--on", empty.where)
    for name, ended in zip(CHANCE.sample(names, 2), sorted(CHANCE.sample(range(1, RUNS - 3), 2)), strict=True):
        done.waits_for(f"{ended} of {RUNS} runs done")
        done.waits_for(f"worker {name} (")
        empty.kill(name)
        done.waits_for(f"worker {name} (")
    assert done.ended() == 0, done.said
    assert record(done.out) == here
    assert "has gone" in done.said
    assert [*done.out.glob("cells/*/*.part")] == []


def test_a_scheduler_that_goes_away_ends_it_with_words_and_it_goes_on_here_where_it_was(
    here: dict[str, bytes], empty: Cluster, sweep: Callable[..., Sweep], tmp_path: Path
) -> None:
    empty.worker("one")
    done = sweep(tmp_path / "out", *ASKED, "--on", empty.where)
    done.waits_for(f"2 of {RUNS} runs done")
    empty.kill("scheduler")
    assert done.ended() == 4, done.said
    assert "the scheduler answers no more" in done.said
    assert f"--out {done.out}" in done.said
    there = len([*done.out.glob("cells/*/seed-*")])
    assert 2 <= there < RUNS
    again = sweep(done.out)
    assert again.ended() == 0, again.said
    assert f"0 of {RUNS - there} runs done, {there} were there" in again.said
    assert record(done.out) == here


def test_ctrl_c_ends_the_runs_of_all_workers_and_what_is_done_is_kept(
    here: dict[str, bytes], empty: Cluster, sweep: Callable[..., Sweep], tmp_path: Path
) -> None:
    for name in ("one", "two"):
        empty.worker(name)
    done = sweep(tmp_path / "out", *ASKED, "--on", empty.where)
    done.waits_for(f"2 of {RUNS} runs done")
    done.process.send_signal(signal.SIGINT)
    assert done.ended() == 130, done.said
    assert "go on with" in done.said
    wait_for(lambda: not runs_of(empty), "a run outlived the sweep")
    again = sweep(done.out, "--on", empty.where)
    assert again.ended() == 0, again.said
    assert record(done.out) == here


def runs_of(some: Cluster) -> list[Path]:
    """Folders that runs are done in."""
    return [*some.folder.glob("*/dask/**/testbed-run-*")]


def test_workers_that_are_not_the_same_are_refused_by_name_and_the_others_do_it(
    here: dict[str, bytes], empty: Cluster, sweep: Callable[..., Sweep], tmp_path: Path
) -> None:
    other = tmp_path / "other"
    shutil.copytree(PACKAGE, other / "testbed", ignore=shutil.ignore_patterns("__pycache__"))
    with (other / "testbed" / "units.py").open("a", encoding="utf-8") as file:
        file.write("# changed\n")
    newer = tmp_path / "newer" / "testbed-9.9.dist-info"
    newer.mkdir(parents=True)
    (newer / "METADATA").write_text("Metadata-Version: 2.1\nName: testbed\nVersion: 9.9\n", encoding="utf-8")
    empty.worker("changed", path=str(other))
    empty.worker("newer", path=str(newer.parent))
    empty.worker("otherwise", TESTBED_KERNEL="/bin/true")
    empty.worker("nothing", python=("-S",), path=LIBRARIES)
    wait_for(lambda: empty.log("scheduler").count("Register worker") == 4, "workers did not come")
    alone = sweep(tmp_path / "alone", *ASKED, "--on", empty.where)
    assert alone.ended() == 4, alone.said
    empty.worker("right")
    done = sweep(tmp_path / "out", *ASKED, "--on", empty.where)
    assert done.ended() == 0, done.said
    for said in (alone.said, done.said):
        assert "changed (" in said and "is of other code" in said
        assert "newer (" in said and "it has testbed 9.9" in said
        assert "otherwise (" in said and "has another guest kernel" in said
        assert "nothing (" in said and "No module named 'testbed" in said
    assert done.said.count("WARNING") == 4
    assert record(done.out) == here


def test_a_worker_whose_code_changes_meanwhile_is_refused_and_its_run_done_again(
    here: dict[str, bytes], empty: Cluster, sweep: Callable[..., Sweep], tmp_path: Path
) -> None:
    shutil.copytree(PACKAGE, tmp_path / "copy" / "testbed", ignore=shutil.ignore_patterns("__pycache__"))
    empty.worker("edited", path=str(tmp_path / "copy"))
    empty.worker("right")
    wait_for(lambda: empty.log("scheduler").count("Register worker") == 2, "workers did not come")
    done = sweep(tmp_path / "out", *ASKED, "--on", empty.where)
    done.waits_for("worker edited (")
    with (tmp_path / "copy" / "testbed" / "units.py").open("a", encoding="utf-8") as file:
        file.write("# changed\n")
    assert done.ended() == 0, done.said
    assert "edited (" in done.said and "has changed since it was asked" in done.said
    assert record(done.out) == here


def test_a_full_disk_here_is_told_and_nothing_is_lost(
    here: dict[str, bytes], empty: Cluster, sweep: Callable[..., Sweep], tmp_path: Path
) -> None:
    """The folder is on a disk of 200 kB, seen by the sweep alone, and then on a larger one."""
    empty.worker("one")
    small = tmp_path / "small"
    small.mkdir()
    kept = tmp_path / "kept"
    script = 'mount -t tmpfs -o size=200k none "$1" && shift && "$@"; code=$?; cp -r "$OUT" "$KEPT"; exit $code'
    prefix = ("unshare", "--user", "--map-root-user", "--mount", "env", f"OUT={small}/out", f"KEPT={kept}",
              "sh", "-c", script, "sh", str(small))  # fmt: skip
    done = sweep(small / "out", *ASKED, "--on", empty.where, prefix=prefix)
    assert done.ended() == 4, done.said
    assert "the disk is full" in done.said
    assert "make room" in done.said
    assert 0 < len([*kept.glob("cells/*/seed-*")]) < RUNS
    again = sweep(kept, "--on", empty.where)
    assert again.ended() == 0, again.said
    assert record(kept) == here


def test_nobody_answers(sweep: Callable[..., Sweep], tmp_path: Path) -> None:
    done = sweep(tmp_path / "out", *ASKED, "--on", "dask://127.0.0.1:9")
    assert done.ended() == 4
    assert "no scheduler answers there" in done.said
    assert not (done.out / "study.json").exists()


def certificates(folder: Path) -> dict[str, str]:
    """A key and a certificate that signs itself, for all of a cluster, and Dask's configuration that names them."""
    key, signed = folder / "key.pem", folder / "signed.pem"
    asked = ("-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=dask")
    subprocess.run(["openssl", "req", *asked, "-keyout", key, "-out", signed], check=True, capture_output=True)
    ends = ("SCHEDULER", "WORKER", "CLIENT")
    named = {f"{end}__{what}": str(path) for end in ends for what, path in (("KEY", key), ("CERT", signed))}
    named |= {"CA_FILE": str(signed)}
    return {f"DASK_DISTRIBUTED__COMM__TLS__{name}": path for name, path in named.items()}


def test_a_scheduler_with_tls_does_the_same_for_those_who_have_a_certificate(
    here: dict[str, bytes], sweep: Callable[..., Sweep], tmp_path: Path
) -> None:
    """Certificates are those of Dask's own configuration; without one nobody is asked."""
    named = certificates(tmp_path)
    required = {"DASK_DISTRIBUTED__COMM__REQUIRE_ENCRYPTION": "True"}
    folder = tmp_path / "cluster"
    folder.mkdir()
    with cluster(folder, "one", "two", **named, **required, DASK_DISTRIBUTED__SCHEDULER__PROTOCOL="tls") as workers:
        assert workers.where.startswith("dask+tls://")
        nobody = sweep(tmp_path / "nobody", *ASKED, "--on", workers.where)
        assert nobody.ended() == 4, nobody.said
        assert "names no certificates" in nobody.said
        away = named | {"DASK_DISTRIBUTED__COMM__TLS__CLIENT__CERT": str(tmp_path / "nowhere.pem")}
        lost = sweep(tmp_path / "lost", *ASKED, "--on", workers.where, **away)
        assert lost.ended() == 4, lost.said
        assert "No such file" in lost.said and "a defect" not in lost.said
        done = sweep(tmp_path / "out", *ASKED, "--on", workers.where, **named)
        assert done.ended() == 0, done.said
        assert record(done.out) == here
