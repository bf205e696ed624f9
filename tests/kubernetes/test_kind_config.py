"""Claims about what kind is told: everything that one node says to another goes by its site's address."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from testbed import Flannel
from testbed.kubernetes.kind_config import kind_config
from testbed.plan.clusters import PlannedCluster
from tests.plan.shipped import plan_of

(CLUSTER,) = plan_of("stretched_cluster.py").clusters


CPUINFO, RESOLVERS = Path("/run/cpuinfo"), Path("/run/resolvers")


def text(cluster: PlannedCluster = CLUSTER) -> str:
    """The configuration."""
    return kind_config(cluster, "testbed/node:1", CPUINFO, RESOLVERS)


def told(cluster: PlannedCluster = CLUSTER) -> Any:
    """The same, read back."""
    return yaml.safe_load(text(cluster))


def patches(of: Any) -> dict[str, Any]:
    """Patches by the kind of what they change."""
    return {patch["kind"]: patch for patch in map(yaml.safe_load, of["kubeadmConfigPatches"])}


def test_the_control_plane_is_where_its_site_has_it() -> None:
    whole = patches(told())["ClusterConfiguration"]
    assert whole["controlPlaneEndpoint"] == CLUSTER.endpoint
    assert CLUSTER.control_plane.address in whole["apiServer"]["certSANs"]
    first = patches(told()["nodes"][0])["InitConfiguration"]
    assert first["localAPIEndpoint"]["advertiseAddress"] == CLUSTER.control_plane.address


def test_workers_join_by_that_address_and_say_their_own() -> None:
    for planned, node in zip(CLUSTER.nodes[1:], told()["nodes"][1:], strict=True):
        joining = patches(node)["JoinConfiguration"]
        assert joining["discovery"]["bootstrapToken"]["apiServerEndpoint"] == CLUSTER.endpoint
        assert joining["nodeRegistration"]["name"] == planned.name
        assert joining["nodeRegistration"]["kubeletExtraArgs"]["node-ip"] == planned.address


def test_each_cluster_of_a_lab_has_its_api_server_at_a_port_of_its_own() -> None:
    ports = [told(cluster)["networking"]["apiServerPort"] for cluster in plan_of("two_clusters.py").clusters]
    assert ports == [6443, 6444]


def test_no_address_of_dockers_own_network_is_told() -> None:
    assert "192.0.2." not in text()


def test_what_joins_pods_is_not_kinds_own() -> None:
    assert told()["networking"]["disableDefaultCNI"] is True


def test_services_are_written_in_what_the_network_for_pods_is_written_in() -> None:
    assert told()["networking"]["kubeProxyMode"] == "iptables"
    assert told(replace(CLUSTER, cni=Flannel(dataplane="nftables")))["networking"]["kubeProxyMode"] == "nftables"


def test_a_node_asks_the_resolver_of_its_site_where_there_is_one() -> None:
    first, *others = CLUSTER.nodes
    mounts = [
        node["extraMounts"] for node in told(replace(CLUSTER, nodes=(replace(first, asks=True), *others)))["nodes"]
    ]
    assert mounts[0][1:] == [{"hostPath": f"/run/resolvers/{first.name}", "containerPath": "/etc/resolv.conf"}]
    assert [len(each) for each in mounts] == [2, *[1] * len(others)]


def test_mounts_are_read_only() -> None:
    assert [node["extraMounts"] for node in told()["nodes"]] == [
        [{"hostPath": "/run/cpuinfo", "containerPath": "/proc/cpuinfo", "readOnly": True}]
    ] * len(CLUSTER.nodes)


def test_certificates_outlast_what_is_kept() -> None:
    (lasting,) = told()["kubeadmConfigPatchesJSON6902"]
    assert (lasting["version"], lasting["kind"]) == ("v1beta3", "ClusterConfiguration")
    changed = {step["path"]: step["value"] for step in yaml.safe_load(lasting["patch"])}
    assert changed["/certificateValidityPeriod"] == changed["/caCertificateValidityPeriod"] == "438000h"
    assert {"name": "cluster-signing-duration", "value": "438000h"} in changed["/controllerManager/extraArgs"]


def test_containerd_is_told_where_it_may_not_say_whom_the_kernel_kills_last() -> None:
    assert "containerdConfigPatches" not in told()
    (patch,) = yaml.safe_load(kind_config(CLUSTER, "x", CPUINFO, RESOLVERS, restricted=True))["containerdConfigPatches"]
    assert tomllib.loads(patch)["plugins"]["io.containerd.grpc.v1.cri"] == {"restrict_oom_score_adj": True}
