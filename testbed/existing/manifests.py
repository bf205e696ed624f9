"""A scenario's things as they are put on somebody else's cluster. Pure.

They are in one namespace, have labels by which they are found again, end by themselves after a while, and ask for no
right: what a namespace with the Pod Security Standard ``restricted`` lets in (kubernetes.io, Pod Security Standards).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from testbed.errors import InputError, Problem
from testbed.kubernetes import workloads
from testbed.kubernetes.objects import NAMESPACE
from testbed.kubernetes.workloads import Manifest
from testbed.plan.compile_clusters import SITE

OURS = {"app.kubernetes.io/managed-by": "testbed"}
"""A well-known label (kubernetes.io, recommended labels)."""
RUN = "testbed.run"
"""Label that tells runs apart."""
KINDS: Mapping[tuple[str, str], str] = {
    ("v1", "Pod"): "pods", ("v1", "Service"): "services", ("apps/v1", "Deployment"): "deployments",
    ("networking.k8s.io/v1", "NetworkPolicy"): "networkpolicies",
}  # fmt: skip
"""What a scenario may make, and what an API server calls it: all of it lies in a namespace, and nothing stays."""
CONDITIONS = "node.kubernetes.io/"
"""Begins taints that say how a node is. Source: kubernetes.io, taints and tolerations."""
NOBODY = 65534
PING_GROUPS = {"name": "net.ipv4.ping_group_range", "value": "0 2147483647"}
"""Lets any group have ping sockets; a safe sysctl (kubernetes.io, using sysctls in a cluster)."""
ASKED = {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"memory": "256Mi"}}
"""Of each container; arbitrary. No limit of CPU: a probe that is throttled measures that."""
TMP = {"name": "tmp", "emptyDir": {"medium": "Memory", "sizeLimit": "64Mi"}}
"""Where probes keep their files, as the image cannot be written to; arbitrary size."""


@dataclass(frozen=True)
class Frame:
    """Where things are put, and how.

    Attributes:
        run: name of the run, unlike that of any other.
        limit_s: after which a pod ends though nobody removes it.
        taints: of nodes, by node.
    """

    namespace: str
    image: str
    run: str
    label: str
    limit_s: int
    taints: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)

    @property
    def labels(self) -> dict[str, str]:
        """Of everything."""
        return {**OURS, RUN: self.run}


def namespace(frame: Frame, *, host_network: bool) -> Manifest:
    """The namespace, where there is none yet.

    ``host_network``: some pods use their node's, and only a privileged namespace lets them.
    """
    level = "privileged" if host_network else "restricted"
    labels = {**frame.labels, "pod-security.kubernetes.io/enforce": level}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": frame.namespace, "labels": labels}}


def fitted(thing: Manifest, frame: Frame) -> Manifest:
    """A thing as it is put there.

    Raises:
        InputError: it is of no kind in :data:`KINDS`, or of another namespace.
    """
    about, kind = thing["metadata"], (thing["apiVersion"], thing["kind"])
    called = f"{thing['kind'].lower()} {about['name']}"
    if kind not in KINDS:
        kinds = ", ".join(kind for _, kind in KINDS)
        raise InputError(
            Problem(called, "is not made on a cluster that is not the testbed's", f"a scenario may: {kinds}")
        )
    own_place(called, about.get("namespace", NAMESPACE), frame)
    made = {
        **thing,
        "metadata": {**about, "namespace": frame.namespace, "labels": {**about.get("labels", {}), **frame.labels}},
    }
    spec = thing["spec"]
    if thing["kind"] == "Pod":
        return {**made, "spec": {"restartPolicy": "Never", "activeDeadlineSeconds": frame.limit_s, **_pod(spec, frame)}}
    if thing["kind"] == "Deployment":
        template = spec["template"]
        labelled = {**template["metadata"], "labels": {**template["metadata"]["labels"], **frame.labels}}
        return {**made, "spec": {**spec, "template": {"metadata": labelled, "spec": _pod(template["spec"], frame)}}}
    if thing["kind"] == "Service":  # which port of its nodes a service may have, this cluster knows
        ports = [{name: value for name, value in port.items() if name != "nodePort"} for port in spec["ports"]]
        return {**made, "spec": {**spec, "ports": ports}}
    return made


def own_place(called: str, namespace: str, frame: Frame) -> None:
    """Refuse what is in a namespace that is somebody else's."""
    if namespace not in (NAMESPACE, frame.namespace):
        what = f"is of namespace {namespace}, and the testbed keeps to its own"
        raise InputError(Problem(called, what, "run it without --kubeconfig, in a lab of the testbed's own"))


def _pod(spec: Manifest, frame: Frame) -> Manifest:
    chosen = dict(spec.get("nodeSelector") or {})
    node = chosen.pop(workloads.HOSTNAME, "")
    if site := chosen.pop(SITE, ""):
        chosen[frame.label] = site
    sysctls = {} if spec.get("hostNetwork") else {"sysctls": [PING_GROUPS]}
    return {
        **spec,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "nodeSelector": chosen,
        **({"affinity": _on(node)} if node else {}),
        "tolerations": [*(spec.get("tolerations") or ()), *_tolerating(frame.taints.get(node, ()))],
        "securityContext": {
            "runAsNonRoot": True, "runAsUser": NOBODY, "runAsGroup": NOBODY,
            "seccompProfile": {"type": "RuntimeDefault"}, **sysctls,
        },
        "containers": [_container(one, frame) for one in spec["containers"]],
        "volumes": [*(spec.get("volumes") or ()), TMP],
    }  # fmt: skip


def _container(container: Manifest, frame: Frame) -> Manifest:
    own = container["image"] == workloads.IMAGE
    return {
        **container,
        "image": frame.image if own else container["image"],
        "imagePullPolicy": "IfNotPresent",
        "resources": ASKED,
        "securityContext": {
            "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [*(container.get("volumeMounts") or ()), {"name": TMP["name"], "mountPath": "/tmp"}],
    }  # fmt: skip


def _on(node: str) -> Manifest:
    """Affinity for one node by its own name: its label of host names may say another."""
    only = {"matchFields": [{"key": "metadata.name", "operator": "In", "values": [node]}]}
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [only]}}}


def _tolerating(taints: Sequence[Mapping[str, Any]]) -> list[Manifest]:
    """What lets a pod onto a node whose owner has tainted it; what Kubernetes itself does keeps it off."""
    return [
        {"key": taint["key"], "operator": "Exists", "effect": taint["effect"]}
        for taint in taints
        if not taint["key"].startswith(CONDITIONS)
    ]
