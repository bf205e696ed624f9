"""The reference designs' numbers as baselines, and the drifts that they have to catch, each alone.

python -m tests.regression.suite record      # writes the baselines beside this file anew
python -m tests.regression.suite unchanged   # 100 unchanged runs: records twenty seeds of each, and runs them again

Names of baselines after `unchanged` do these alone. Nothing may be installed meanwhile: Python packages are tools.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from testbed.baseline import file as files
from testbed.baseline.check import Checked, check
from testbed.baseline.keep import keep
from testbed.baseline.play import Wanted, play
from testbed.baseline.words import checked_lines
from testbed.boot import pool
from testbed.verdict import Verdict

HERE = Path(__file__).parent
SEEDS, SEEDS_UNCHANGED = (1, 2), 20
WALL_LIMIT_S = 300.0
SETTLED = {"probe.interval": "20 ms", "before": "5 s", "after": "5 s"}


@dataclass(frozen=True, kw_only=True)
class Guarded:
    """One baseline: what is run, what may change, and the drift that must not go unseen.

    Attributes:
        allowed: between what other versions of tools may do and what the drift does; theory says both, where it can.
        moved: the measurement that gives the drift away.
    """

    file: str
    settings: Mapping[str, str]
    allowed: Mapping[str, str]
    drift: Mapping[str, str]
    moved: str

    def wanted(self, name: str, directory: Path, *, drifted: bool = False, seeds: int | None = None) -> Wanted:
        """Its runs, as they were or with the drift."""
        settings = {**self.settings, **(self.drift if drifted else {})}
        return Wanted(
            file=self.file, settings=settings, beside=HERE, seeds=SEEDS if seeds is None else range(1, seeds + 1),
            directory=directory / f"{name}{'-drifted' if drifted else ''}", kernel="guest", clock="virtual",
        )  # fmt: skip


GUARDED: Mapping[str, Guarded] = {
    # BFD finds out within 0.64 to 0.93 s, with twice the interval within 1.27 to 1.86 s.
    "bfd": Guarded(
        file="scenarios/failover.py", settings=SETTLED, allowed={"gap": "300 ms", "*": "anything"},
        drift={"dx.bfd": "600 ms"}, moved="gap",
    ),
    # The hold timer finds out within 12 to 33 s, or within 37 to 93 s.
    "bgp-hold": Guarded(
        file="scenarios/failover.py", settings={**SETTLED, "dx.bfd": "off", "dx.hold": "30 s"},
        allowed={"detection": "15 s", "*": "anything"}, drift={"dx.hold": "90 s"}, moved="detection",
    ),
    "mss-clamp": Guarded(
        file="scenarios/connectivity.py", settings={"topology": "topologies/black_hole.py", "vpn.clamp": "yes"},
        allowed={"*": "nothing"}, drift={"vpn.clamp": "no"}, moved="attempts_that_work",
    ),
    # CUBIC gives some 22 Mbit/s at 0.1 %, and 13 at 0.3 %.
    "loss": Guarded(
        file="scenarios/throughput.py", settings={"path.loss": "0.1 %", "duration": "12 s", "warmup": "2 s"},
        allowed={"goodput": "6 Mbit/s", "*": "anything"}, drift={"path.loss": "0.3 %"}, moved="goodput",
    ),
    # Nothing of the network's, or a round trip of 10 ms.
    "nfs-async": Guarded(
        file="writes.py", settings={}, allowed={"write": "1 ms"}, drift={"share.sync": "sync"}, moved="write",
    ),
}  # fmt: skip


def place(name: str) -> Path:
    """Where a baseline is kept."""
    return HERE / f"{name}.yaml"


def checked(directory: Path, *, drifted: bool) -> dict[str, Checked]:
    """Run everything and hold it against what is kept; other versions of tools are said, and judged all the same."""
    wanted = [each.wanted(name, directory, drifted=drifted) for name, each in GUARDED.items()]
    found = play(wanted, pool.workers(), WALL_LIMIT_S, lambda text: None)
    kept = [files.read(place(name)) for name in GUARDED]
    return {
        name: check(baseline, now.recorded, judge_stale=True)
        for name, baseline, now in zip(GUARDED, kept, found, strict=True)
    }


def record() -> None:
    """Write the baselines anew."""
    with tempfile.TemporaryDirectory() as folder:
        wanted = [each.wanted(name, Path(folder)) for name, each in GUARDED.items()]
        found = play(wanted, pool.workers(), WALL_LIMIT_S, print)
    for (name, each), now in zip(GUARDED.items(), found, strict=True):
        files.write(place(name), keep(now.recorded, each.allowed, now.question))


def unchanged(names: Sequence[str]) -> int:
    """Record many seeds of each, and run them again. Returns how many of the checks did not pass."""
    chosen = {name: GUARDED[name] for name in names or GUARDED}
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        runs = [
            play(
                [each.wanted(name, Path(folder), seeds=SEEDS_UNCHANGED) for name, each in chosen.items()],
                pool.workers(), WALL_LIMIT_S, print,
            )
            for folder in (one, other)
        ]  # fmt: skip
    found = {
        name: check(keep(before.recorded, {}), now.recorded) for name, before, now in zip(chosen, *runs, strict=True)
    }
    for name, each in found.items():
        print(*checked_lines(f"{name}, {SEEDS_UNCHANGED} runs", each), sep="\n")
    return sum(each.verdict is not Verdict.PASS for each in found.values())


if __name__ == "__main__":
    if sys.argv[1:] == ["record"]:
        record()
    elif sys.argv[1:2] == ["unchanged"] and set(sys.argv[2:]) <= set(GUARDED):
        sys.exit(min(1, unchanged(sys.argv[2:])))
    else:
        sys.exit(__doc__)
