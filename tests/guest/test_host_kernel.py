"""A claim about ``--kernel host`` for an ordinary user where the kernel has all it needs: in the guest.

Its clock is virtual there, so that the load of the machine decides nothing. Labs: ``tests/lab/test_host_kernel.py``.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT, RunScenario
from tests.guest.inside import TOPOLOGY, run_inside

pytestmark = pytest.mark.guest
AS_NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--no-new-privs")
COMMAND = (sys.executable, "-P", "-m", "testbed", "run", "scenarios/failover.py", "--kernel", "host", "--seed", "7")
SCENARIO = """
import os, shutil, subprocess
from pathlib import Path
from testbed import Scenario
scenario = Scenario(topology="topology.py", question="", hypothesis="", refuted_by="")
@scenario.run
def run(lab):
    for way in {ways!r}:  # an interpreter in a home that only its owner may enter; the change is the guest's own
        Path(way).chmod(Path(way).stat().st_mode | 0o055)
    home = Path("/tmp/nobody")
    home.mkdir()
    home.chmod(0o777)
    done = subprocess.run(
        [*{command!r}, "--out", str(home / "out")], cwd={root!r}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env={{**os.environ, "PYTHONPATH": {root!r}, "HOME": str(home)}},
    )
    lab.recorder.record.joinpath("said.txt").write_text(done.stdout)
    shutil.copy(home / "out" / "record" / "verdict.json", lab.recorder.record / "inner.json")
"""


def test_the_failover_of_the_demo_passes_on_the_hosts_kernel(run_scenario: RunScenario, tmp_path: Path) -> None:
    (tmp_path / "topology.py").write_text(TOPOLOGY, encoding="utf-8")
    ways = [str(way) for path in (sys.executable, sys.base_prefix, ROOT) for way in Path(path).parents]
    scenario = SCENARIO.format(ways=ways, command=(*AS_NOBODY, *COMMAND), root=str(ROOT))
    (tmp_path / "scenario.py").write_text(scenario, encoding="utf-8")
    record = run_scenario(str(tmp_path / "scenario.py")).directory / "record"
    said = (record / "said.txt").read_text(encoding="utf-8")
    assert json.loads((record / "inner.json").read_text(encoding="utf-8"))["verdict"] == "PASS", said


def test_a_baseline_in_real_time_passes_unchanged_asks_for_more_runs_and_fails_on_a_drift(
    run_scenario: RunScenario, tmp_path: Path
) -> None:
    said = run_inside(run_scenario, tmp_path, "tests.guest.check_real_baseline")
    assert "drifted: link dx: a_to_b.delay 5 ms -> 8 ms" in said, said
    assert re.search(r"rtt: 0\.010\d* -> 0\.016\d* s: by \+0\.00[56]", said), said
