"""Claims about `testbed bisect` with real runs: lines of two commits, and two versions of a daemon."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from testbed.cli.main import main
from tests.conftest import ROOT

pytestmark = pytest.mark.guest
SLOW = """#!/bin/sh
# A BIRD that takes twice the BFD interval that it is told.
sed 's/interval 300 ms/interval 600 ms/' "$3" > /run/slow.$$.conf
config=/run/slow.$$.conf
shift 3
exec BIRD -f -c $config "$@"
"""


def bisect(*words: str | Path) -> dict[str, object]:
    done = CliRunner().invoke(main, ["bisect", *map(str, words), "--json"])
    assert done.exit_code == 0, done.output
    return dict(json.loads(done.stdout))


def test_the_line_of_a_topology_that_makes_the_difference_between_two_commits(
    guest_kernel: Path, tmp_path: Path
) -> None:
    def git(*words: str) -> None:
        subprocess.run(["git", "-C", str(tmp_path), "-c", "user.name=x", "-c", "user.email=x@x", *words], check=True)

    text = (ROOT / "topologies" / "twenty_lines.py").read_text(encoding="utf-8")
    scenario = (ROOT / "tests" / "sweep" / "tiny.py").read_text(encoding="utf-8")
    (tmp_path / "tiny.py").write_text(scenario.replace("../../topologies/twenty_lines.py", "net.py"), encoding="utf-8")
    later = text.replace("the smallest topology", "a small topology").replace('"5 ms"', '"25 ms"')
    git("init", "-q")
    for each in (text, later.replace('hosts("worker-", 2', 'hosts("worker-", 3')):
        (tmp_path / "net.py").write_text(each, encoding="utf-8")
        git("add", "net.py")
        git("commit", "-qm", "another")
    found = bisect(
        tmp_path / "tiny.py", "--good", "@HEAD~1", "--bad", "@HEAD", "--seeds", "1", "--out", tmp_path / "out"
    )
    changes = found["changes"]
    assert isinstance(changes, list)
    assert (found["of"], found["only_cause"], found["measurement"]) == (3, True, "rtt")
    assert any('+     delay = t.param("dx.delay", Duration, "25 ms"' in line for line in changes), changes


def test_a_daemon_that_behaves_otherwise_is_found_among_other_changes(guest_kernel: Path, tmp_path: Path) -> None:
    bird = next(path for path in map(Path, ("/usr/sbin/bird", "/usr/local/sbin/bird")) if path.exists())
    slow = tmp_path / "bird"
    slow.write_text(SLOW.replace("BIRD", str(bird)), encoding="utf-8")
    slow.chmod(0o755)
    found = bisect(
        ROOT / "scenarios" / "failover.py", "--set", "probe.interval=20ms", "--set", "before=5s", "--set", "after=5s",
        "--bad", f"program.bird={slow}", "--bad", "vpn.delay=16ms", "--seeds", "1", "--out", tmp_path / "out",
    )  # fmt: skip
    assert found["changes"] == [f"program.bird: not given -> {slow}"]
    assert (found["of"], found["only_cause"], found["measurement"]) == (2, True, "gap")
