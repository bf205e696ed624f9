"""``python -m benchmarks``: how long the things take that docs make claims about. Prints a table; asserts nothing.

Wall seconds of whole commands, each run ``--runs`` times; the median counts, as machines are noisy.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

HERE = Path(__file__).parent
TESTBED = [sys.executable, "-m", "testbed"]
CASES: dict[str, tuple[list[str], float]] = {
    # name: (arguments, most seconds that the project allows itself)
    "--help": (["--help"], 0.4),
    "plan of the reference": (["plan", "topologies/hybrid.py"], 0.4),
    "fail-over demo, 90 virtual s": (["run", "scenarios/failover.py"], 15),
    "idle virtual hour": (["run", str(HERE / "idle.py")], 20),
    "100 hosts up": (["run", str(HERE / "scale.py"), "--set", "hosts=100"], 3),
    "1,000 hosts up": (["run", str(HERE / "scale.py"), "--set", "hosts=1000"], 15),
    "4,000 hosts up": (["run", str(HERE / "scale.py"), "--set", "hosts=4000"], 90),
}
STRETCHED = ["run", str(HERE / "idle.py"), "--set", "topology=topologies/stretched_cluster.py", "--set", "workers=2"]
CLUSTER_CASES: dict[str, tuple[list[str], float]] = {
    # Only when asked for: without an image for nodes and a kept cluster, the first run makes both.
    "cluster of 4 nodes up, kept": ([*STRETCHED, "--set", "for=1s"], 45),
    "cluster of 4 nodes up, and 121 idle virtual s": ([*STRETCHED, "--set", "for=121s"], 85),
}


def main() -> None:
    """Run the cases that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    named = {**CASES, **CLUSTER_CASES}
    parser.add_argument("case", nargs="*", help=f"parts of names: {', '.join(named)}; none: all without a cluster")
    given = parser.parse_args()
    table = Table("case", "median s", "min s", "max s", "allowed s", "lab up after s", "exit")
    for name, (words, allowed) in (named if given.case else CASES).items():
        if given.case and not any(part in name for part in given.case):
            continue
        times, ups, code = zip(*(_once(words) for _ in range(given.runs)), strict=True)
        up = f"{statistics.median(ups):.2f}" if all(ups) else ""
        table.add_row(
            name, f"{statistics.median(times):.2f}", f"{min(times):.2f}", f"{max(times):.2f}", f"{allowed:g}", up,
            str(max(code)),
        )  # fmt: skip
    Console().print(table)


def _once(words: list[str]) -> tuple[float, float, int]:
    """(seconds for all, seconds until the lab was up, exit code) of one run."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "run")
        extra = ["--out", str(out), "--json"] if words[0] == "run" else []
        begun = time.monotonic()
        done = subprocess.run([*TESTBED, *words, *extra], capture_output=True, cwd=HERE.parent, check=False)
        took = time.monotonic() - begun
        environment = out / "environment.json"
        up = json.loads(environment.read_text()).get("up_s", 0.0) if environment.exists() else 0.0
        return took, up, done.returncode


if __name__ == "__main__":
    main()
