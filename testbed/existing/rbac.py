"""The rights that a run on an existing cluster needs, and no more, as manifests for its owner to apply. Pure.

Whoever applies them makes the namespace as well: a right to make namespaces cannot be limited to one of a name.
"""

from __future__ import annotations

from testbed.existing.manifests import KINDS, OURS
from testbed.kubernetes.rbac import SEE, granted, rule
from testbed.kubernetes.workloads import Manifest

NAME = "testbed"
"""Of the account, the roles and what binds them."""
MAKE = ("create", "patch", "delete")
"""Applying a thing is a patch, and a create where it is new (kubernetes.io, server-side apply)."""


def manifests(namespace: str) -> list[Manifest]:
    """Namespace, account, roles and bindings."""
    who = {"name": NAME, "namespace": namespace}
    about = {**who, "labels": OURS}
    wide = {"name": f"{NAME}-{namespace}", "labels": OURS}
    enforce = {"pod-security.kubernetes.io/enforce": "restricted"}
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace, "labels": enforce}},
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": about},
        *granted("Role", about, who, _in_namespace()),
        *granted("ClusterRole", wide, who, _everywhere(namespace)),
    ]


def _in_namespace() -> list[Manifest]:
    made = [rule([_group(version)], [resource], *SEE, *MAKE) for (version, _), resource in KINDS.items()]
    return [
        *made,
        rule([""], ["pods/exec"], "get", "create"),  # a websocket is got, an older protocol creates
        rule(["discovery.k8s.io"], ["endpointslices"], "list", "watch"),
    ]


def _everywhere(namespace: str) -> list[Manifest]:
    return [
        rule([""], ["nodes"], "list", "watch"),
        rule([""], ["namespaces"], "get", names=[namespace]),
    ]


def _group(version: str) -> str:
    return version.rpartition("/")[0]
