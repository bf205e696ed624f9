"""Run a module inside the guest, as a scenario: what it prints comes back, and its exit status decides."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.conftest import ROOT, RunScenario

TOPOLOGY = """
from testbed import Topology
def topology(t: Topology) -> None:
    lan = t.lan("lan", "192.168.0.0/16")
    lan.router("router", asn=65000)
"""
SCENARIO = """
import subprocess, sys
from testbed import Scenario
scenario = Scenario(topology="topology.py", question="", hypothesis="", refuted_by="")
@scenario.run
def run(lab):
    done = subprocess.run({argv!r}, cwd={root!r}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    lab.recorder.record.joinpath("output.txt").write_bytes(done.stdout)
    lab.note("inside", status=done.returncode)
"""


def run_inside(run_scenario: RunScenario, folder: Path, module: str, *words: str) -> str:
    """What ``python -m MODULE WORDS`` prints in the guest. Fails the test if it fails."""
    (folder / "topology.py").write_text(TOPOLOGY, encoding="utf-8")
    argv = [sys.executable, "-P", "-m", module, *words]
    (folder / "scenario.py").write_text(SCENARIO.format(argv=argv, root=str(ROOT)), encoding="utf-8")
    outcome = run_scenario(str(folder / "scenario.py"))
    output = outcome.directory / "record" / "output.txt"
    text = output.read_text(encoding="utf-8") if output.exists() else str(outcome.judgement.why)
    events = (outcome.directory / "record" / "events.jsonl").read_text(encoding="utf-8")
    assert '"kind": "inside", "status": 0' in events, text
    return text
