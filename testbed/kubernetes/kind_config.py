"""What kind is told: a configuration, and patches of kubeadm's, so that a cluster lives on its sites' network. Pure.

kind itself gives nodes the addresses of Docker's network. Here everything that one node says to another goes by the
address of its site: kubeadm's endpoint, the API server's and etcd's, and each kubelet's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml

from testbed.clusters import API_PORT
from testbed.plan.clusters import PlannedCluster, PlannedClusterNode

LOOPBACK = "127.0.0.1"
CONTEXT = "kind-"
"""What kind puts before a cluster's name to call its context and its user (kind 0.33, KINDClusterKey)."""
CPUINFO, RESOLV = "/proc/cpuinfo", "/etc/resolv.conf"
KUBEADM = "kubeadm.k8s.io"
CERTIFICATES_LAST = "438000h"
"""Fifty years, where kubeadm and Kubernetes give a year; arbitrary."""


RESTRICTED = """\
[plugins."io.containerd.grpc.v1.cri"]
  restrict_oom_score_adj = true
"""
"""For containerd where it may not say whom the kernel kills last: it says so only as far as it may."""


def kind_config(
    cluster: PlannedCluster, image: str, cpuinfo: Path, resolvers: Path, *, restricted: bool = False
) -> str:
    """Kind's configuration file.

    Args:
        cluster: as planned.
        image: of its nodes.
        cpuinfo: what nodes see instead of the kernel's own.
        resolvers: folder with ``resolv.conf`` of each node whose site has a resolver, by the node's name.
        restricted: some rights are kept back from root here (:mod:`testbed.kubernetes.rights`).
    """
    document: dict[str, Any] = {
        "kind": "Cluster",
        "apiVersion": "kind.x-k8s.io/v1alpha4",
        "name": cluster.name,
        "networking": {
            "disableDefaultCNI": True,
            "kubeProxyMode": cluster.joined_by.dataplane,
            "podSubnet": cluster.pods,
            "serviceSubnet": cluster.services,
            "apiServerAddress": LOOPBACK,
            "apiServerPort": cluster.port,
        },
        "kubeadmConfigPatches": [_text(patch) for patch in _common(cluster)],
        "kubeadmConfigPatchesJSON6902": [_lasting()],
        "nodes": [_node(cluster, node, image, _mounts(node, cpuinfo, resolvers)) for node in cluster.nodes],
    }
    if restricted:
        document["containerdConfigPatches"] = [RESTRICTED]
    return _text(document)


def _mounts(node: PlannedClusterNode, cpuinfo: Path, resolvers: Path) -> Iterator[dict[str, Any]]:
    yield {"hostPath": str(cpuinfo), "containerPath": CPUINFO, "readOnly": True}
    if node.asks:  # not Docker's own resolver, which would be a way out of the lab; the node's first step writes to it
        yield {"hostPath": str(resolvers / node.name), "containerPath": RESOLV}


def _node(
    cluster: PlannedCluster, node: PlannedClusterNode, image: str, mounts: Iterable[dict[str, Any]]
) -> dict[str, Any]:
    return {
        "role": node.role,
        "image": image,
        "extraMounts": list(mounts),
        "kubeadmConfigPatches": [_text(patch) for patch in _own(cluster, node)],
    }


def _common(cluster: PlannedCluster) -> list[dict[str, Any]]:
    names = [node.name for node in cluster.nodes if node.role == "control-plane"]
    return [
        {
            "kind": "ClusterConfiguration",
            "controlPlaneEndpoint": cluster.endpoint,
            "apiServer": {"certSANs": ["localhost", LOOPBACK, cluster.control_plane.address, *names]},
        }
    ]


def _lasting() -> dict[str, str]:
    """Certificates that outlast what is kept, whenever a lab is up on the real clock.

    kubeadm's form v1beta3, which kind speaks below Kubernetes 1.36, cannot say for how long: so this one document of
    kind's is made one of v1beta4, with what kind gives to the programs in that form.
    """
    given = {
        "apiServer": {"runtime-config": ""},
        "controllerManager": {"enable-hostpath-provisioner": "true", "cluster-signing-duration": CERTIFICATES_LAST},
        "scheduler": {},
    }
    fields: dict[str, Any] = {
        f"{program}/extraArgs": [{"name": name, "value": value} for name, value in arguments.items()]
        for program, arguments in given.items()
    }
    fields |= dict.fromkeys(("certificateValidityPeriod", "caCertificateValidityPeriod"), CERTIFICATES_LAST)
    fields["apiVersion"] = f"{KUBEADM}/v1beta4"
    steps = [{"op": "add", "path": f"/{name}", "value": value} for name, value in fields.items()]
    return {"group": KUBEADM, "version": "v1beta3", "kind": "ClusterConfiguration", "patch": _text(steps)}


def _own(cluster: PlannedCluster, node: PlannedClusterNode) -> list[dict[str, Any]]:
    registration = _registration(node)
    if node == cluster.control_plane:
        local = {"advertiseAddress": node.address, "bindPort": API_PORT}
        return [{"kind": "InitConfiguration", "localAPIEndpoint": local, "nodeRegistration": registration}]
    discovery = {"bootstrapToken": {"apiServerEndpoint": cluster.endpoint}}
    return [{"kind": "JoinConfiguration", "discovery": discovery, "nodeRegistration": registration}]


def _registration(node: PlannedClusterNode) -> dict[str, Any]:
    labels = ",".join(f"{name}={value}" for name, value in node.labels)
    # The form of kubeadm's v1beta3, which kind speaks below Kubernetes 1.36; above, this would be a list.
    told: dict[str, Any] = {
        "name": node.name,
        "kubeletExtraArgs": {"node-ip": node.address, "node-labels": labels},
    }
    if node.taint is not None:
        told["taints"] = [{"key": node.taint.key, "value": node.taint.value, "effect": node.taint.effect}]
    return told


def _text(document: object) -> str:
    return str(yaml.safe_dump(document, sort_keys=False))
