"""Clusters across sites: what may be asked of them, the way between two of their nodes, and which were lost. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from testbed.check import failures
from testbed.check.cases import Case, case
from testbed.errors import Problem, known
from testbed.history import History
from testbed.plan.clusters import PlannedCluster
from testbed.plan.plan import Plan
from testbed.units import Duration


def several(plan: Plan) -> Iterator[Problem]:
    """More clusters than a scenario that is about one looks at."""
    if len(plan.clusters) > 1:
        names = ", ".join(cluster.name for cluster in plan.clusters)
        what = f"has the clusters {names}, and this scenario is about one"
        yield Problem(plan.topology, what, "a topology like topologies/stretched_cluster.py has one")


def problems(plan: Plan, *names: str) -> Iterator[Problem]:
    """Names that are no nodes of the one cluster."""
    yield from several(plan)
    nodes = [node.name for node in plan.cluster_nodes]
    for name in names:
        if name not in nodes:
            yield Problem(f"node {name}", "no node of a cluster", known(name, nodes))


def way_problems(plan: Plan, values: Mapping[str, object], failure: str = "silent") -> Iterator[Problem]:
    """Why the nodes ``source`` and ``target`` of a scenario's values have no way between sites that can fail so."""
    ends = str(values["source"]), str(values["target"])
    yield from failures.problems(plan, *ends, failure)
    yield from problems(plan, *ends)


def way(plan: Plan, values: Mapping[str, object]) -> Case:
    """The way between these two nodes, and what takes over when it is gone, for however long."""
    return case(plan, str(values["source"]), str(values["target"]), Duration(0))


def of_node(plan: Plan, node: str) -> PlannedCluster:
    """The cluster that a node is of. Raises ``KeyError``: it is of none."""
    for cluster in plan.clusters:
        if node in [each.name for each in cluster.nodes]:
            return cluster
    raise KeyError(node)


def across(plan: Plan, source: str, target: str, door: str) -> Iterator[Problem]:
    """Why these are not a node of one cluster and two of another."""
    nodes = [node.name for node in plan.cluster_nodes]
    if unknown := [name for name in dict.fromkeys((source, target, door)) if name not in nodes]:
        yield from (Problem(f"node {name}", "no node of a cluster", known(name, nodes)) for name in unknown)
        return
    near, far = of_node(plan, source), of_node(plan, target)
    if near == far:
        what = f"are both of cluster {near.name}"
        yield Problem(f"{source} and {target}", what, "a topology like topologies/two_clusters.py has two")
    elif of_node(plan, door) != far:
        names = ", ".join(node.name for node in far.nodes)
        yield Problem(f"node {door}", f"is not of cluster {far.name}, as {target} is", f"one of {names}")


def cut_off_problems(plan: Plan, site: str) -> Iterator[Problem]:
    """Why a site cannot be cut off from its cluster while others go on."""
    yield from several(plan)
    nodes = plan.cluster_nodes
    sites = {node.site for node in nodes}
    if not nodes:
        yield Problem(plan.lab, "has no cluster", "a topology like topologies/stretched_cluster.py has one")
    elif site not in sites:
        yield Problem(f"site {site}", "has no node of a cluster", known(site, sites))
    elif any(node.site == site and node.role == "control-plane" for node in nodes):
        yield Problem(f"site {site}", "has the control plane", known(site, sites - {site}))
    elif not any(node.site != site and node.role == "worker" for node in nodes):
        yield Problem(f"site {site}", "has all workers", "give another site one")


def not_ready(history: History, since_ns: int) -> dict[str, int]:
    """Nodes that the control plane held for not ready since then: each with the first instant, in ns of the record."""
    first: dict[str, int] = {}
    for event in history.of("kubernetes.node"):
        if event.t_ns >= since_ns and not event.fields.get("gone") and not event.fields["ready"]:
            first.setdefault(event.fields["name"], event.t_ns)
    return first
