"""``python -m benchmarks.cost FILE``: what one run costs, and what very many would. Prints; asserts nothing.

Everything is measured here, one run after the other: CPU seconds, memory, bytes on disk and on the wire, and what the
process that hands out runs has to do for each. The rest is multiplication.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from distributed import Client
from rich.console import Console
from rich.table import Table

from testbed.boot.pool import Task
from testbed.load import TOPOLOGY, load
from testbed.parameters import parse_settings
from testbed.remote import parcel
from testbed.remote.orders import orders
from testbed.study import Played
from testbed.sweep.directory import read_judgement
from testbed.sweep.stream import Stream
from tests.remote.cluster import LIMIT_S, cluster, wait_for

POLL_S = 0.05
MANY = 300
"""Repetitions of what takes milliseconds; arbitrary."""


@dataclass(frozen=True)
class Cost:
    """Of one run. ``turn_s``: Dask's way there and back with its bytes; ``keep_s``: unpacking, adding its numbers."""

    wall_s: float
    cpu_s: float
    memory: float
    disk: float
    wire: float
    load_s: float
    turn_s: float
    keep_s: float
    kept: float
    """Bytes of memory that its judgement and its task take until the end."""


def main() -> None:
    """Measure, then multiply."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--seeds", type=int, default=3, help="runs that are measured; the median counts")
    parser.add_argument("--runs", type=int, nargs="*", default=[10_000, 1_000_000])
    parser.add_argument("--cores", type=int, default=64, help="of all workers together")
    parser.add_argument("--price", type=float, default=0.04, help="of a core for an hour; arbitrary: put your own")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="testbed-cost-") as name:
        cost = _measured(Path(name), given.file, parse_settings(given.set), given.seeds)
    one = Table("one run", "measured")
    for what, text in _one(cost):
        one.add_row(what, text)
    many = Table("many", *(f"{runs:,} runs" for runs in given.runs))
    columns = [_many(cost, runs, given.cores, given.price) for runs in given.runs]
    for what, *texts in zip(LINES, *columns, strict=True):
        many.add_row(what.format(cores=given.cores, price=given.price), *texts)
    Console(width=100).print(one, many)


def _measured(folder: Path, file: str, settings: dict[str, str], seeds: int) -> Cost:
    begun = time.process_time()
    loaded = load(file, settings)
    load_s = time.process_time() - begun
    runs = [_run(folder / f"seed-{seed}", file, settings, seed) for seed in range(1, seeds + 1)]
    wall_s, cpu_s, memory = (statistics.median(column) for column in zip(*runs, strict=True))
    done = folder / "seed-1"
    sent = parcel.pack(done)
    task = Task(
        "a run", str(loaded.path), settings, 1, str(done), "guest", "virtual", 600.0, topology=str(loaded.topology)
    )
    kept = _growth(lambda: [(read_judgement(done), orders([task], "k" * 64)[0]) for _ in range(20)]) / 20
    return Cost(
        wall_s, cpu_s, memory, sum(path.stat().st_blocks * 512 for path in done.rglob("*")), len(sent), load_s,
        _turn(folder, sent), _keep(folder, sent), kept,
    )  # fmt: skip


def _run(out: Path, file: str, settings: dict[str, str], seed: int) -> tuple[float, float, float]:
    """(wall, CPU, bytes of memory at most) of a run as a worker does it: without a report, all of its processes."""
    task = {
        "name": "", "file": file, "settings": settings, "seed": seed, "directory": str(out), "kernel": "guest",
        "clock": "virtual", "wall_limit_s": 600.0, "command": [], "why": "",
    }  # fmt: skip
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "testbed.boot.child"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
    )
    most, over = [0.0], threading.Event()
    watcher = threading.Thread(target=_watch, args=(process.pid, most, over))
    watcher.start()
    process.communicate(json.dumps(task).encode())
    over.set()
    watcher.join()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.monotonic() - begun, cpu_s, most[0]


def _watch(root: int, most: list[float], over: threading.Event) -> None:
    """The most memory that a process and all below it had together; what they share counts once."""
    while not over.wait(POLL_S):
        most[0] = max(most[0], float(sum(_memory(number) for number in _below(root))))


def _below(root: int) -> Iterator[int]:
    parents: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    found = [root]
    for number in found:
        yield number
        found += parents.get(number, [])


def _memory(number: int) -> int:
    try:
        lines = Path(f"/proc/{number}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)


def _growth(make: Callable[[], object]) -> float:
    """Bytes that what is made takes."""
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    made = make()
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    del made
    return float(grown)


def _turn(folder: Path, sent: bytes) -> float:
    """CPU seconds of this process for one call and its answer of so many bytes, through a scheduler."""
    (folder / "cluster").mkdir()
    with cluster(folder / "cluster", "one", "two") as workers:
        wait_for(lambda: workers.log("scheduler").count("Register worker") == 2, "workers did not come")
        client = Client(workers.where.replace("dask", "tcp"), timeout=LIMIT_S, set_as_default=False)
        there = [*client.nthreads()]
        begun = time.process_time()
        for number in range(MANY):
            asked = client.submit(os.urandom, len(sent), workers=[there[number % len(there)]], pure=False)
            asked.result()
        took = time.process_time() - begun
        client.close(LIMIT_S)
    return took / MANY


def _keep(folder: Path, sent: bytes) -> float:
    stream = Stream(folder)
    stream.begin()
    begun = time.process_time()
    for number in range(MANY):
        there = folder / "kept" / str(number)
        parcel.unpack(sent, there)
        stream.add({TOPOLOGY: "one"}, Played(number, read_judgement(there)))
    stream.flush()
    return (time.process_time() - begun) / MANY


def _one(cost: Cost) -> list[tuple[str, str]]:
    return [
        ("CPU, all processes", f"{cost.cpu_s:.2f} s"),
        ("wall, on this machine now", f"{cost.wall_s:.2f} s"),
        ("memory at most", f"{cost.memory / 1e6:.0f} MB"),
        ("on disk", f"{cost.disk / 1e3:.0f} kB"),
        ("on the wire", f"{cost.wire / 1e3:.0f} kB"),
        ("loading and planning a cell", f"{cost.load_s * 1e3:.0f} ms"),
        ("handing out and receiving a run", f"{cost.turn_s * 1e3:.1f} ms"),
        ("unpacking it and its numbers", f"{cost.keep_s * 1e3:.1f} ms"),
        ("memory until the end, for each run", f"{cost.kept / 1e3:.1f} kB"),
    ]


LINES = (
    "core hours", "hours on {cores} cores", "cost at {price} a core hour", "memory of workers, {cores} cores",
    "transfer", "disk", "hours of the process that hands out, at least", "cores that it can keep busy", "its memory",
)  # fmt: skip


def _many(cost: Cost, runs: int, cores: int, price: float) -> list[str]:
    hours, apiece = runs * cost.cpu_s / 3600, cost.turn_s + cost.keep_s
    return [
        f"{hours:,.0f}", f"{hours / cores:,.1f}", f"{hours * price:,.2f}", f"{cores * cost.memory / 1e9:,.0f} GB",
        f"{runs * cost.wire / 1e9:,.1f} GB", f"{runs * cost.disk / 1e9:,.1f} GB", f"{runs * apiece / 3600:,.1f}",
        f"{cost.cpu_s / apiece:,.0f}", f"{runs * cost.kept / 1e9:,.2f} GB",
    ]  # fmt: skip


if __name__ == "__main__":
    main()
