"""A baseline in real time on a host's kernel, from recording to a drift. Run by ``test_host_kernel.py`` in the guest.

The guest's kernel is the host's here, and its virtual clock the real one: the machine's load decides nothing.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from click.testing import CliRunner

from testbed.cli.main import main
from tests.conftest import ROOT

SUITE = """
topology: net.py
clock: real
checks:
  a round trip takes what it took:
    during:
      - {probe: ping, source: worker-1, target: server, name: flow}
    wait:
      - {sleep: 1s}
    baseline:
      rtt: flow.rtt
"""


def check(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(main, ["check", "suite.yaml", "--kernel", "host", *words])
    return done.exit_code, done.output


def claims() -> None:
    """Recorded, unchanged, one run too few to tell, and a delay that drifted."""
    code, said = check("--baseline", "record", "--seeds", "6")
    assert code == 0, said
    (baseline,) = Path("baselines").iterdir()
    assert "clock: real" in baseline.read_text(encoding="utf-8")
    code, said = check("--seeds", "6")
    assert code == 0, said
    code, said = check("--seeds", "1")
    assert code == 3 and "runs" in said, said
    code, said = check("--seeds", "6", "--set", "dx.delay=8ms")
    print(said)
    assert code == 1, said


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        Path("net.py").write_bytes((ROOT / "topologies" / "twenty_lines.py").read_bytes())
        Path("suite.yaml").write_text(SUITE, encoding="utf-8")
        claims()
    sys.exit(0)
