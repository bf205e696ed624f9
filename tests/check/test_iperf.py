"""Claims about reading what iperf3's receiver left."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from testbed.check import iperf
from testbed.history import History
from testbed.units import Duration


def history(tmp_path: Path, name: str, said: dict[str, Any]) -> History:
    (tmp_path / "iperf").mkdir(exist_ok=True)
    (tmp_path / "iperf" / f"{name}.json").write_text(json.dumps(said))
    return History(tmp_path)


def second(number: int, octets: int, **more: Any) -> dict[str, Any]:
    return {"sum": {"start": number, "end": number + 1, "seconds": 1, "bytes": octets, **more}}


def test_slow_start_and_the_rest_in_buffers_are_not_counted(tmp_path: Path) -> None:
    rest = {"sum": {"start": 3, "end": 3.02, "seconds": 0.02, "bytes": 10**9}}
    said = {"intervals": [second(0, 10), second(1, 1000), second(2, 3000), rest]}
    found = iperf.received(history(tmp_path, "f-server", said), "f")
    assert found.rate_bit_s(Duration(10**9)) == 16_000
    assert found.share_lost is None


def test_lost_datagrams_are_a_share_of_those_sent(tmp_path: Path) -> None:
    said = {"intervals": [second(0, 10, lost_packets=1, packets=10), second(1, 10, lost_packets=2, packets=10)]}
    assert iperf.received(history(tmp_path, "f-server", said), "f").share_lost == pytest.approx(0.15)


@pytest.mark.parametrize("said", [{}, {"error": "unable to connect"}, {"intervals": []}])
def test_a_receiver_that_saw_nothing_has_no_rate(tmp_path: Path, said: dict[str, Any]) -> None:
    assert iperf.received(history(tmp_path, "f-server", said), "f").rate_bit_s(Duration(0)) is None


def test_a_measurement_that_was_never_made_has_neither_rate_nor_retransmits(tmp_path: Path) -> None:
    nothing = History(tmp_path)
    assert iperf.received(nothing, "f").rate_bit_s(Duration(0)) is None
    assert iperf.retransmits(nothing, "f") is None
