"""Claims about ``--on``: what is no place is refused, and what is lacking is told with the line that brings it."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from testbed.boot.machines import Here
from testbed.cli.main import main
from testbed.cli.where import machines
from testbed.errors import Exit, InputError, MachineError
from testbed.remote.dask import Dask

TINY = str(Path(__file__).with_name("sweep") / "tiny.py")


def test_a_place_is_this_machine_or_a_schedulers_workers() -> None:
    assert machines("local", 3, "host") == Here(3, "host")
    assert machines("dask://far:8786", None, "guest") == Dask("dask://far:8786", "tcp://far:8786", None)
    assert machines("dask+tls://far:8786", 40, "guest") == Dask("dask+tls://far:8786", "tls://far:8786", 40)


@pytest.mark.parametrize("on", ["", "dask", "dask://", "ssh://far", "far:8786"])
def test_what_is_no_place_is_refused(on: str) -> None:
    with pytest.raises(InputError, match="no place that is known"):
        machines(on, None, "guest")


def test_the_machines_own_kernel_is_for_this_machine() -> None:
    with pytest.raises(InputError, match="--kernel guest, or --on local"):
        machines("dask://far:8786", None, "host")


def test_without_dask_the_line_that_installs_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MachineError, match=r"pip install 'testbed\[dask\]'") as caught:
        machines("dask://far:8786", None, "guest")
    assert caught.value.exit is Exit.MACHINE


def test_dask_is_loaded_only_where_it_is_asked_for() -> None:
    """It takes half a second."""
    code = "import sys, testbed.cli.where, testbed.cli.studying; sys.exit('distributed' in sys.modules)"
    assert subprocess.run([sys.executable, "-P", "-c", code], check=False).returncode == 0


def test_a_single_run_and_folders_that_are_compared_are_done_nowhere_else(tmp_path: Path) -> None:
    for words in (["run", TINY], ["compare", str(tmp_path), str(tmp_path)]):
        done = CliRunner().invoke(main, [*words, "--on", "dask://far:8786"])
        assert done.exit_code == Exit.INPUT
        assert "--on" in done.output
