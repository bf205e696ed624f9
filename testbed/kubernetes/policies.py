"""Network policies as Kubernetes' own manifests. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from testbed.kubernetes.workloads import Manifest

Labels = Mapping[str, str]
PROTOCOLS = ("TCP", "UDP")


def policy(
    name: str, selects: Labels, *, ingress_from: Sequence[Labels] | None = None,
    egress_to: Sequence[Labels] | None = None, port: int = 0,
) -> Manifest:  # fmt: skip
    """A policy for the pods of a namespace that have some labels.

    Args:
        name: of it.
        selects: labels of the pods that it isolates; empty: all of its namespace.
        ingress_from: pods that may connect to them; empty: none; ``None``: this policy says nothing of that.
        egress_to: pods that they may connect to, likewise.
        port: the only one at which; 0: any.
    """
    spec: dict[str, Any] = {"podSelector": _selector(selects), "policyTypes": []}
    for way, side, peers in (("Ingress", "from", ingress_from), ("Egress", "to", egress_to)):
        if peers is not None:
            spec["policyTypes"].append(way)
            spec[way.lower()] = [_rule(side, peer, port) for peer in peers]
    return {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": name}, "spec": spec}


def _rule(side: str, peer: Labels, port: int) -> Manifest:
    rule: Manifest = {side: [{"podSelector": _selector(peer)}]}
    if port:
        rule["ports"] = [{"protocol": protocol, "port": port} for protocol in PROTOCOLS]
    return rule


def _selector(labels: Labels) -> Manifest:
    return {"matchLabels": dict(labels)} if labels else {}
