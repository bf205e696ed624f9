"""Claims about units of nodes that failed."""

from __future__ import annotations

from testbed.kubernetes import units


def test_failed_units_are_those_that_systemd_lists() -> None:
    listed = "testbed-images.service loaded failed failed Import the images\n\nx.service loaded failed failed X\n"
    assert units.names(listed) == ["testbed-images.service", "x.service"]
    assert units.names("") == []
