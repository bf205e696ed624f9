"""Make reports/gallery/ again: `make gallery`. It depends on the code and the seeds alone, not on the machine.

Another example is one more entry of EXAMPLES. Runs are kept in runs/gallery/, so that what is interrupted goes on.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from testbed.compare.comparison import compare
from testbed.compare.page import write_comparison
from testbed.compare.sides import read_sides
from testbed.report.page import write_report
from testbed.report.study_page import write_study_report

ROOT = Path(__file__).parent.parent
GALLERY, RUNS = ROOT / "reports" / "gallery", ROOT / "runs" / "gallery"
STABLE = ("testbed", "seed", "kernel", "clock", "scenario", "command")
"""Of a run's environment: the same on every machine."""
STUDY_FILES = ("study.json", "environment.json", "record/results.json", "record/verdict.json")


@dataclass(frozen=True)
class Example:
    """One folder of the gallery.

    Attributes:
        words: of the command, without --out.
        about: one line for the list.
        chart: shown in the list.
        compared: the study is compared along this axis as well.
    """

    name: str
    words: tuple[str, ...]
    about: str
    chart: str
    compared: str = ""


EXAMPLES = (
    Example(
        "failover", ("run", "scenarios/failover.py", "--seed", "1"),
        "Direct Connect dies quietly, the VPN takes over, traffic returns.", "timeline",
    ),
    Example(
        "bfd-intervals",
        ("sweep", "scenarios/failover.py", "--set", "dx.bfd=100ms,300ms,1s", "--seeds", "6"),
        "How long traffic is gone over BFD's interval, six seeds each, in theory's band.", "gap",
    ),
    Example(
        "designs", ("run", "scenarios/designs.py", "--seeds", "6"),
        "Three designs lose one of their connections.", "longest_gap", compared="design",
    ),
)  # fmt: skip


def main() -> None:
    """Play what is missing, then write everything anew."""
    shutil.rmtree(GALLERY, ignore_errors=True)
    lines = [
        "# Gallery",
        "",
        "Made by `make gallery`; each folder has the charts as SVG, and for studies the page and its data.",
    ]
    for example in EXAMPLES:
        play(example)
        show(example)
        lines += ["", f"## {example.name}", "", example.about, "", f"    testbed {' '.join(example.words)}", ""]
        lines += [f"![{example.about}]({example.name}/charts/{example.chart}.svg)"]
        if example.compared:
            lines += ["", *answer(GALLERY / f"{example.name}-compared")]
    (GALLERY / "README.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def play(example: Example) -> None:
    """Run the command; a verdict other than PASS is shown as it is."""
    out = RUNS / example.name
    if example.words[1] == "scenarios/failover.py" and example.words[0] == "run":
        shutil.rmtree(out, ignore_errors=True)
    argv = [sys.executable, "-P", "-m", "testbed", *example.words, "--out", str(out)]
    done = subprocess.run(argv, cwd=ROOT, check=False)
    if done.returncode not in (0, 1, 3):
        sys.exit(f"{example.name}: exit code {done.returncode}")


def show(example: Example) -> None:
    """Copy what does not depend on the machine, and draw it there."""
    source, target = RUNS / example.name, GALLERY / example.name
    with tempfile.TemporaryDirectory() as name:
        copy = Path(name, example.name)
        shutil.copytree(
            source, copy, ignore=shutil.ignore_patterns("charts", "samples") if example.words[0] != "run" else None
        )
        for file in copy.rglob("environment.json"):
            found = json.loads(file.read_text(encoding="utf-8"))
            kept = {key: value for key, value in found.items() if key in STABLE}
            kept["command"] = f"testbed {' '.join(example.words)}"
            file.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
        if not (copy / "study.json").exists():
            write_report(copy)
            shutil.copytree(copy / "charts", target / "charts", ignore=shutil.ignore_patterns("*.png"))
            return
        for each in STUDY_FILES:
            (target / each).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(copy / each, target / each)
        write_study_report(target)
        if example.compared:
            found = compare(read_sides([copy], example.compared))
            write_comparison(
                found, GALLERY / f"{example.name}-compared", f"testbed compare runs/gallery/{example.name}"
            )


def answer(folder: Path) -> list[str]:
    """What a comparison answers, as a list."""
    found = json.loads((folder / "comparison.json").read_text(encoding="utf-8"))
    return [*(f"- {sentence}" for sentence in found["answer"]), "", f"[The page]({folder.name}/report.html), as HTML."]


if __name__ == "__main__":
    main()
