"""Claims about reading what a flood of UDP packets left."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from testbed.check import udp_flood
from testbed.history import EVENTS, SAMPLES, History
from testbed.probe.udp_flood import COLUMNS, due
from testbed.units import Duration, Rate

MS = 10**6


def history(tmp_path: Path, rows: list[tuple[int, int, int]], *, sent: int, ended_ns: int) -> History:
    stop = {"kind": "probe.stop", "t_ns": ended_ns, "probe": "f", "sent": sent, "ended_ns": ended_ns, "payload": 100}
    (tmp_path / EVENTS).write_text(json.dumps(stop) + "\n")
    (tmp_path / SAMPLES).mkdir()
    lines = [",".join(COLUMNS), *(",".join(map(str, row)) for row in rows)]
    (tmp_path / SAMPLES / "f.csv").write_text("\n".join(lines) + "\n")
    return History(tmp_path)


def test_the_rate_is_that_of_whole_spans_while_packets_were_sent(tmp_path: Path) -> None:
    rows = [(0, 100 * MS, 5), (100 * MS, 200 * MS, 50), (200 * MS, 300 * MS, 5)]
    found = udp_flood.received(history(tmp_path, rows, sent=80, ended_ns=250 * MS), "f")
    assert found.rate_bit_s(Duration(100 * MS)) == pytest.approx(50 * 800 / 0.1)
    assert found.share_lost == pytest.approx(0.25)


def test_a_flood_that_never_was_has_no_rate(tmp_path: Path) -> None:
    found = udp_flood.received(history(tmp_path, [], sent=0, ended_ns=1), "other")
    assert found.rate_bit_s(Duration(0)) is None
    assert found.share_lost is None


@pytest.mark.parametrize("rate", ["1 kbit/s", "999 kbit/s", "224 Mbit/s", "3.7 Gbit/s"])
def test_packets_are_due_at_the_rate_whatever_the_tick(rate: str) -> None:
    payload = 200
    for ticks in (1, 7, 1000, 123_457):
        exact = Rate.parse(rate) * ticks / 1000 / (8 * payload)
        assert exact - 1 < due(Rate.parse(rate), payload, ticks) <= exact + 1e-6
