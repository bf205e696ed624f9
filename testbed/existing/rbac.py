"""The rights that a run on an existing cluster needs, and no more, as manifests for its owner to apply. Pure.

Whoever applies them makes the namespace as well: a right to make namespaces cannot be limited to one of a name.
"""

from __future__ import annotations

from typing import Any

from testbed.existing.manifests import KINDS, OURS
from testbed.kubernetes.workloads import Manifest

NAME = "testbed"
"""Of the account, the roles and what binds them."""
RBAC = "rbac.authorization.k8s.io"
SEEN, MADE = ("get", "list", "watch"), ("create", "patch", "delete")
"""Applying a thing is a patch, and a create where it is new (kubernetes.io, server-side apply)."""


def manifests(namespace: str) -> list[Manifest]:
    """Namespace, account, roles and bindings."""
    place = {"name": NAME, "namespace": namespace, "labels": OURS}
    wide = {"name": f"{NAME}-{namespace}", "labels": OURS}
    who = [{"kind": "ServiceAccount", "name": NAME, "namespace": namespace}]
    enforce = {"pod-security.kubernetes.io/enforce": "restricted"}
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace, "labels": enforce}},
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": place},
        _of("Role", place, rules=_in_namespace()),
        _of("RoleBinding", place, roleRef=_role("Role", NAME), subjects=who),
        _of("ClusterRole", wide, rules=_everywhere(namespace)),
        _of("ClusterRoleBinding", wide, roleRef=_role("ClusterRole", str(wide["name"])), subjects=who),
    ]


def _in_namespace() -> list[Manifest]:
    made = [_rule([_group(version)], [resource], *SEEN, *MADE) for (version, _), resource in KINDS.items()]
    return [
        *made,
        _rule([""], ["pods/exec"], "get", "create"),  # a websocket is got, an older protocol creates
        _rule(["discovery.k8s.io"], ["endpointslices"], "list", "watch"),
    ]


def _everywhere(namespace: str) -> list[Manifest]:
    return [
        _rule([""], ["nodes"], "list", "watch"),
        {**_rule([""], ["namespaces"], "get"), "resourceNames": [namespace]},
    ]


def _group(version: str) -> str:
    return version.rpartition("/")[0]


def _rule(groups: list[str], resources: list[str], *verbs: str) -> Manifest:
    return {"apiGroups": groups, "resources": resources, "verbs": list(verbs)}


def _role(kind: str, name: str) -> Manifest:
    return {"apiGroup": RBAC, "kind": kind, "name": name}


def _of(kind: str, about: Manifest, **fields: Any) -> Manifest:
    return {"apiVersion": f"{RBAC}/v1", "kind": kind, "metadata": about, **fields}
