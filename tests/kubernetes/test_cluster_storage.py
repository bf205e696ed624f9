"""Claims about classes of storage as manifests, and what is made of a record of volumes. Pure."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from testbed.errors import RunError
from testbed.kubernetes import storage, workloads
from testbed.kubernetes.pods import open_root
from testbed.load import load
from tests.conftest import ROOT
from tests.kubernetes.told import measured, wrong

SCENARIO = "cluster_storage.py"
RTT_S = 0.01
UID = "0f1e2d3c-0000-4000-8000-1a2b3c4d5e6f"


def test_a_zonal_class_waits_for_its_first_pod_and_stays_in_its_zone() -> None:
    made = storage.zonal_class("cloud", "aws-a")
    assert made["volumeBindingMode"] == "WaitForFirstConsumer"
    (term,) = made["allowedTopologies"]
    assert term["matchLabelExpressions"] == [{"key": "topology.kubernetes.io/zone", "values": ["aws-a"]}]


def test_the_shared_class_names_its_provisioner_and_how_pods_mount() -> None:
    made = {each["kind"]: each for each in storage.nfs_class("shared", "192.168.1.11", "/share", "nfsvers=4.2,hard")}
    assert made["StorageClass"]["mountOptions"] == ["nfsvers=4.2", "hard"]
    (container,) = made["Deployment"]["spec"]["template"]["spec"]["containers"]
    told = {each["name"]: each["value"] for each in container["env"]}
    assert told["PROVISIONER_NAME"] == made["StorageClass"]["provisioner"]
    assert (told["NFS_SERVER"], told["NFS_PATH"]) == ("192.168.1.11", "/share")


def test_a_pod_gets_the_volume_and_stays_as_it_was() -> None:
    pod = workloads.pod("one")
    with_volume = storage.mounting(pod, "claimed")
    assert with_volume["spec"]["volumes"] == [{"name": "data", "persistentVolumeClaim": {"claimName": "claimed"}}]
    assert with_volume["spec"]["containers"][0]["volumeMounts"] == [{"name": "data", "mountPath": "/data"}]
    assert "volumes" not in pod["spec"]
    assert "volumeMounts" not in pod["spec"]["containers"][0]


def test_the_folder_of_a_pod_is_that_of_the_process_which_has_it(tmp_path: Path) -> None:
    for number in (7, 8):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / "cgroup").write_text(f"0::/kubelet/pod{UID}/x\n")
    with pytest.raises(RunError, match="none of its processes"):
        open_root(UID, "/data", tmp_path)
    (tmp_path / "8" / "root" / "data").mkdir(parents=True)
    assert open_root(UID, "/data", tmp_path) == tmp_path / "8" / "root" / "data"


def test_nodes_may_mount_the_share_and_only_hosts_can_be_named() -> None:
    plan = load(str(ROOT / "scenarios" / SCENARIO), {}).plan
    assert plan.share("share").others == ("aws-cp", "aws-1", "onprem-1")
    assert plan.clusters == load(str(ROOT / "topologies" / "stretched_cluster.py"), {}).plan.clusters


def fio(folder: Path, name: str, way: str, iops: float) -> None:
    (folder / "fio").mkdir(parents=True, exist_ok=True)
    part = {"total_ios": 9, "iops": iops, "bw_bytes": iops * 4096, "lat_ns": {"mean": 1e9 / iops, "max": 1e9 / iops}}
    (folder / "fio" / f"{name}.json").write_text(json.dumps({"jobs": [{way: part}]}))


def calls(folder: Path, name: str, *some: tuple[float, float, int]) -> None:
    """Records as (begun, ended, errno), in s."""
    (folder / "samples").mkdir(parents=True, exist_ok=True)
    rows = [f"{n},{int(begun * 1e9)},{int(ended * 1e9)},{errno or ''}" for n, (begun, ended, errno) in enumerate(some)]
    (folder / "samples" / f"{name}.csv").write_text("\n".join(["number,begun_ns,ended_ns,errno", *rows]) + "\n")


def known(folder: Path, told: list[tuple[str, dict[str, Any]]], **settings: str) -> dict[str, Any]:
    """What was measured."""
    return {name: each for name, each in measured(folder, SCENARIO, told, **settings).items() if each.value is not None}


def test_one_request_at_a_time_costs_the_far_pod_a_round_trip_and_service(tmp_path: Path) -> None:
    fio(tmp_path, "randread-served", "read", 20_000)
    fio(tmp_path, "randread-cloud", "read", 1 / (RTT_S + 1 / 20_000))
    fio(tmp_path, "randread-premises", "read", 9_000)
    told = [("fault.start", {"fault": "silent", "target": "dx"})]
    found = known(tmp_path, told)
    assert found["iops_randread_cloud"].expected == pytest.approx(99.5, abs=0.1)
    assert found["iops_randread_premises"].expected is None
    assert wrong(found) == []
    fio(tmp_path, "randread-cloud", "read", 80)
    assert wrong(known(tmp_path, told)) == ["iops_randread_cloud"]


def test_a_hard_mount_waits_and_goes_on_once_tcp_sends_again(tmp_path: Path) -> None:
    told: list[tuple[str, dict[str, Any]]] = [("fault.start", {"fault": "silent", "target": "dx"})]
    told += [("probe.stop", {"probe": name, "lost": []}) for name in ("writer-cloud", "writer-premises")]
    calls(tmp_path, "writer-cloud", (0.0, 26.0, 0))
    calls(tmp_path, "writer-premises", (0.0, 0.01, 0), (0.1, 0.11, 0))
    found = known(tmp_path, told)
    assert (found["longest_call_cloud"].value, found["lost_after_fsync_cloud"].value) == (26, 0)
    assert wrong(found) == []


def test_a_lost_record_and_an_error_fail(tmp_path: Path) -> None:
    told: list[tuple[str, dict[str, Any]]] = [("fault.start", {"fault": "silent", "target": "dx"})]
    told += [("probe.stop", {"probe": "writer-cloud", "lost": [3]})]
    calls(tmp_path, "writer-cloud", (0.0, 1.0, 5))
    assert wrong(known(tmp_path, told)) == ["lost_after_fsync_cloud", "errors_cloud"]


def test_a_soft_mount_fails_once_the_server_was_silent_for_its_timeouts_and_not_before(tmp_path: Path) -> None:
    told: list[tuple[str, dict[str, Any]]] = [("fault.start", {"fault": "silent", "target": "dx"})]
    told += [("probe.stop", {"probe": "writer-cloud", "lost": []})]
    calls(tmp_path, "writer-cloud", (0.0, 181.0, 5))
    found = known(tmp_path, told, lost="soft", outage="240 s")
    assert found["first_error_cloud"].value == pytest.approx(181)
    assert wrong(found) == []
    assert wrong(known(tmp_path, told, lost="soft", outage="60 s")) == ["errors_cloud"]
    assert wrong(known(tmp_path, told, lost="hard", outage="240 s")) == ["errors_cloud"]
    calls(tmp_path, "writer-cloud", (0.0, 120.0, 5))
    assert wrong(known(tmp_path, told, lost="soft", outage="240 s")) == ["first_error_cloud"]
    calls(tmp_path, "writer-cloud", (0.0, 245.0, 0))
    assert wrong(known(tmp_path, told, lost="soft", outage="240 s")) == ["errors_cloud"]
