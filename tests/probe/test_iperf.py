"""Claims about iperf3: options are those of iperf3(1), and its JSON is read right, errors too."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from testbed.probe import iperf
from testbed.units import Duration, Rate

GOLDEN = Path(__file__).parent.parent / "golden" / "iperf"
TEN = Duration.parse("10 s")


def test_options_are_only_what_was_asked() -> None:
    assert iperf.arguments(TEN, "tcp", None, "", 1, reverse=False) == ["-t", "10", "-i", "1"]
    assert iperf.arguments(TEN, "udp", Rate.parse("5 Mbit/s"), "", 1, reverse=True) == [
        "-t", "10", "-i", "1", "-u", "-b", "5000000", "-R",
    ]  # fmt: skip
    assert iperf.arguments(TEN, "tcp", None, "bbr", 4, reverse=False)[4:] == ["-C", "bbr", "-P", "4"]


@pytest.mark.parametrize("duration", ["1500 ms", "0 s"])
def test_durations_that_iperf3_would_round_are_refused(duration: str) -> None:
    with pytest.raises(ValueError, match="whole seconds"):
        iperf.arguments(Duration.parse(duration), "tcp", None, "", 1, reverse=False)


def test_udp_without_a_rate_is_refused() -> None:
    with pytest.raises(ValueError, match="rate"):
        iperf.arguments(TEN, "udp", None, "", 1, reverse=False)


def test_a_tcp_result_is_read() -> None:
    found = iperf.result(json.loads((GOLDEN / "tcp.json").read_text()))
    assert found.congestion == "cubic"
    assert found.retransmits == 29
    assert found.rtt_mean_us is not None
    assert 20_000 < found.rtt_mean_us < 80_000
    assert found.received_bit_s == pytest.approx(93e6, rel=0.001)
    assert [round(one.end_s) for one in found.intervals] == [1, 2, 3]
    assert (found.lost, found.packets, found.jitter_ms, found.error) == (None, None, None, "")


def test_a_udp_result_is_read_and_what_arrived_is_what_was_not_lost() -> None:
    found = iperf.result(json.loads((GOLDEN / "udp.json").read_text()))
    assert found.lost is not None
    assert found.packets is not None
    assert found.sent_bit_s is not None
    assert found.received_bit_s == pytest.approx(found.sent_bit_s * (1 - found.lost / found.packets))
    assert 0 < found.lost < found.packets
    assert found.retransmits is None
    assert found.jitter_ms is not None


def test_a_run_that_failed_says_why() -> None:
    found = iperf.result({"start": {}, "intervals": [], "end": {}, "error": "unable to connect to server: x"})
    assert found.error == "unable to connect to server: x"
    assert found.sent_bit_s is None
    assert found.received_bit_s is None
