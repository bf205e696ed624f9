"""Claims about storage across a link, each with the kernel's own NFS."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from testbed.errors import InputError
from testbed.load import load
from testbed.verdict import Verdict
from tests.conftest import RunScenario, measured
from tests.guest.test_failover import assert_same_bytes

pytestmark = pytest.mark.guest

LATENCY, OUTAGE, BLOCK, ETCD = (
    f"scenarios/{name}.py" for name in ("storage_latency", "storage_outage", "block_storage", "etcd")
)
SERIAL = ("loads=randread-qd1,randwrite-qd1,fsync", "duration=200ms")
SHORT = ("outage=60s", "share.lost=soft", "share.timeo=5s")
SOME = ("loads=gp3-mixed,stretched-write", "duration=200ms")
NEAR = ("far.delay=40ms", "writes=20")


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param((*SERIAL, "wan.delay=0.5ms"), id="0.5 ms"),
        pytest.param((*SERIAL, "wan.delay=100ms", "share.mount=efs", "share.sync=sync"), id="100 ms, EFS, sync"),
        pytest.param(
            ("loads=randwrite-qd4,randread-qd64,read-1m-qd16,metadata", "share.nconnect=4", "duration=200ms"),
            id="nconnect, metadata",
        ),
    ],
)
def test_operations_follow_the_round_trips_within_2_percent(
    run_scenario: RunScenario, settings: tuple[str, ...]
) -> None:
    outcome = run_scenario(LATENCY, *settings)
    assert outcome.judgement.verdict is Verdict.PASS, outcome.judgement.why
    for name, found in measured(outcome).items():
        if name.startswith("iops") and name.endswith("qd1"):
            assert found["low"] == pytest.approx(0.98 * found["expected"])
        if name == "files_create":
            assert found["expected"] == pytest.approx(1 / 0.02, rel=0.01)


def test_a_lost_packet_costs_one_operation_at_a_time_a_timeout(run_scenario: RunScenario) -> None:
    outcome = run_scenario(LATENCY, "loads=randread-qd1", "wan.loss=1%")
    found = measured(outcome)["iops_randread-qd1"]
    assert outcome.judgement.verdict is Verdict.PASS, outcome.judgement.why
    assert found["low"] is not None and found["value"] < found["high"] < 0.98 * 100


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        pytest.param(SHORT, None, id="soft, over before TCP gives up"),
        pytest.param(("outage=200s", "share.lost=soft", "share.timeo=5s"), errno.EIO, id="soft"),
        pytest.param(("outage=200s", "share.lost=softerr", "wan.delay=100ms"), errno.ETIMEDOUT, id="softerr"),
        pytest.param(("outage=200s", "share.mount=efs"), None, id="hard, EFS"),
        pytest.param(
            ("outage=200s", "cause=stall", "share.disk=gp3", "share.lost=soft", "share.timeo=5s"),
            None,
            id="soft, but it is the server's storage that stalls",
        ),
    ],
)
def test_an_outage_fails_soft_mounts_alone_and_loses_nothing(
    run_scenario: RunScenario, settings: tuple[str, ...], error: int | None
) -> None:
    outcome = run_scenario(OUTAGE, *settings)
    found = measured(outcome)
    assert outcome.judgement.verdict is Verdict.PASS, outcome.judgement.why
    assert found["lost_after_fsync"]["value"] == 0
    assert found.get("errno", {}).get("value") == error


def test_what_is_in_memory_does_not_stall_and_that_is_said_before_anything_starts() -> None:
    with pytest.raises(InputError, match="does not stall"):
        load(OUTAGE, {"cause": "stall"})


@pytest.mark.parametrize(
    ("settings", "st1", "gp3"),
    [
        pytest.param(("duration=500ms", "loads=all"), 250, 3000, id="defaults"),
        pytest.param(
            (
                "loads=gp3-4k,gp3-qd1,io2-16k,io2-qd1,st1-1m", "duration=300ms", "burst=1s", "st1.credits=64MiB",
                "gp3.iops=6000", "io2.iops=2000",
            ),
            40, 6000, id="others",
        ),
    ],
)  # fmt: skip
def test_volumes_give_their_documented_limits_within_2_percent(
    run_scenario: RunScenario, settings: tuple[str, ...], st1: int, gp3: int
) -> None:
    outcome = run_scenario(BLOCK, *settings)
    found = measured(outcome)
    assert outcome.judgement.verdict is Verdict.PASS, outcome.judgement.why
    assert found["iops_st1-1m"]["expected"] == st1
    assert found["iops_gp3-4k"]["expected"] == gp3


@pytest.mark.parametrize(
    ("settings", "commit_ms"),
    [
        pytest.param(NEAR, (10, 80), id="one site is far"),
        pytest.param(
            ("link.delay=300ms", "far.delay=300ms", "writes=5", "timers=recommended"), (600,), id="recommended timers"
        ),
    ],
)
def test_a_commit_of_etcd_takes_the_rtt_to_a_majority(
    run_scenario: RunScenario, settings: tuple[str, ...], commit_ms: tuple[float, ...]
) -> None:
    outcome = run_scenario(ETCD, *settings)
    found = measured(outcome)
    assert outcome.judgement.verdict is Verdict.PASS, outcome.judgement.why
    assert found["commit_p50"]["expected"] in commit_ms  # chance makes the leader
    assert found["leader_changes"]["value"] == 0


@pytest.mark.parametrize(
    ("file", "settings", "there"),
    [
        pytest.param(LATENCY, ("loads=mixed-qd64", "duration=200ms"), "fio/mixed-qd64.json", id="a share"),
        pytest.param(OUTAGE, SHORT, "samples/writer.csv", id="an outage"),
        pytest.param(BLOCK, SOME, "fio/stretched-write.json", id="volumes"),
        pytest.param(ETCD, NEAR, "etcd/member-1.log", id="etcd"),
    ],
)
def test_one_seed_gives_one_record(run_scenario: RunScenario, file: str, settings: tuple[str, ...], there: str) -> None:
    first, second = (run_scenario(file, *settings, again=number).directory / "record" for number in (0, 1))
    assert Path(first, there).stat().st_size
    assert_same_bytes(first, second)
