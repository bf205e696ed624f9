"""Claims about throughput: what gets through is what headers, congestion control and limits leave."""

from __future__ import annotations

import pytest

from testbed.verdict import Verdict
from tests.conftest import RunScenario, measured
from tests.guest.test_failover import assert_same_bytes

pytestmark = pytest.mark.guest

SLOW = ("path.rate=20 Mbit/s", "duration=20s", "warmup=5s")


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param(("overlay=vxlan", "path.kind=wireguard", *SLOW), id="vxlan in WireGuard"),
        pytest.param(("overlay=ipip", "path.kind=ipsec", *SLOW), id="IPIP in IPsec"),
        pytest.param(("congestion=bbr", "path.loss=0.5%", *SLOW), id="BBR under loss"),
        pytest.param(("rival=cubic", *SLOW), id="two flows"),
        pytest.param(
            (
                "traffic=udp", "path.kind=wireguard", "path.rate=1 Gbit/s", "vpn.packets=140000", "udp.payload=64",
                "udp.rate=100 Mbit/s", "duration=1s", "warmup=200ms",
            ),
            id="the packets a second of AWS's tunnel",
        ),
        pytest.param(
            (
                "traffic=udp", "path.kind=ipsec", "path.rate=1 Gbit/s", "vpn.rate=100 Mbit/s", "udp.rate=150 Mbit/s",
                "duration=1s", "warmup=200ms",
            ),
            id="the rate of a tunnel",
        ),
    ],
)  # fmt: skip
def test_what_arrives_is_what_theory_says(run_scenario: RunScenario, settings: tuple[str, ...]) -> None:
    outcome = run_scenario("scenarios/throughput.py", *settings)
    assert outcome.judgement.verdict is Verdict.PASS, outcome.judgement.why
    assert measured(outcome)["goodput"]["low"] is not None


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param(("congestion=bbr", "path.loss=0.5%", *SLOW), id="TCP under loss"),
        pytest.param(("traffic=udp", "path.kind=ipsec", "duration=1s", "warmup=200ms"), id="UDP in a tunnel"),
    ],
)
def test_two_runs_with_one_seed_leave_the_same_bytes(run_scenario: RunScenario, settings: tuple[str, ...]) -> None:
    first, second = (run_scenario("scenarios/throughput.py", *settings, again=number) for number in (0, 1))
    assert_same_bytes(first.directory / "record", second.directory / "record")
