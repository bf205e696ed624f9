"""Accounts and what they may do, as Kubernetes' own manifests. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from testbed.kubernetes.workloads import Manifest

GROUP = "rbac.authorization.k8s.io"
VERSION = f"{GROUP}/v1"
SEE = ("get", "list", "watch")
"""Verbs of who only looks."""


def rule(groups: Sequence[str], resources: Sequence[str], *verbs: str, names: Sequence[str] = ()) -> Manifest:
    """What a role allows: these verbs on these resources, or on those of some names alone. RBAC knows no labels."""
    made = {"apiGroups": [*groups], "resources": [*resources], "verbs": [*verbs]}
    return {**made, "resourceNames": [*names]} if names else made


def granted(
    kind: Literal["Role", "ClusterRole"], about: Mapping[str, Any], who: Mapping[str, str], rules: Sequence[Manifest]
) -> list[Manifest]:
    """A role, and the binding of the same name that gives it to an account.

    Args:
        kind: ``Role``: in the namespace of ``about``.
        about: metadata of both.
        who: name and namespace of the account.
        rules: of :func:`rule`.
    """
    return [
        {"apiVersion": VERSION, "kind": kind, "metadata": about, "rules": rules},
        {
            "apiVersion": VERSION, "kind": f"{kind}Binding", "metadata": about,
            "roleRef": {"apiGroup": GROUP, "kind": kind, "name": about["name"]},
            "subjects": [{"kind": "ServiceAccount", **who}],
        },
    ]  # fmt: skip


def operator(name: str, namespace: str, nodes: Sequence[str]) -> list[Manifest]:
    """The operator of a site: all of what runs in a namespace of his own, every node to look at, his own to mark."""
    own = {"name": name, "namespace": namespace}
    of_nodes = [rule([""], ["nodes"], *SEE), rule([""], ["nodes"], "patch", names=nodes)]
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}},
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": own},
        *granted("Role", own, own, [rule(["", "apps"], ["*"], "*")]),
        *granted("ClusterRole", {"name": f"{namespace}-{name}"}, own, of_nodes),
    ]
