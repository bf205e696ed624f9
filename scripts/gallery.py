"""Make reports/gallery/ again: `make gallery`. It depends on the code and the seeds alone, not on the machine.

Another example is one more entry of EXAMPLES. Runs are kept in runs/gallery/COMMIT/: what is interrupted goes on.
The list says from which scenario, topologies and parameters each was made, as its runs recorded it. A test compares
that with the files as they are, so that none of them changes without the gallery; what changes in the testbed itself
is not seen.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from testbed.boot.identity import identity
from testbed.boot.runner import commit
from testbed.compare.comparison import compare
from testbed.compare.page import COMPARISON, write_comparison
from testbed.compare.sides import along
from testbed.history import IDENTITY
from testbed.load import load, read_study
from testbed.parameters import parse_settings
from testbed.report.page import write_report
from testbed.report.rundir import CHARTS, ENVIRONMENT, RECORD
from testbed.report.study_page import write_study_report
from testbed.report.studydir import CELLS, FACTS, is_study
from testbed.sweep.axes import parse_values, sweep_study
from testbed.sweep.planned import plan_study

ROOT = Path(__file__).parent.parent
GALLERY, RUNS = ROOT / "reports" / "gallery", ROOT / "runs" / "gallery" / (commit() or "here")
STABLE = ("testbed", "seed", "kernel", "clock", "scenario", "command")
"""Of a run's environment: the same on every machine."""
STABLE_FACTS = ("testbed", "kernel", "clock", "topology", "scenario", "parameter ")
"""Beginnings of the names of facts that are."""
SHOWN = ("plan.json", ENVIRONMENT, f"{RECORD}/events.jsonl", f"{RECORD}/receipt.json", f"{RECORD}/verdict.json")
"""What is kept of a run beside its page; samples and logs are large. Of charts, the page has all, and files one."""


KINDS_OF_FILE = "scenario", "topology"
DIGITS = 8
"""Of what names some bytes; arbitrary: enough to tell two apart."""


@dataclass(frozen=True)
class Example:
    """One folder of the gallery.

    Attributes:
        command: of testbed, without --out.
        about: one line for the list.
        chart: shown in the list.
    """

    name: str
    command: str
    about: str
    chart: str

    @property
    def words(self) -> list[str]:
        """The command, word by word."""
        return shlex.split(self.command)

    @property
    def settings(self) -> list[str]:
        """What its ``--set`` say."""
        return [word for before, word in pairwise(self.words) if before == "--set"]


EXAMPLES = (
    Example(
        "failover", "run scenarios/failover.py --seed 1",
        "Direct Connect dies quietly: BFD notices, the VPN takes over, traffic returns.", "timeline",
    ),
    Example(
        "designs", "compare scenarios/designs.py --seeds 6",
        "Three designs lose the connection that carries their traffic: which is better, and by how much?",
        "at-a-glance",
    ),
    Example(
        "black-hole", "run scenarios/connectivity.py --set topology=topologies/black_hole.py",
        "The classic hybrid black hole: small packets pass, full-size ones vanish, and the report says where.",
        "matrix-ipv4",
    ),
    Example(
        "kubernetes", "run scenarios/hybrid_kubernetes.py",
        "What a control plane in the cloud and nodes on premises need of the network between them.", "matrix-flows",
    ),
    Example(
        "failover-seeds", "run scenarios/failover_seeds.py",
        "Thirty seeds of three detections: is the gap distributed as theory says?", "distribution-gap-BFD-300-ms-x-3",
    ),
    Example(
        "bfd-intervals",
        "sweep scenarios/failover.py --set dx.bfd=100ms,300ms,1s --set probe.interval=10ms --set before=5s "
        "--set after=5s --seeds 6",
        "How long traffic is gone over BFD's interval, six seeds each, in theory's band.", "gap",
    ),
    Example(
        "storage",
        "sweep scenarios/storage_latency.py --set wan.delay=0.5ms,2ms,5ms,20ms,50ms "
        r"--set loads=randread-qd1\\,fsync --seeds 1",
        "What a share across a link gives: operations a second over the distance, beside 1 / (RTT + service time).",
        "iops-randread-qd1",
    ),
    Example(
        "throughput",
        "sweep scenarios/throughput.py --set path.loss=0.01%,0.1%,1% --set congestion=cubic,bbr --set duration=20s "
        "--seeds 2",
        "What loss leaves of 100 Mbit/s, with CUBIC and with BBR.", "goodput",
    ),
    Example(
        "failover-matrix", "run scenarios/failover_matrix.py",
        "How long traffic is gone, by what fails and by what finds out; theory small beneath.", "matrix-gap",
    ),
)  # fmt: skip


def main() -> None:
    """Play what is missing, then write everything anew; the old gallery is there until the new one is complete."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    begun = time.monotonic()
    RUNS.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=RUNS.parent) as name:  # on the same disk, and ignored by git
        fresh = Path(name, "gallery")
        for example in EXAMPLES:
            play(example)
            show(example, fresh / example.name)
            sys.stderr.write(f"gallery: {example.name} is done after {time.monotonic() - begun:.0f} s\n")
        (fresh / "README.md").write_text("\n".join(index(fresh, recorded)) + "\n", encoding="utf-8")
        shutil.rmtree(GALLERY, ignore_errors=True)
        shutil.move(fresh, GALLERY)


def play(example: Example) -> None:
    """Run the command; a verdict other than PASS is shown as it is. What is there of a single run is done again."""
    out = RUNS / example.name
    if out.exists() and not is_study(out) and not is_study(out / "study"):
        shutil.rmtree(out)
    argv = [sys.executable, "-P", "-m", "testbed", *example.words, "--out", str(out)]
    done = subprocess.run(argv, cwd=ROOT, check=False)
    if done.returncode not in (0, 1, 3):
        sys.exit(f"{example.name}: exit code {done.returncode}")


def show(example: Example, target: Path) -> None:
    """Draw the page in the gallery, from a copy without what depends on the machine."""
    source = RUNS / example.name
    compared = is_study(source / "study")
    with tempfile.TemporaryDirectory() as name:
        copy = Path(name, example.name)
        ignored = shutil.ignore_patterns(CELLS, CHARTS, "*.html")
        shutil.copytree(source / "study" if compared else source, copy, ignore=ignored)
        change(copy / ENVIRONMENT, lambda found: stable(found, example))
        (target / CHARTS).mkdir(parents=True)
        shutil.copy(source / CHARTS / f"{example.chart}.svg", target / CHARTS)
        if compared:
            change(copy / FACTS, stable_facts)
            write_comparison(compare(along(copy, None)), target, f"testbed {example.command}", ())
        elif is_study(copy):
            change(copy / FACTS, stable_facts)
            write_study_report(copy, target, ())
        else:
            for each in SHOWN:
                (target / each).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(copy / each, target / each)
            write_report(copy, target, ())


def change(path: Path, how: Callable[[Mapping[str, Any]], dict[str, Any]]) -> None:
    """Change a file of JSON."""
    path.write_text(json.dumps(how(json.loads(path.read_text("utf-8"))), indent=1) + "\n", encoding="utf-8")


def stable(environment: Mapping[str, Any], example: Example) -> dict[str, Any]:
    """Without what depends on the machine."""
    kept = {key: value for key, value in environment.items() if key in STABLE}
    return kept | {"command": f"testbed {example.command}"}


def stable_facts(cells: Mapping[str, Any]) -> dict[str, Any]:
    """Likewise."""
    return {
        cell: {name: values for name, values in facts.items() if name.startswith(STABLE_FACTS)}
        for cell, facts in cells.items()
    }


def recorded(example: Example) -> Iterator[Mapping[str, Any]]:
    """What its runs were runs of, as each has recorded it."""
    for path in (RUNS / example.name).rglob(f"{RECORD}/{IDENTITY}"):
        yield json.loads(path.read_text(encoding="utf-8"))


def planned(example: Example) -> Iterator[Mapping[str, Any]]:
    """What they would be runs of now."""
    kind, file = example.words[:2]
    found = read_study(file)
    if kind == "run" and found is None:
        yield identity(load(file, parse_settings(example.settings)))
        return
    study = found[1] if found else sweep_study(file, parse_values(example.settings), 1, None)
    cells = plan_study(study, ROOT / Path(file).parent, parse_settings(example.settings) if found else {})
    for cell in cells.cells:
        yield identity(load(str(cells.scenario), cell.settings))


def origin(found: Iterable[Mapping[str, Any]]) -> str:
    """Scenario and topologies, each with what names its bytes, and what names the parameters of all runs."""
    every = list(found)
    files = {(kind, str(each[kind]), str(each[f"{kind}_bytes"])) for each in every for kind in KINDS_OF_FILE}
    runs = {json.dumps([each[name] for name in (*KINDS_OF_FILE, "parameters")], sort_keys=True) for each in every}
    parameters = hashlib.blake2b("\n".join(sorted(runs)).encode()).hexdigest()[:DIGITS]
    named = ", ".join(f"{kind} {name} ({digest[:DIGITS]})" for kind, name, digest in sorted(files))
    return f"Made from {named}; parameters {parameters}."


def index(gallery: Path, runs: Callable[[Example], Iterable[Mapping[str, Any]]]) -> Iterator[str]:
    """The list, as Markdown. ``runs``: what those of an example are runs of."""
    yield from ("# Gallery", "", "Made by `make gallery`: each command gives the same bytes again, on any machine with")
    yield "the same versions of BIRD, strongSwan and the other programs. Pages are HTML: open them from a checkout."
    for example in EXAMPLES:
        yield from ("", f"## {example.name}", "", example.about, "", f"    testbed {example.command}", "")
        yield from (f"![{example.about}]({example.name}/charts/{example.chart}.svg)", "")
        summary = gallery / example.name / COMPARISON
        if summary.exists():
            found = json.loads(summary.read_text(encoding="utf-8"))
            yield from (*(f"- {sentence}" for sentence in found["answer"]), "")
            yield f"[The page]({example.name}/report.html), and [the same as Markdown]({example.name}/summary.md)."
        else:
            yield f"[The page]({example.name}/report.html)."
        yield origin(runs(example))


if __name__ == "__main__":
    main()
