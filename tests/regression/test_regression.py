"""The claim of the regression suite: unchanged it is silent, and it catches each drift alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from testbed.baseline import file as files
from testbed.baseline.check import Checked
from testbed.baseline.keep import keep
from testbed.verdict import Verdict
from tests.regression.suite import GUARDED, checked, place

pytestmark = pytest.mark.guest


@pytest.fixture(scope="module")
def unchanged(guest_kernel: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Checked]:
    return checked(tmp_path_factory.mktemp("unchanged"), drifted=False)


@pytest.fixture(scope="module")
def drifted(guest_kernel: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Checked]:
    return checked(tmp_path_factory.mktemp("drifted"), drifted=True)


@pytest.mark.parametrize("name", GUARDED)
def test_an_unchanged_design_is_within_what_is_allowed_whatever_the_versions_of_tools(
    name: str, unchanged: dict[str, Checked]
) -> None:
    found = unchanged[name]
    assert found.verdict is Verdict.PASS, found
    assert found.drifted == ()
    assert all(line.startswith("another ") for line in found.stale), "the baseline is of another network or scenario"


@pytest.mark.parametrize("name", GUARDED)
def test_a_drift_is_caught_alone_by_its_measurement_and_named(name: str, drifted: dict[str, Checked]) -> None:
    found = drifted[name]
    assert found.verdict is Verdict.FAIL, found
    assert GUARDED[name].moved in [each.name for each in found.moved]
    field = {"bfd": "bfd.interval", "bgp-hold": "hold", "mss-clamp": "clamp_mss", "loss": "loss", "nfs-async": "sync"}
    assert any(field[name] in line for line in found.drifted), found.drifted
    assert all(line.startswith("another ") for line in found.stale), "a drift makes nothing stale"


@pytest.mark.parametrize("name", GUARDED)
def test_a_baseline_allows_what_the_suite_says(name: str) -> None:
    baseline = files.read(place(name))
    assert baseline.allowed == keep(baseline.recorded, GUARDED[name].allowed).allowed
