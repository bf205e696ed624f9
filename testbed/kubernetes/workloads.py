"""What scenarios put on a cluster, as Kubernetes' own manifests. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from testbed.plan.compile_clusters import SITE

Manifest = dict[str, Any]

IMAGE = "docker.io/testbed/pods:1"
"""On every node: a shell, curl, fio, iperf3, ping, socat and ip."""
WAIT = ("sleep", "infinity")
HOSTNAME = "kubernetes.io/hostname"
"""A well-known label: kubelet gives each node its name."""
NAMES = {"k8s-app": "kube-dns"}
"""Labels of CoreDNS's pods. Source: kubeadm, addons."""
NEAR = {"trafficDistribution": "PreferClose"}
"""Of a service: kube-proxy keeps to endpoints of its own zone while there are any. Source: kubernetes.io, services."""
GRACE_S = 1
"""What waits for nothing needs no 30 s to end; arbitrary."""


def pod(
    name: str, *, site: str = "", node: str = "", labels: Mapping[str, str] | None = None,
    command: Sequence[str] = WAIT, **spec: Any,
) -> Manifest:  # fmt: skip
    """One pod; ``site`` and ``node``: where the scheduler may put it. Its labels begin with ``app: NAME``.

    ``spec``: further fields of a PodSpec, such as ``tolerations``.
    """
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": _named(name, labels),
        "spec": _pod_spec(site, node, command) | spec,
    }


def deployment(
    name: str, replicas: int, *, site: str = "", labels: Mapping[str, str] | None = None,
    command: Sequence[str] = WAIT, **spec: Any,
) -> Manifest:  # fmt: skip
    """Several pods alike, replaced when they are gone; see :func:`pod`."""
    named = _named(name, labels)
    template = {"metadata": {"labels": named["labels"]}, "spec": _pod_spec(site, "", command) | spec}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": named,
        "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": name}}, "template": template},
    }


def service(
    name: str, selector: Mapping[str, str], port: int, *, node_port: bool = False, near: bool = False
) -> Manifest:  # fmt: skip
    """A service for UDP and TCP; its pods listen at the same port, and so does every node if ``node_port``.

    ``near``: what is sent from a zone stays in it while there are pods of the service (:data:`NEAR`).
    """
    own = {"nodePort": port} if node_port else {}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {
            "type": "NodePort" if node_port else "ClusterIP",
            "selector": dict(selector),
            **(NEAR if near else {}),
            "ports": [
                {"name": protocol.lower(), "protocol": protocol, "port": port, "targetPort": port, **own}
                for protocol in ("UDP", "TCP")
            ],
        },
    }


def outlasting(seconds: int | None) -> list[Manifest]:
    """Tolerations: how long a pod stays on a node that is lost, or not ready; ``None``: for ever."""
    limit = {} if seconds is None else {"tolerationSeconds": seconds}
    return [
        {"key": key, "operator": "Exists", "effect": "NoExecute", **limit}
        for key in ("node.kubernetes.io/unreachable", "node.kubernetes.io/not-ready")
    ]


def spread(labels: Mapping[str, str], *, honour_taints: bool = False, over: str = SITE) -> list[Manifest]:
    """Constraints: as many pods with these labels at every site, one more at most, or they stay pending.

    Pods of a Deployment's earlier templates do not count. ``honour_taints``: a site all of whose nodes are tainted is
    none, so that its share may go elsewhere; otherwise it is an empty site. Source: kubernetes.io, pod topology spread
    constraints (``nodeTaintsPolicy`` is ``Ignore`` unless it is set).
    """
    policy = {"nodeTaintsPolicy": "Honor"} if honour_taints else {}
    return [
        {
            "maxSkew": 1, "topologyKey": over, "whenUnsatisfiable": "DoNotSchedule",
            "labelSelector": {"matchLabels": dict(labels)}, "matchLabelKeys": ["pod-template-hash"], **policy,
        }
    ]  # fmt: skip


def names_at_every_site() -> list[Manifest]:
    """Changes to kind's own CoreDNS: one at each of two sites, and questions stay in their zone while they can."""
    about = {"namespace": "kube-system"}
    spec = {"topologySpreadConstraints": spread(NAMES)}
    return [
        {
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "coredns", **about},
            "spec": {"template": {"spec": spec}},
        },
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "kube-dns", **about}, "spec": dict(NEAR)},
    ]  # fmt: skip


def _named(name: str, labels: Mapping[str, str] | None) -> Manifest:
    return {"name": name, "labels": {"app": name, **(labels or {})}}


def _pod_spec(site: str, node: str, command: Sequence[str]) -> Manifest:
    chosen = ({SITE: site} if site else {}) | ({HOSTNAME: node} if node else {})
    container = {"name": "main", "image": IMAGE, "imagePullPolicy": "Never", "command": list(command)}
    return {"nodeSelector": chosen, "terminationGracePeriodSeconds": GRACE_S, "containers": [container]}
