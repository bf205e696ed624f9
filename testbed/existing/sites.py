"""Nodes of a cluster that exists already, mapped to sites by a label, as the plan that scenarios look at. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from testbed.errors import InputError, Problem, known
from testbed.kubernetes.described import Thing, condition
from testbed.load import lab_id
from testbed.numbers import counted
from testbed.plan.clusters import PlannedCluster, PlannedClusterNode
from testbed.plan.compile_clusters import ZONE
from testbed.plan.plan import Node, Plan

CONTROL_PLANE = "node-role.kubernetes.io/control-plane"
"""Label of nodes of a control plane. Source: kubernetes.io, well-known labels. A managed one has no nodes to see."""
ADDRESS = "InternalIP"


@dataclass(frozen=True)
class Found:
    """What was found of a cluster.

    Attributes:
        context: of the kubeconfig.
        server: host of the API server's URL.
        version: of the API server.
        label: by which nodes are mapped to sites.
        nodes: as the API server has them.
    """

    context: str
    server: str
    version: str
    label: str
    nodes: tuple[Thing, ...]

    @property
    def name(self) -> str:
        """What it is called: the context's name, without what AWS writes before it, an account's number among it."""
        return self.context.rpartition("/")[2]

    @property
    def used(self) -> list[Thing]:
        """Nodes that pods may be put on: a cordoned one is somebody's who wants to be left alone."""
        return [node for node in self.nodes if not node["spec"].get("unschedulable")]

    def taints(self) -> dict[str, list[Thing]]:
        """Taints of nodes, by node."""
        return {_name(node): list(node["spec"].get("taints") or ()) for node in self.nodes}

    def sites(self) -> dict[str, int]:
        """How many nodes each site has."""
        return dict(Counter(_labels(node)[self.label] for node in self.used))


def plan_of(found: Found) -> Plan:
    """The plan of what was found: nodes with their sites and addresses, and no link, as none is known.

    Raises:
        InputError: with every node that cannot be used.
    """
    if problems := list(_problems(found)):
        raise InputError(problems)
    nodes = tuple(_node(found, node) for node in found.used)
    cluster = PlannedCluster(
        name=found.name, version=found.version, cni=None, nodes=nodes, pods="", services="", path_mtu=0, mtu=0
    )
    return Plan(
        lab=lab_id(found.name), topology=found.name, about=about(found), parameters={},
        nodes=tuple(_host(node, _labels(thing)) for node, thing in zip(nodes, found.used, strict=True)),
        bridges=(), cables=(), links=(), tunnels=(), loopbacks=(), routes=(), blocks_icmp=(), routing=(), reach=(),
        clusters=(cluster,),
    )  # fmt: skip


def about(found: Found) -> str:
    """One line: which cluster, and where its nodes are."""
    sites = ", ".join(f"{site} {counted(count, 'node')}" for site, count in found.sites().items())
    return f"Kubernetes {found.version} at {found.server}: {sites}"


def _problems(found: Found) -> Iterator[Problem]:
    if not found.used:
        yield Problem(
            f"context {found.context}", "the cluster has no node that pods may be put on", "kubectl get nodes"
        )
    for node in found.used:
        name, labels = _name(node), _labels(node)
        if not labels.get(found.label):
            hint = f"kubectl label node {name} {found.label}=SITE, or --site-label: {known('', _usual(found.used))}"
            yield Problem(f"node {name}", f"has no label {found.label}, by which nodes are mapped to sites", hint)
        if condition(node, "Ready") != "True":
            hint = f"kubectl describe node {name}; a node that is cordoned is left out: kubectl cordon {name}"
            yield Problem(f"node {name}", "is not ready", hint)
        if not _address(node):
            yield Problem(f"node {name}", f"has no address of type {ADDRESS}", f"kubectl get node {name} -o yaml")


def _usual(nodes: Iterable[Thing]) -> set[str]:
    """Labels that every node has with a value, of which a site may be told."""
    every = [{name for name, value in _labels(node).items() if value} for node in nodes]
    own = {name for name in set.intersection(*every) if name.startswith(("kubernetes.io/", "beta."))}
    return set.intersection(*every) - own


def _node(found: Found, node: Thing) -> PlannedClusterNode:
    labels = _labels(node)
    return PlannedClusterNode(
        name=_name(node), container="", role="control-plane" if CONTROL_PLANE in labels else "worker",
        site=labels[found.label], address=_address(node), labels=tuple(sorted(labels.items())),
    )  # fmt: skip


def _host(node: PlannedClusterNode, labels: Mapping[str, str]) -> Node:
    return Node(
        name=node.name, kind="host", role="host", site=node.site, zone=labels.get(ZONE, ""), address=node.address,
        address6="", forwards=True,
    )  # fmt: skip


def _name(node: Thing) -> str:
    return str(node["metadata"]["name"])


def _labels(node: Thing) -> Mapping[str, str]:
    return node["metadata"].get("labels") or {}


def _address(node: Thing) -> str:
    addresses: Sequence[Thing] = node["status"].get("addresses") or ()
    return next((str(one["address"]) for one in addresses if one["type"] == ADDRESS), "")
