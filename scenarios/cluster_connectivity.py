"""Who reaches whom in a Kubernetes cluster across sites: pods, nodes, services and names, and what policies stop.

A pod on each node, and the nodes themselves, try each other, a service and its port on every node. The largest packet
between pods is searched, also by the way that takes over when the usual one fails, with and without fragments. Then
network policies are put in force one after the other, and packets say what they do.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from testbed import Lab, Measurement, Result, Scenario
from testbed.check import clusters
from testbed.check.cases import case
from testbed.check.failover import ideal_rtt
from testbed.errors import Problem
from testbed.plan.clusters import PlannedCluster
from testbed.plan.plan import Plan
from testbed.run import cluster_ends, cluster_policies, cluster_reach
from testbed.run.cluster_ends import PORT, labels, pod_names, pod_on, serving
from testbed.theory.interval import Expectation, exactly
from testbed.theory.mtu import tunnel_mtu
from testbed.units import Duration

NETWORK = "kubernetes.io, services, load balancing and networking: all pods reach all others, without NAT"
ANSWERS_MS = 5.0
"""For CoreDNS to answer what it knows; arbitrary."""

scenario = Scenario(
    topology="../topologies/stretched_cluster.py",
    question="Does everything in a stretched cluster reach everything, at which MTU, and do network policies hold?",
    hypothesis="all do, pods with the MTU that every way leaves, also by the backup; policies stop what they select",
    refuted_by="a pair that fails, a large packet that vanishes, a pair that passes and must not, or a policy in vain",
)
scenario.param("source", str, "aws-1", "node of the pod that sends by the backup")
scenario.param("target", str, "onprem-1", "node of the pod that it sends to, at another site")


@scenario.check
def check(plan: Plan, values: Mapping[str, object]) -> Iterator[Problem]:
    """Hosts that are no nodes of two sites."""
    yield from clusters.way_problems(plan, values)


def sets(cluster: PlannedCluster) -> dict[str, Sequence[Mapping[str, Any]]]:
    """The policies that are tried, by what they are for."""
    from testbed.kubernetes.policies import policy

    sites = dict.fromkeys(node.site for node in cluster.nodes)
    return {
        "default deny": (policy("default-deny", {}, ingress_from=()),),
        "own site only": tuple(
            policy(f"only-{site}", {"site": site}, ingress_from=({"site": site},)) for site in sites
        ),
        "egress to one service": (
            policy("one-service", {}, egress_to=({"app": labels(cluster, serving(cluster))["app"]},), port=PORT),
        ),
    }  # fmt: skip


@scenario.run
def run(lab: Lab) -> None:
    """Reach, names, policies, and the backup's MTU."""
    ends = cluster_ends.set_up(lab)
    cluster_reach.reach(lab, ends)
    cluster_reach.names(lab, ends)
    cluster_policies.enforce(lab, ends, sets(ends.cluster.plan))
    breaks, source, target = clusters.way(lab.plan, lab.values), lab.value("source", str), lab.value("target", str)
    if breaks.detour:
        with lab.fault.silent(breaks.link):
            lab.wait_until(lab.path(source, target).avoids(breaks.link), within="300 s")
            for drop in (False, True):
                cluster_reach.sizes(lab, ends, pod_on(source), pod_on(target), drop=drop)


@scenario.measure
def measure(result: Result) -> Iterator[Measurement]:
    """What works, beside what Kubernetes promises; sizes beside the plan; policies beside what they select."""
    (cluster,) = result.plan.clusters
    yield from _reached(result)
    yield from _names(result, cluster)
    yield from _sizes(result, cluster)
    yield from _policies(result, cluster)


def _reached(result: Result) -> Iterator[Measurement]:
    tried = [event.fields for event in result.history.of("attempt")]
    works = [cell for cell in tried if cell["reason"] == "ok"]
    yield Measurement.against(
        "attempts_that_work", len(works) if tried else None, exactly(len(tried), "attempts", NETWORK)
    )
    for cell in tried:
        if cell not in works:
            words = f"{cell['source']} to {cell['target']} by {cell['sort']}: {cell['reason']}"
            yield Measurement.wrong(words, NETWORK)
    seen = [event.fields for event in result.history.of("source")]
    addresses = _addresses(result)
    own = [each for each in seen if each["seen"] == addresses.get(each["source"])]
    theory = exactly(len(seen), "connections", NETWORK)
    yield Measurement.against("pods_seen_by_their_own_address", len(own) if seen else None, theory)


def _addresses(result: Result) -> dict[str, str]:
    """Of pods, as the cluster said."""
    said = [event.fields for event in result.history.of("kubernetes.pod") if not event.fields.get("gone")]
    return {pod["name"]: pod["address"] for pod in said if pod["address"]}


def _names(result: Result, cluster: PlannedCluster) -> Iterator[Measurement]:
    asked = [event.fields for event in result.history.of("lookup")]
    promise = "kubernetes.io, DNS for services and pods: by full name, and by short name in one's own namespace"
    right = [each for each in asked if each["result"] == "answer" and each["addresses"]]
    yield Measurement.against("names_answered", len(right), exactly(2.0 * len(pod_names(cluster)), "names", promise))
    nodes = pod_names(cluster)
    for each in asked:
        if each["took_ns"] is not None:
            theory = _lookup(result, nodes[each["source"]])
            yield Measurement.against(f"lookup_from_{each['source']}", each["took_ns"] / 1e6, theory, better="lower")


def _lookup(result: Result, node: str) -> Expectation:
    """One round trip to a node of CoreDNS, whichever it is that kube-proxy chose."""
    at = {
        event.fields["node"]
        for event in result.history.of("kubernetes.pod")
        if event.fields["name"].startswith("coredns-") and not event.fields.get("gone") and event.fields["node"]
    }
    ways = [_rtt(result, node, other) for other in at]
    source = f"one round trip to CoreDNS, on {' and '.join(sorted(at))}, and at most {ANSWERS_MS:g} ms"
    return Expectation(None, min(ways, default=0.0), max(ways, default=0.0) + ANSWERS_MS, "ms", source)


def _rtt(result: Result, a: str, b: str) -> float:
    if result.plan.node(a).site == result.plan.node(b).site:
        return 0.0
    return ideal_rtt(result, case(result.plan, a, b, Duration(0)).usual).low or 0.0


def _sizes(result: Result, cluster: PlannedCluster) -> Iterator[Measurement]:
    found = [event.fields["mtu"] for event in result.history.of("path.mtu")]
    own = exactly(cluster.mtu, "B", "the pods' MTU of the plan, searched with DF set")
    yield Measurement.against("smallest_mtu_between_pods", min(found, default=None), own)
    yield Measurement.against("largest_mtu_between_pods", max(found, default=None), own)
    for event in result.history.of("pods.mtu"):
        yield from _backup(result, cluster, event.fields)


def _backup(result: Result, cluster: PlannedCluster, seen: Mapping[str, Any]) -> Iterator[Measurement]:
    """By the way that takes over. Linux sends VXLAN without DF, so that routers may cut what does not fit."""
    way = clusters.way(result.plan, result.values).detour
    whole = tunnel_mtu(_narrowest(result.plan, cluster, way), cluster.joined_by.wrapping)
    fits = cluster.mtu <= whole
    if not fits and not cluster.joined_by.mode.startswith("vxlan"):
        yield Measurement("mtu_by_backup", seen["mtu"], "B", source="no theory: whether it may be cut is not known")
        return
    if not seen["dropped"]:
        source = "the pods' MTU: VXLAN has no DF (ip-link(8), vxlan df), so routers cut what is too large"
        yield Measurement.against("mtu_by_backup", seen["mtu"], exactly(cluster.mtu, "B", source))
        source = f"{'/'.join(way)} carries {whole} B of a pod in one piece"
        yield Measurement("fragments_by_backup", seen["fragments"], "packets", 0 if fits else None, 0 if fits else 1,
                          0 if fits else None, source)  # fmt: skip
        return
    source = f"{'/'.join(way)} carries no more in one piece, and nobody tells a pod"
    mtu = exactly(min(cluster.mtu, whole), "B", source)
    yield Measurement.against("mtu_by_backup_without_fragments", seen["mtu"], mtu)
    if seen["data"] != "ok":
        words = f"black hole: pods send up to {cluster.mtu} B, {'/'.join(way)} carries {whole} B in one piece, and"
        yield Measurement.wrong(f"{words} behind a firewall that drops fragments full segments vanish", source)


def _narrowest(plan: Plan, cluster: PlannedCluster, way: Sequence[str]) -> int:
    """The smallest MTU of links, tunnels and the nodes' own interfaces."""
    mtus = [link.mtu for link in plan.links if link.name in way]
    mtus += [tunnel.mtu for tunnel in plan.tunnels if tunnel.name in way]
    nodes = {node.name for node in cluster.nodes}
    return min(mtus + [cable.mtu for cable in plan.cables if cable.node in nodes])


def _policies(result: Result, cluster: PlannedCluster) -> Iterator[Measurement]:
    source = "kubernetes.io, network policies; testbed.theory.network_policy"
    tried: dict[str, list[Mapping[str, Any]]] = {}
    for event in result.history.of("policy.pair"):
        tried.setdefault(event.fields["policy"], []).append(event.fields)
    for name in dict.fromkeys((cluster_policies.WITHOUT, *sets(cluster), *tried)):
        pairs, called = tried.get(name, []), name.replace(" ", "_")
        if not pairs:
            yield Measurement(f"{called}_tried", None, "pairs")
        for may, words in ((True, "passes"), (False, "stops")):
            asked = [pair for pair in pairs if pair["allowed"] == may]
            if asked:
                right = sum(pair["passes"] == may for pair in asked)
                theory = exactly(len(asked), "pairs", source)
                yield Measurement.against(f"{called}_{words}", right, theory)
        for pair in pairs:
            if pair["passes"] != pair["allowed"]:
                ends = f"{pair['source']} to {pair['target']} over {pair['sort'].upper()}"
                yield Measurement.wrong(
                    f"{name}: {ends} {'passes and must not' if pair['passes'] else 'fails'}", source
                )
    for event in result.history.of("policy"):
        took = event.fields["in_force_ns"]
        if took is not None and not event.fields["policy"].startswith(("no ", "after ")):
            name = f"{event.fields['policy'].replace(' ', '_')}_in_force_after"
            source = "no theory; at most, from the API server's answer on"
            yield Measurement(name, took / 1e9, "s", source=source, better="lower")
