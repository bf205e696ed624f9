"""What a record says of a lab's clusters: which nodes were held for lost, and when. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from testbed.errors import Problem, known
from testbed.history import History
from testbed.plan.plan import Plan


def problems(plan: Plan, *names: str) -> Iterator[Problem]:
    """Names that are no nodes of a cluster."""
    nodes = [node.name for cluster in plan.clusters for node in cluster.nodes]
    for name in names:
        if name not in nodes:
            yield Problem(f"node {name}", "no node of a cluster", known(name, nodes))


def cut_off_problems(plan: Plan, site: str) -> Iterator[Problem]:
    """Why a site cannot be cut off from its cluster while others go on."""
    nodes = [node for cluster in plan.clusters for node in cluster.nodes]
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
