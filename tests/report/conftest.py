"""A finished run, small and real, for every test to change as it likes."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from testbed.load import load
from testbed.plan.schema import plan_json

DATA = Path(__file__).parent / "data" / "run"
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def hybrid_plan_text() -> str:
    """The plan of the run, made anew, so that it is never of another version than the code."""
    return plan_json(load(str(ROOT / "topologies" / "hybrid.py"), {}).plan)


@pytest.fixture
def run_dir(tmp_path: Path, hybrid_plan_text: str) -> Path:
    """A directory as `testbed run` leaves it before the report: a fail-over from Direct Connect to the VPN."""
    directory = tmp_path / "run"
    shutil.copytree(DATA, directory)
    (directory / "plan.json").write_text(hybrid_plan_text, encoding="utf-8")
    return directory
