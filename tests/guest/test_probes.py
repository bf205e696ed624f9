"""Every kind of probe, started as a scenario starts it, leaves what it saw in the record."""

from __future__ import annotations

import pytest

from testbed.history import History
from testbed.probe import capture
from tests.conftest import RunScenario

pytestmark = pytest.mark.guest
SCENARIO = "tests/guest/probes_scenario.py"


@pytest.fixture
def history(run_scenario: RunScenario) -> History:
    outcome = run_scenario(SCENARIO)
    found = History(outcome.directory / "record")
    assert list(found.of("run.failed")) == []
    return found


@pytest.mark.parametrize("name", ["udp-aws-a-dc-1", "udp-aws-b-dc-2", "ping-aws-a-dc-1"])
def test_packets_come_back_after_the_planned_round_trip(history: History, name: str) -> None:
    rows = history.samples(name)
    times = [
        returned - sent
        for sent, returned in zip(rows["sent_ns"], rows["returned_ns"], strict=True)
        if sent is not None and returned is not None
    ]
    assert len(times) > 40
    assert all(10_000_000 <= time < 10_500_000 for time in times)


def test_connections_are_made_and_a_stream_goes_on(history: History) -> None:
    assert len(history.samples("tcp-aws-a-dc-1")["seq"]) >= 9
    assert len(history.sample_names()) == 5


def test_the_path_is_named_by_nodes_and_interfaces(history: History) -> None:
    paths = list(history.of("path"))
    assert [path.fields["hops"] for path in paths] == [["vgw:lan0", "cgw:dx", "dc-1:eth0"]]


def test_captures_of_node_and_wire_hold_the_same_requests(history: History) -> None:
    folder = history.record / "captures"
    at_node, on_wire = (capture.read(folder / f"{name}.pcap") for name in ("cgw-dx", "dx-a_to_b"))
    assert len(on_wire) >= 2 * 49, "requests and answers both pass the port"
    assert abs(len(at_node) - len(on_wire)) <= 2, "but for what is under way when a capture begins or ends"


def test_iperf3_fills_the_link(history: History) -> None:
    assert (history.record / "iperf" / "iperf-aws-a-dc-1.json").exists()
    event = history.first("iperf")
    assert event is not None
    assert 0.85e9 < event.fields["bit_s"] < 1e9
