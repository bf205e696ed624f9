"""The checks of this folder that need a network of their own, each module in one guest."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import RunScenario
from tests.guest.inside import run_inside

pytestmark = pytest.mark.guest


@pytest.mark.parametrize("module", ["check_calibration", "check_observe", "check_probes"])
def test_every_claim_of_the_module_holds_in_the_guest(run_scenario: RunScenario, tmp_path: Path, module: str) -> None:
    assert run_inside(run_scenario, tmp_path, "tests.guest.networks", module).endswith("0 failed\n")
