"""The suite's own hooks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

SKIPPED = "def test_one():\n    pytest.skip('no such capability')\n"
PASSED = "def test_two():\n    pass\n"


@pytest.mark.parametrize(
    ("tests", "status"),
    [
        pytest.param(SKIPPED, pytest.ExitCode.TESTS_FAILED, id="all skipped"),
        pytest.param(SKIPPED + PASSED, pytest.ExitCode.OK, id="some skipped"),
    ],
)
def test_a_suite_that_was_skipped_as_a_whole_fails(tmp_path: Path, tests: str, status: pytest.ExitCode) -> None:
    (tmp_path / "test_here.py").write_text(f"import pytest\n{tests}", encoding="ascii")
    argv = [sys.executable, "-m", "pytest", "-c", "/dev/null", "-p", "tests.conftest", "-p", "no:cacheprovider"]
    done = subprocess.run([*argv, tmp_path], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stdout
