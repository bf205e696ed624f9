"""Claims about storage across a link, each with the kernel's own NFS."""

from __future__ import annotations

import errno
import filecmp

import pytest

from testbed.verdict import Verdict
from tests.conftest import RunScenario, measured

pytestmark = pytest.mark.guest

LATENCY = "scenarios/storage_latency.py"
SERIAL = "loads=randread-qd1,randwrite-qd1,fsync"


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param((SERIAL, "wan.delay=0.5ms"), id="0.5 ms"),
        pytest.param((SERIAL, "wan.delay=100ms"), id="100 ms"),
        pytest.param((SERIAL, "wan.delay=100ms", "share.mount=efs", "share.sync=sync"), id="EFS, sync"),
        pytest.param(("loads=randwrite-qd4,randread-qd64,read-1m-qd16", "share.nconnect=4"), id="nconnect"),
    ],
)
def test_operations_follow_the_round_trip_within_2_percent(
    run_scenario: RunScenario, settings: tuple[str, ...]
) -> None:
    outcome = run_scenario(LATENCY, *settings)
    assert outcome.judgement.verdict is Verdict.PASS, outcome.judgement.why
    for name, found in measured(outcome).items():
        if name.startswith("iops") and name.endswith("qd1"):
            assert found["low"] == pytest.approx(0.98 * found["expected"])


def test_metadata_costs_the_round_trips_of_its_requests(run_scenario: RunScenario) -> None:
    outcome = run_scenario(LATENCY, "loads=metadata")
    assert outcome.judgement.verdict is Verdict.PASS, outcome.judgement.why
    assert measured(outcome)["files_create"]["expected"] == pytest.approx(1 / 0.02, rel=0.01)


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        pytest.param(("outage=60s", "share.lost=soft", "share.timeo=5s"), None, id="soft, over before TCP gives up"),
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
    outcome = run_scenario("scenarios/storage_outage.py", *settings)
    found = measured(outcome)
    assert outcome.judgement.verdict is Verdict.PASS, outcome.judgement.why
    assert found["lost_after_fsync"]["value"] == 0
    assert found.get("errno", {}).get("value") == error


def test_what_is_in_memory_does_not_stall(run_scenario: RunScenario) -> None:
    outcome = run_scenario("scenarios/storage_outage.py", "cause=stall")
    assert outcome.judgement.verdict is Verdict.UNKNOWN
    assert any("does not stall" in why for why in outcome.judgement.why)


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param(("duration=500ms",), id="defaults"),
        pytest.param(
            ("duration=500ms", "burst=2s", "st1.credits=256MiB", "gp3.iops=6000", "io2.iops=2000"), id="others"
        ),
    ],
)
def test_volumes_give_their_documented_limits_within_2_percent(
    run_scenario: RunScenario, settings: tuple[str, ...]
) -> None:
    outcome = run_scenario("scenarios/block_storage.py", *settings)
    found = measured(outcome)
    assert outcome.judgement.verdict is Verdict.PASS, outcome.judgement.why
    assert found["iops_st1-1m"]["expected"] == (250 if len(settings) == 1 else 40)
    assert found["iops_gp3-4k"]["expected"] == (3000 if len(settings) == 1 else 6000)


def test_one_seed_gives_one_record(run_scenario: RunScenario) -> None:
    settings = ("loads=mixed-qd64", "duration=200ms")
    first, second = (run_scenario(LATENCY, *settings, again=number) for number in (0, 1))
    records = [outcome.directory / "record" for outcome in (first, second)]
    names = [str(path.relative_to(records[0])) for path in sorted(records[0].rglob("*")) if path.is_file()]
    _, different, missing = filecmp.cmpfiles(records[0], records[1], names, shallow=False)
    assert (different, missing) == ([], []) and "fio/mixed-qd64.json" in names


def test_loss_leaves_only_a_bound(run_scenario: RunScenario) -> None:
    outcome = run_scenario(LATENCY, "loads=randread-qd1", "wan.loss=1%")
    found = measured(outcome)["iops_randread-qd1"]
    assert outcome.judgement.verdict is Verdict.PASS, outcome.judgement.why
    assert found["low"] is None and found["value"] < 0.98 * 100


@pytest.mark.parametrize(
    ("settings", "commit_ms"),
    [
        pytest.param(("far.delay=40ms", "writes=50"), (10, 80), id="one site is far"),
        pytest.param(
            ("link.delay=300ms", "far.delay=300ms", "writes=10", "timers=recommended"), (600,), id="recommended timers"
        ),
    ],
)
def test_a_commit_of_etcd_takes_the_rtt_to_a_majority(
    run_scenario: RunScenario, settings: tuple[str, ...], commit_ms: tuple[float, ...]
) -> None:
    outcome = run_scenario("scenarios/etcd.py", *settings)
    found = measured(outcome)
    assert outcome.judgement.verdict is Verdict.PASS, outcome.judgement.why
    assert found["commit_p50"]["expected"] in commit_ms  # chance makes the leader
    assert found["leader_changes"]["value"] == 0
