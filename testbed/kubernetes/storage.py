"""Classes of storage and what claims them, as Kubernetes' own manifests. Pure."""

from __future__ import annotations

from typing import Any

from testbed.kubernetes.rbac import SEE, granted, rule
from testbed.kubernetes.workloads import Manifest
from testbed.plan.compile_clusters import SITE, ZONE

NFS_PROVISIONER, NFS_IMAGE = "testbed.site/nfs", "docker.io/testbed/nfs-provisioner:v11.0.1"
LOCAL = "rancher.io/local-path"
"""The provisioner that kind's node image brings: a folder of the node that the scheduler has chosen."""
NAMESPACE = "kube-system"
FIRST = "WaitForFirstConsumer"
"""A volume is made where its first pod is put. Source: kubernetes.io, storage classes, volume binding mode."""
SHARE, DATA = "/share", "/data"
"""Where the provisioner has the share, and pods their volume."""


def nfs_class(name: str, server: str, path: str, options: str, *, site: str = "") -> list[Manifest]:
    """A class whose volumes are folders of one NFS share, with the provisioner that makes them.

    Args:
        name: of the class.
        server: address.
        path: of the share, as the server exports it.
        options: of the mounts of pods, with commas between: nfs(5).
        site: where the provisioner runs.
    """
    called = f"{name}-provisioner"
    about = {"name": called, "namespace": NAMESPACE}
    environment = {"NFS_SERVER": server, "NFS_PATH": path, "PROVISIONER_NAME": NFS_PROVISIONER}
    container = {
        "name": "main", "image": NFS_IMAGE, "imagePullPolicy": "Never",
        "env": [{"name": each, "value": value} for each, value in environment.items()],
        "volumeMounts": [{"name": "share", "mountPath": SHARE}],
    }  # fmt: skip
    spec: dict[str, Any] = {
        "serviceAccountName": called, "containers": [container],
        "volumes": [{"name": "share", "nfs": {"server": server, "path": path}}],
        **({"nodeSelector": {SITE: site}} if site else {}),
    }  # fmt: skip
    labels = {"app": called}
    return [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": about},
        *granted("ClusterRole", {"name": called}, about, _rules()),
        {
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": about,
            "spec": {
                "replicas": 1, "selector": {"matchLabels": labels},
                "template": {"metadata": {"labels": labels}, "spec": spec},
            },
        },
        {
            "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": name},
            "provisioner": NFS_PROVISIONER, "reclaimPolicy": "Delete", "mountOptions": options.split(","),
        },
    ]  # fmt: skip


def _rules() -> list[Manifest]:
    """What the library needs. Source: sig-storage-lib-external-provisioner, README."""
    return [
        rule([""], ["persistentvolumes"], *SEE, "create", "delete"),
        rule([""], ["persistentvolumeclaims"], *SEE, "update"),
        rule(["storage.k8s.io"], ["storageclasses"], *SEE),
        rule([""], ["events"], "create", "update", "patch"),
        rule([""], ["nodes"], *SEE),
    ]


def zonal_class(name: str, zone: str) -> Manifest:
    """A class whose volumes are of one zone, as those of block storage in a cloud are: folders of a node there."""
    return {
        "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": name}, "provisioner": LOCAL,
        "reclaimPolicy": "Delete", "volumeBindingMode": FIRST,
        "allowedTopologies": [{"matchLabelExpressions": [{"key": ZONE, "values": [zone]}]}],
    }  # fmt: skip


def claim(name: str, of: str, *, many: bool = False, size: str = "64Mi") -> Manifest:
    """A claim of a class; ``many``: pods of several nodes may have it at once."""
    return {
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name},
        "spec": {
            "accessModes": ["ReadWriteMany" if many else "ReadWriteOnce"], "storageClassName": of,
            "resources": {"requests": {"storage": size}},
        },
    }  # fmt: skip


def mounting(pod: Manifest, claimed: str) -> Manifest:
    """The same pod with a claim's volume at :data:`DATA`."""
    spec = pod["spec"]
    (container,) = spec["containers"]
    volume = {"name": "data", "persistentVolumeClaim": {"claimName": claimed}}
    mounts = [{"name": "data", "mountPath": DATA}]
    return {**pod, "spec": {**spec, "volumes": [volume], "containers": [{**container, "volumeMounts": mounts}]}}
