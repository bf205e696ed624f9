"""Pods are steered to the cloud or on premises: do they come to be where they must, and what keeps one nowhere?

By labels (node selectors, affinity), by other pods (affinity, anti-affinity, topology spread) and by taints. What fits
no node has to stay pending, for the reasons that theory counts. Then the nodes on premises are tainted while pods run.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from testbed import Duration, Lab, Measurement, Result, Scenario
from testbed.check import clusters
from testbed.check.placement import PENDING, Asked, placed
from testbed.errors import Problem
from testbed.plan.clusters import PlannedCluster
from testbed.plan.compile_clusters import COMPUTE_TYPE, SITE
from testbed.plan.plan import Plan
from testbed.run.placement import place, taint
from testbed.theory import kubernetes
from testbed.theory.interval import Expectation, exactly
from testbed.theory.scheduling import CONTROL_PLANE, Candidate, reasons

SOURCE = "kubernetes.io, assigning pods to nodes; taints and tolerations; topology spread constraints"
KEY, HYBRID = COMPUTE_TYPE, "hybrid"
LEAVES_AFTER = 20
"""``tolerationSeconds``, s; arbitrary."""
FREE = "free"
STAGES = ("labels and other pods", "tainted NoSchedule", "no taint any more", "tainted NoExecute")

scenario = Scenario(
    topology="../topologies/stretched_cluster.py",
    question="Are pods where selectors, affinity, taints and topology spread say, and why is one nowhere?",
    hypothesis="each is at a site that its rules allow; what fits no node stays pending, and the scheduler says why",
    refuted_by="a pod elsewhere, a pod that runs and should be pending, or another reason",
)


@scenario.check
def check(plan: Plan, values: Mapping[str, object]) -> Iterator[Problem]:
    """One cluster with workers in a cloud and on premises, which nothing taints yet."""
    yield from clusters.several(plan)
    if not plan.clusters:
        yield Problem("topology", "has no cluster", "t.cluster(...)")
        return
    cluster = plan.clusters[0]
    if not (_workers(cluster, hybrid=True) and _workers(cluster, hybrid=False)):
        yield Problem(f"cluster {cluster.name}", "needs workers in a VPC and in a LAN", "workers={aws: 1, onprem: 1}")
    if any(node.taint for node in cluster.nodes):
        yield Problem(f"cluster {cluster.name}", "its workers are tainted", "the scenario taints them itself")


def _workers(cluster: PlannedCluster, *, hybrid: bool) -> list[str]:
    return [
        node.name
        for node in cluster.nodes
        if node.role == "worker" and (dict(node.labels).get(KEY) == HYBRID) == hybrid
    ]


def _sites(cluster: PlannedCluster) -> tuple[str, str]:
    """The cloud's, and that on premises."""
    cloud, premises = (cluster.node(_workers(cluster, hybrid=hybrid)[0]).site for hybrid in (False, True))
    return cloud, premises


def _candidates(cluster: PlannedCluster, *taints: Mapping[str, str]) -> list[Candidate]:
    """Nodes as the scheduler sees them, those on premises tainted."""
    return [
        Candidate(
            node.name, dict(node.labels),
            (CONTROL_PLANE,) if node.role == "control-plane" else taints if dict(node.labels).get(KEY) else (),
        )
        for node in cluster.nodes
    ]  # fmt: skip


def _because(spec: Mapping[str, Any], nodes: Sequence[Candidate]) -> str:
    """What the scheduler must say: a count for each reason, joined by ``; ``."""
    return "; ".join(f"{count} node(s) {_VERB.get(why, '')}{why}" for why, count in reasons(spec, nodes).items())


_VERB = {"untolerated taint": "had "}


def _required(operator: str, *values: str) -> dict[str, Any]:
    expression = {"key": KEY, "operator": operator, **({"values": list(values)} if values else {})}
    terms = {"nodeSelectorTerms": [{"matchExpressions": [expression]}]}
    return {"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}}}


def _preferred(*values: str) -> dict[str, Any]:
    term = {"matchExpressions": [{"key": KEY, "operator": "In", "values": list(values)}]}
    some = [{"weight": 100, "preference": term}]
    return {"affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": some}}}


def _beside(kind: str, app: str) -> dict[str, Any]:
    term = {"topologyKey": SITE, "labelSelector": {"matchLabels": {"app": app}}}
    return {"affinity": {kind: {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}}


def _tolerates(effect: str, seconds: int | None = None) -> dict[str, Any]:
    own = {"key": KEY, "operator": "Equal", "value": HYBRID, "effect": effect}
    return {"tolerations": [own | ({} if seconds is None else {"tolerationSeconds": seconds})]}


def _taint(effect: str) -> dict[str, str]:
    return {"key": KEY, "value": HYBRID, "effect": effect}


def untainted(cluster: PlannedCluster) -> list[Asked]:
    """What labels and other pods decide."""
    from testbed.kubernetes import workloads
    from testbed.kubernetes.workloads import deployment, pod

    cloud, premises = _sites(cluster)
    nowhere: dict[str, Any] = {"nodeSelector": {SITE: "mars"}}
    anchor, spread, apart = "selected-on-premises", "spread", "one-a-site"
    even = deployment(spread, 4, topologySpreadConstraints=workloads.spread({"app": spread}))
    huge = {"requests": {"cpu": "64"}}
    greedy = pod("greedy")
    greedy["spec"]["containers"][0]["resources"] = huge
    return [
        Asked(anchor, f"node selector {SITE}={premises}", (pod(anchor, site=premises),), {premises: 1}),
        Asked("selected-cloud", f"node selector {SITE}={cloud}", (pod("selected-cloud", site=cloud),), {cloud: 1}),
        Asked("hybrid", f"affinity {KEY} In {HYBRID}", (pod("hybrid", **_required("In", HYBRID)),), {premises: 1}),
        Asked("not-hybrid", f"affinity {KEY} NotIn {HYBRID}", (pod("not-hybrid", **_required("NotIn", HYBRID)),),
              {cloud: 1}),
        Asked("rather-hybrid", f"preferred affinity {KEY} In {HYBRID}", (pod("rather-hybrid", **_preferred(HYBRID)),)),
        Asked("near", f"pod affinity to {anchor} by {SITE}", (pod("near", **_beside("podAffinity", anchor)),),
              {premises: 1}),
        Asked("far", f"pod anti-affinity to {anchor} by {SITE}", (pod("far", **_beside("podAntiAffinity", anchor)),),
              {cloud: 1}),
        Asked(spread, f"topology spread over {SITE}, maxSkew 1", (even,),
              {cloud: 2, premises: 2}),
        Asked(apart, f"anti-affinity to itself by {SITE}, three replicas",
              (deployment(apart, 3, **_beside("podAntiAffinity", apart)),), {cloud: 1, premises: 1, PENDING: 1},
              "node(s) didn't match pod anti-affinity rules"),
        Asked("nowhere", f"node selector {SITE}=mars", (pod("nowhere", **nowhere),), {PENDING: 1},
              _because(nowhere, _candidates(cluster))),
        Asked("greedy", "64 CPUs requested", (greedy,), {PENDING: 1}, "Insufficient cpu"),
        *(Asked(name, f"{words}, on premises", (pod(name, site=premises, **spec),), {premises: 1})
          for name, words, spec in _runners()),
    ]  # fmt: skip


def _runners() -> list[tuple[str, str, dict[str, Any]]]:
    """Pods on premises that the taint NoExecute meets."""
    return [
        ("stays", "tolerates NoExecute", _tolerates("NoExecute")),
        ("leaves-later", f"tolerates it for {LEAVES_AFTER} s", _tolerates("NoExecute", LEAVES_AFTER)),
        ("leaves", "does not tolerate it", {}),
    ]


def tainted(cluster: PlannedCluster) -> list[Asked]:
    """What the taint NoSchedule on premises decides."""
    from testbed.kubernetes.workloads import deployment, pod

    cloud, premises = _sites(cluster)
    wants: dict[str, Any] = {"nodeSelector": {SITE: premises}}
    return [
        Asked(FREE, "no rule of its own", (deployment(FREE, 3),), {cloud: 3}),
        Asked("tolerating", f"tolerates, and wants {premises}",
              (pod("tolerating", site=premises, **_tolerates("NoSchedule")),), {premises: 1}),
        Asked("untolerating", f"wants {premises}, does not tolerate", (pod("untolerating", **wants),), {PENDING: 1},
              _because(wants, _candidates(cluster, _taint("NoSchedule")))),
    ]  # fmt: skip


def freed(cluster: PlannedCluster) -> list[Asked]:
    """What becomes of who waited, once the taint is gone."""
    _, premises = _sites(cluster)
    return [Asked("untolerating", "the taint is gone", (), {premises: 1})]


@scenario.run
def run(lab: Lab) -> None:
    """Four stages: no taint, NoSchedule, none again, NoExecute."""
    cluster = lab.pods.cluster()
    nodes = _workers(cluster.plan, hybrid=True)
    place(lab, cluster, STAGES[0], untainted(cluster.plan))
    taint(cluster, nodes, _taint("NoSchedule"))
    place(lab, cluster, STAGES[1], tainted(cluster.plan))
    taint(cluster, nodes)
    place(lab, cluster, STAGES[2], freed(cluster.plan), new=False)
    taint(cluster, nodes, _taint("NoExecute"))
    lab.sleep(Duration(2 * LEAVES_AFTER * 10**9))
    lab.note("stays", ready=cluster.watching.pod_ready("stays"))
    taint(cluster, nodes)


@scenario.measure
def measure(result: Result) -> Iterator[Measurement]:
    """Where pods are beside where they must be; when those left that a taint drove out."""
    (cluster,) = result.plan.clusters
    every = zip(STAGES, (untainted(cluster), tainted(cluster), freed(cluster)), strict=False)
    for stage, cases in every:
        for case in cases:
            yield from placed(result.history, case, stage)
    yield from _driven_out(result, cluster)


def _driven_out(result: Result, cluster: PlannedCluster) -> Iterator[Measurement]:
    """By the taint NoExecute; instants are those at which watches told of taint and pod."""
    nodes, wanted = _workers(cluster, hybrid=True), f"{KEY}:NoExecute"
    at = [e.t_ns for e in result.history.of("kubernetes.node")
          if e.fields["name"] in nodes and wanted in e.fields.get("taints", ())]  # fmt: skip
    handling = kubernetes.HANDLING.seconds
    for pod, after in (("leaves", 0), ("leaves-later", LEAVES_AFTER)):
        gone = [e.t_ns for e in result.history.of("kubernetes.pod")
                if e.fields["name"] == pod and e.fields.get("deleting")]  # fmt: skip
        took = (gone[0] - at[0]) / 1e9 if at and gone else None
        source = f"kubernetes.io, taints and tolerations: tolerationSeconds, and at most {handling:g} s"
        theory = Expectation(after, max(0.0, after - handling), after + handling, "s", source)
        yield Measurement.against(f"{pod.replace('-', '_')}_after", took, theory)
    seen = [float(event.fields["ready"]) for event in result.history.of("stays")]
    yield Measurement.against("stays_and_is_ready", seen[0] if seen else None, exactly(1, "", SOURCE))
