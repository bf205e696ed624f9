"""``python -m benchmarks.workers``: a sweep on four workers of which two are killed at random, beside a sequential one.

Prints what happened and whether all bytes that have to be the same are; exit code 1 where they are not. Workers are on
this machine, each with a home and a folder of its own; 500 cells take half an hour on two cores.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

from tests.remote.cluster import Cluster, Sweep, cluster, record, wait_for

CELLS = Path(__file__).parents[1] / "tests" / "remote" / "cheap.py"
NAMES = ("north", "east", "south", "west")


def main() -> None:
    """Both sweeps, and what differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, default=500)
    parser.add_argument("--kill", type=int, default=2)
    parser.add_argument("--chance", type=int, default=6, help="decides which workers are killed, and when")
    parser.add_argument("--sequential", type=Path, help="a sequential sweep that is there already, of as many cells")
    given = parser.parse_args()
    asked = ("--set", f"number={','.join(map(str, range(1, given.cells + 1)))}", "--seeds", "1", "--yes")
    with tempfile.TemporaryDirectory(prefix="testbed-workers-") as name:
        folder = Path(name)
        far = _far(folder, asked, given.cells, given.kill, random.Random(given.chance))
        here = given.sequential or _timed(Sweep(folder / "here", *asked, "--jobs", "1", scenario=CELLS), "one CPU here")
        one, other = record(here), record(far)
        differ = sorted(path for path in one.keys() | other.keys() if one.get(path) != other.get(path))
        print(f"{len(one)} files, {sum(map(len, one.values())):,} bytes; {len(differ)} differ {differ[:3]}")
        sys.exit(bool(differ))


def _far(folder: Path, asked: tuple[str, ...], cells: int, kill: int, chance: random.Random) -> Path:
    (folder / "cluster").mkdir()
    with cluster(folder / "cluster", *NAMES) as workers:
        wait_for(lambda: workers.log("scheduler").count("Register worker") == len(NAMES), "workers did not come")
        sweep = Sweep(folder / "far", *asked, "--on", workers.where, scenario=CELLS)
        doomed = chance.sample(NAMES, kill)
        for name, done in zip(doomed, sorted(chance.sample(range(1, cells), kill)), strict=True):
            _kill_after(sweep, workers, name, done, cells)
        return _timed(sweep, f"{len(NAMES)} workers, {kill} killed")


def _kill_after(sweep: Sweep, workers: Cluster, name: str, done: int, cells: int) -> None:
    """Kill a worker when so many runs are done."""
    while f"{done} of {cells} runs done" not in sweep.said and sweep.process.poll() is None:
        time.sleep(0.2)
    workers.kill(name)
    print(f"killed {name} after {done} runs", flush=True)


def _timed(sweep: Sweep, words: str) -> Path:
    """Wait for its end, however long that takes."""
    code = sweep.process.wait()
    lost = [line for line in sweep.said.splitlines() if "has gone" in line]
    print(f"{words}: exit {code}; {sweep.said.splitlines()[-1]}", *lost, sep="\n", flush=True)
    return sweep.out


if __name__ == "__main__":
    main()
