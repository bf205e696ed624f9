"""Accounts and what they may do, as Kubernetes' own manifests. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from testbed.kubernetes.workloads import Manifest

GROUP = "rbac.authorization.k8s.io"
VERSION = f"{GROUP}/v1"


def operator(name: str, namespace: str, nodes: Sequence[str]) -> list[Manifest]:
    """The operator of a site: all of what runs in a namespace of his own, every node to look at, his own to mark.

    RBAC knows no labels, so the nodes that he may change are told by name.
    """
    who = [{"kind": "ServiceAccount", "name": name, "namespace": namespace}]
    called = f"{namespace}-{name}"
    own = {"name": name, "namespace": namespace}
    everything = {"apiGroups": ["", "apps"], "resources": ["*"], "verbs": ["*"]}
    look = {"apiGroups": [""], "resources": ["nodes"], "verbs": ["get", "list", "watch"]}
    mark = {"apiGroups": [""], "resources": ["nodes"], "verbs": ["patch"], "resourceNames": list(nodes)}
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}},
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": own},
        {"apiVersion": VERSION, "kind": "Role", "metadata": own, "rules": [everything]},
        {"apiVersion": VERSION, "kind": "RoleBinding", "metadata": own, "subjects": who, "roleRef": _ref("Role", name)},
        {"apiVersion": VERSION, "kind": "ClusterRole", "metadata": {"name": called}, "rules": [look, mark]},
        {
            "apiVersion": VERSION, "kind": "ClusterRoleBinding", "metadata": {"name": called}, "subjects": who,
            "roleRef": _ref("ClusterRole", called),
        },
    ]  # fmt: skip


def _ref(kind: str, name: str) -> Manifest:
    return {"apiGroup": GROUP, "kind": kind, "name": name}
