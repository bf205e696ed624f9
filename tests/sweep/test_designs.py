"""Claims about designs given as files: they become an axis, and what is no design is told with all the rest."""

from __future__ import annotations

from pathlib import Path

import pytest

from testbed.errors import InputError
from testbed.load import load
from testbed.sweep.designs import SCENARIO, design_study, names
from tests.conftest import ROOT

DESIGNS = [str(ROOT / "topologies" / f"{name}.py") for name in ("hybrid", "two_vpns", "two_connections")]


def test_designs_are_an_axis_with_the_files_names() -> None:
    study = design_study(DESIGNS, SCENARIO, {"flows": "3"}, None)
    (axis,) = study.axes
    assert list(axis.points) == ["hybrid", "two_vpns", "two_connections"]
    assert [cell.settings for cell in study.cells()] == [{"flows": "3", "topology": file} for file in DESIGNS]
    assert study.seeds == 10


def test_all_that_is_wrong_is_told_at_once() -> None:
    files = [DESIGNS[0], DESIGNS[0], "scenarios/failover.py", "scenarios/designs.py", "nowhere.py"]
    with pytest.raises(InputError) as caught:
        design_study(files, "topologies/hybrid.py", {"topology": "x"}, 3)
    said = str(caught.value)
    for words in ("is a scenario, not a design", "is a study", "nowhere.py", "named twice", "--set topology"):
        assert words in said
    assert "--with topologies/hybrid.py: is no scenario" in said


def test_one_design_alone_is_refused() -> None:
    with pytest.raises(InputError, match="compared with nothing"):
        design_study(DESIGNS[:1], SCENARIO, {}, None)


def test_files_of_one_name_are_told_apart() -> None:
    assert names([Path("/x/a/net.py"), Path("/x/b/net.py")]) == ["a/net.py", "b/net.py"]


@pytest.mark.parametrize("name", ["hybrid", "two_vpns", "two_connections", "hub_and_spoke", "twenty_lines", "storage"])
def test_any_topology_with_two_sites_can_be_asked_what_a_silent_connection_costs(name: str) -> None:
    load(SCENARIO, {"topology": str(ROOT / "topologies" / f"{name}.py")})


def test_a_host_or_a_connection_that_a_design_has_not_is_told() -> None:
    with pytest.raises(InputError) as caught:
        load(SCENARIO, {"topology": DESIGNS[0], "source": "nobody"})
    assert "no such host in hybrid" in str(caught.value)
    with pytest.raises(InputError, match="no connection with BGP in hybrid"):
        load(SCENARIO, {"topology": DESIGNS[0], "path": "dx-near"})
    with pytest.raises(InputError, match="no two hosts in different sites"):
        load(SCENARIO, {"topology": DESIGNS[0], "target": "aws-b"})
