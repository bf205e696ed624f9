"""IPsec in the guest: real charons, the kernel's ESP, and the clock that makes hours short."""

from __future__ import annotations

import errno
import json
from typing import Any

import pytest

from testbed.boot.runner import Outcome
from testbed.presets import IPSEC_SUITES
from testbed.theory.mtu import ipsec_mtu, ipsec_packet
from tests.conftest import RunScenario, measured

pytestmark = pytest.mark.guest
SCENARIO = "tests/net/vpn_scenario.py"


def events(outcome: Outcome, kind: str) -> list[dict[str, Any]]:
    text = (outcome.directory / "record" / "events.jsonl").read_text(encoding="utf-8")
    found = [json.loads(line) for line in text.splitlines()]
    failed = [event for event in found if event["kind"] == "run.failed"]
    assert not failed, failed
    return [event for event in found if event["kind"] == kind]


@pytest.mark.parametrize("nat", ["no", "yes"])
@pytest.mark.parametrize("suite", [name for name in IPSEC_SUITES if name.startswith("aes128")])
def test_each_packet_weighs_what_the_table_says_and_not_a_byte_more_fits(
    run_scenario: RunScenario, suite: str, nat: str
) -> None:
    outcome = run_scenario(SCENARIO, f"vpn.suite={suite}", f"vpn.nat={nat}")
    transform = IPSEC_SUITES[suite].transform
    weighed = {event["inner"]: event["outer"] for event in events(outcome, "weighed")}
    assert max(weighed) == ipsec_mtu(transform, nat_traversal=nat == "yes")
    assert weighed == {inner: ipsec_packet(inner, transform, nat_traversal=nat == "yes") for inner in weighed}
    assert [event["error"] for event in events(outcome, "refused")] == [errno.EMSGSIZE]


def test_rekeys_lose_nothing_and_a_silent_underlay_is_found_out_in_time(run_scenario: RunScenario) -> None:
    outcome = run_scenario(SCENARIO, "vpn.lifetime=120s", "traffic=300s", "silent=60s")
    assert measured(outcome)["sent"]["value"] > 29_000
    assert measured(outcome)["lost"]["value"] == 0
    changes = events(outcome, "ike")
    assert sum(event["detail"] == "CHILD_SA rekeyed" for event in changes if event["node"] == "cgw") >= 3
    broke = events(outcome, "fault.start")[0]["t_ns"]
    healed = events(outcome, "fault.heal")[0]["t_ns"]
    for node in ("vgw", "cgw"):
        mine = [event for event in changes if event["node"] == node and event["t_ns"] > broke]
        down, up = (next(event for event in mine if event["state"] == state) for state in ("down", "up"))
        # The last packet may have come up to DPD's 10 s before; charon counts whole seconds (theory.dpd.ike_dpd).
        assert 30 - 1 <= (down["t_ns"] - broke) / 10**9 <= 40 + 1.5
        assert "no answer" in down["detail"]
        assert healed < up["t_ns"]


@pytest.mark.parametrize(
    ("clamp", "icmp", "arrives"),
    [
        pytest.param("yes", "no", True, id="clamped"),
        pytest.param("no", "yes", True, id="path MTU discovery"),
        pytest.param("no", "no", False, id="black hole"),
    ],
)
def test_without_clamping_and_without_icmp_large_packets_vanish(
    run_scenario: RunScenario, clamp: str, icmp: str, arrives: bool
) -> None:
    outcome = run_scenario(SCENARIO, f"vpn.clamp={clamp}", f"vpn.icmp={icmp}")
    (burst,) = events(outcome, "burst")
    assert burst["received"] == (200_000 if arrives else 0)
