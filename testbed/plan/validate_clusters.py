"""What can be wrong with clusters."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator
from ipaddress import IPv4Network

from testbed.clusters import MANAGEMENT_RANGE, VERSION, Cluster
from testbed.errors import Problem, known
from testbed.model import Model
from testbed.plan.validate_peering import peerings
from testbed.theory.mtu import MIN_MTU

SERVICES_PREFIX_MIN = 12
"""kube-apiserver refuses a larger range of services (kubernetes cmd/kube-apiserver/app/options/validation.go)."""


def clusters(model: Model) -> Iterator[Problem]:
    """Every problem of a model's clusters."""
    for cluster in model.clusters:
        where = f"cluster {cluster.name}"
        if cluster.version != VERSION:
            yield Problem(where, f"Kubernetes {cluster.version} cannot be had", known(cluster.version, [VERSION]))
        yield from _cni(model, where, cluster)
        sites = {node.site for node in cluster.nodes}
        for site in dict(cluster.taints):
            if site not in sites:
                yield Problem(where, f"taints for {site!r}, where it has no nodes", known(site, sites))
        for site in sorted(sites - {router.site for router in model.routers}):
            what = f"site {site} has no router, which its nodes' default route would lead to"
            yield Problem(where, what, f"give it one: {site}.router(...), linked or not")
        yield from _ranges(model, where, cluster)
    for first, second in itertools.combinations(model.clusters, 2):
        yield from _apart(first, second)


def _apart(first: Cluster, second: Cluster) -> Iterator[Problem]:
    """Where routers know the way to the pods of both, an address can be of one alone."""
    if first.cni.speaks_as is None or second.cni.speaks_as is None:
        return
    for mine, theirs in (("pods", "pods"), ("pods", "services"), ("services", "pods")):
        ranges = getattr(second, mine), getattr(first, theirs)
        with contextlib.suppress(ValueError):  # told elsewhere
            if IPv4Network(ranges[0]).overlaps(IPv4Network(ranges[1])):
                what = f"{mine}: {ranges[0]} overlaps {ranges[1]} of {theirs} of cluster {first.name}"
                hint = "pods of both are routed: choose another range, or a mode that wraps packets, such as vxlan"
                yield Problem(f"cluster {second.name}", what, hint)


def _cni(model: Model, where: str, cluster: Cluster) -> Iterator[Problem]:
    cni = cluster.cni
    yield from (Problem(where, f"{cni.name.capitalize()}: {what}", hint) for what, hint in cni.unfit())
    if cni.mtu is not None and cni.mtu < MIN_MTU[6]:
        yield Problem(where, f"an MTU of {cni.mtu} for pods is too small", f"at least {MIN_MTU[6]}")
    yield from peerings(model, where, cluster)
    nodes = {node.host for node in cluster.nodes}
    subnets = sorted({(host.site, host.subnet) for host in model.hosts if host.name in nodes})
    if cni.one_subnet and len(subnets) > 1:
        named = ", ".join(subnet for _, subnet in subnets)
        what = f"{cni.title} needs all nodes in one subnet, and they are in {len(subnets)}: {named}"
        yield Problem(where, what, "choose a mode that wraps packets, such as vxlan")


def _ranges(model: Model, where: str, cluster: Cluster) -> Iterator[Problem]:
    own: dict[str, IPv4Network] = {}
    for name, text in (("pods", cluster.pods), ("services", cluster.services)):
        try:
            own[name] = IPv4Network(text)
        except ValueError:
            yield Problem(where, f"{name}: {text!r} is no range of IPv4 addresses", "such as 10.244.0.0/16")
    if "services" in own and own["services"].prefixlen < SERVICES_PREFIX_MIN:
        yield Problem(where, f"services: {cluster.services} is too large", f"/{SERVICES_PREFIX_MIN} at most")
    block = cluster.cni.node_block
    if "pods" in own and own["pods"].num_addresses < len(cluster.nodes) << (32 - block):
        yield Problem(where, f"pods: {cluster.pods} is too small", f"a /{block} for each node")
    others = {f"site {site.name}": site.cidr for site in model.sites} | {"Docker's own network": MANAGEMENT_RANGE}
    taken: dict[str, IPv4Network] = {}
    for name, text in others.items():
        with contextlib.suppress(ValueError):  # told elsewhere
            taken[name] = IPv4Network(text)
    pairs = [*itertools.product(own.items(), taken.items()), *itertools.combinations(own.items(), 2)]
    for (name, mine), (other, theirs) in pairs:
        if mine.overlaps(theirs):
            yield Problem(where, f"{name}: {mine} overlaps {theirs} of {other}", "choose a range that nobody has")
