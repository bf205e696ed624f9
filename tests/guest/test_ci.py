"""What the files for CI do, done: a repository with a network, a test and a baseline, and their commands in order."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.conftest import ROOT

pytestmark = pytest.mark.guest
BIN = Path(sys.executable).parent
TEST = """
import pytest


@pytest.mark.topology("network/hybrid.py")
def test_the_server_answers(lab):
    with lab.probe.udp("worker-1", "server") as flow:
        lab.sleep("1s")
    assert flow.longest_gap < "1s"
"""


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory, guest_kernel: Path) -> Path:
    """As docs/ci.md has it."""
    root = tmp_path_factory.mktemp("repository")
    for folder in ("network", "tests"):
        (root / folder).mkdir()
    shutil.copy(ROOT / "topologies" / "twenty_lines.py", root / "network" / "hybrid.py")
    (root / "tests" / "test_network.py").write_text(TEST, encoding="utf-8")
    done = do(root, "testbed baseline record network/hybrid.py --seeds 1")
    assert done.returncode == 0, done
    return root


def do(root: Path, line: str) -> subprocess.CompletedProcess[str]:
    """A line of a job."""
    environment = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"}
    return subprocess.run(
        ["bash", "-e", "-c", line], cwd=root, env=environment, capture_output=True, text=True, check=False
    )


def test_what_the_jobs_do_passes_and_leaves_what_they_keep(repository: Path) -> None:
    job = yaml.safe_load((ROOT / "docs" / "ci" / "gitlab-ci.yml").read_text(encoding="utf-8"))["network"]
    steps = yaml.safe_load((ROOT / "docs" / "ci" / "github-actions.yml").read_text(encoding="utf-8"))
    lines = [step["run"] for step in steps["jobs"]["network"]["steps"] if "out/" in step.get("run", "")]
    assert lines[:3] == job["script"], "both services do the same"
    for line in job["script"]:
        done = do(repository, line)
        assert done.returncode == 0, done
    assert (repository / "out" / "reach" / "report.html").exists()
    assert (repository / job["artifacts"]["reports"]["junit"]).exists()


def test_a_network_that_is_not_as_it_was_fails_the_job(repository: Path) -> None:
    path = repository / "network" / "hybrid.py"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('"5 ms"', '"7 ms"'), encoding="utf-8")
    done = do(repository, "testbed baseline check baselines/*.yaml --out out/changed")
    path.write_text(text, encoding="utf-8")
    assert done.returncode == 1, done
