"""Two Kubernetes clusters in two sites: how do they reach each other, and what does each see when the way between dies?

A pod of the first cluster asks a service of the second by its node port, and its pod itself: with BGP routers know the
way to pods, and otherwise nobody does. Then packets flow between nodes, to the node port and, where there is a way,
from pod to pod; what carries them fails, BGP moves them to the VPN, and all is healed. Each cluster is watched all the
while: nothing of its own crosses that path.
"""

import contextlib
from collections.abc import Iterator, Mapping

from testbed import Duration, Lab, Measurement, Result, Scenario
from testbed.check import clusters, failover
from testbed.check.cases import Case, chain
from testbed.check.failures import FAILURES, asked, problems
from testbed.errors import Problem
from testbed.plan.clusters import PlannedCluster
from testbed.plan.plan import Plan
from testbed.theory.interval import exactly

NODE, DOOR, POD = "node", "node_port", "pod"
"""Kinds of traffic: between nodes; from a pod to a service of the other cluster by a port of its nodes; pod to pod."""
CONNECTION = "connection"
LOOK = Duration.parse("100 ms")
"""How often the TCP connection is written to and looked at."""
CLIENT, SERVER, PORT = "client", "server", 30080
"""Names of pods and service, and the service's port, on nodes, too; arbitrary, of 30000 to 32767."""

scenario = Scenario(
    topology="../topologies/two_clusters.py",
    question="Two clusters in two sites: who reaches whom, as whom, and what do they see of a path that fails?",
    hypothesis="services by node ports always, pods where routers know them; gaps are routing's, and no node is lost",
    refuted_by="a pod that is reached with no route to it or not with one, a longer gap, or a node held for lost",
)  # fmt: skip
scenario.param("fault", str, "silent", "how the path in use fails", choices=tuple(FAILURES))
scenario.param("fault.for", Duration, "30 s", "how long it fails; not given: at least twice what the detection takes")
scenario.param("before", Duration, "10 s", "traffic before the fault")
scenario.param("after", Duration, "15 s", "traffic after the routes are back")
scenario.param("probe.interval", Duration, "10 ms", "distance of probe packets, and so the grain of the gap")
scenario.param("source", str, "aws-1", "node of the pod that asks")
scenario.param("target", str, "onprem-1", "node of the pod that answers, of another cluster")
scenario.param("door", str, "onprem-cp", "node of that cluster whose port is asked")


@scenario.check
def check(plan: Plan, values: Mapping[str, object]) -> Iterator[Problem]:
    """A failure that this design cannot have, nodes that are not of two clusters."""
    source, target, door = (str(values[name]) for name in ("source", "target", "door"))
    yield from problems(plan, source, target, str(values["fault"]))
    yield from clusters.across(plan, source, target, door)


def both(holder: Lab | Result) -> tuple[PlannedCluster, PlannedCluster]:
    """The cluster that asks, and the one that answers."""
    near, far = (clusters.of_node(holder.plan, str(holder.values[name])) for name in ("source", "target"))
    return near, far


def routed(holder: Lab | Result) -> bool:
    """Whether routers know the way from the pods of one to those of the other."""
    near, far = both(holder)
    return far.pods in near.neighbours


@scenario.run
def run(lab: Lab) -> None:
    """Who reaches whom; traffic of all kinds, fault, heal, traffic."""
    from testbed.kubernetes import workloads
    from testbed.run.between_clusters import ask
    from testbed.run.cluster_ends import wait_answers

    failure, breaks = asked(lab.plan, lab.parameters, lab.values)
    near, far = both(lab)
    source, target = lab.value("source", str), lab.value("target", str)
    lab.pods.cluster(near.name).apply(workloads.pod(CLIENT, node=source))
    lab.pods.cluster(far.name).apply(
        workloads.pod(SERVER, node=target), workloads.service(SERVER, {"app": SERVER}, PORT, node_port=True)
    )
    client, server = lab.pods.pod(CLIENT, cluster=near.name), lab.pods.pod(SERVER, cluster=far.name)
    door = lab.pods.service(SERVER, pod=server, node=lab.value("door", str), cluster=far.name)
    wait_answers(lab, client, door)
    for asked_for in (door, server):
        ask(lab, client, asked_for, PORT)
    ends = {NODE: (source, target), DOOR: (client, door)} | ({POD: (client, server)} if routed(lab) else {})
    with contextlib.ExitStack() as stack:
        for name, pair in ends.items():
            stack.enter_context(lab.probe.udp(*pair, lab.value("probe.interval", Duration), name=name))
        stack.enter_context(lab.probe.tcp_stream(client, door, LOOK, name=CONNECTION))
        # The fault's phase against the detection's timers is chance: the seed's.
        lab.sleep(Duration(lab.value("before", Duration) + lab.random.randrange(breaks.beat)))
        with lab.fault.start(failure.kind, failure.target(breaks), failure.direction, **failure.options):
            lab.sleep(breaks.outage)
        lab.wait_converged("the routes of before, after healing")
        lab.sleep(lab.value("after", Duration))


@scenario.measure
def measure(result: Result) -> Iterator[Measurement]:
    """Who was reached, what each kind of traffic saw, beside theory, and what both clusters held of their nodes."""
    failure, breaks = asked(result.plan, result.parameters, result.values)
    near, far = both(result)
    yield from reached(result, DOOR, f"{SERVER}.svc@{result.value('door', str)}", breaks, way=True)
    yield from reached(result, POD, f"{SERVER}@{far.name}", breaks, way=routed(result))
    forecast = failure.forecast(breaks)
    when = failover.moments(result.history, breaks.way)
    for name in (NODE, DOOR, *((POD,) if routed(result) else ())):
        yield from failover.traffic(result, name, breaks, forecast, when)
    yield from failover.detection(result, breaks, forecast, when)
    found = failover.connection(result.history, CONNECTION, when)
    yield failover.beside("tcp_stall", found.stall_s, None)
    yield Measurement("tcp_survived", float(found.goes_on), "", 1, source="node ports are kept by conntrack")
    lost = clusters.not_ready(result.history, when.broke_ns)
    for cluster in (near, far):
        held = float(sum(node.name in lost for node in cluster.nodes))
        if failure.kind == "off":
            yield Measurement(f"lost_{cluster.name}", held, "nodes", source=failover.NO_THEORY, better="lower")
        else:
            none = exactly(0.0, "nodes", "its control plane and its nodes are in one site")
            yield Measurement.against(f"lost_{cluster.name}", held, none)


def reached(result: Result, name: str, target: str, breaks: Case, *, way: bool) -> Iterator[Measurement]:
    """Whether the first cluster's pod came to a target, as whom, and with packets of which size."""
    history, (near, far) = result.history, both(result)
    asked_by = history.first("source", target=target)
    if asked_by is None:
        yield Measurement(f"{name}_reached", None, "")
        return
    seen = asked_by.fields["seen"]
    source = "routers know the way" if way else "no router knows the way to pods of another cluster"
    yield Measurement.against(f"{name}_reached", float(bool(seen)), exactly(float(way), "", source))
    if not way:
        return
    mine = [
        e.fields["address"]
        for e in history.of("kubernetes.pod")
        if e.fields["cluster"] == near.name and e.fields["name"] == CLIENT and e.fields.get("address")
    ]
    theory = exactly(
        float(name == POD), "",
        "routed pods keep their addresses" if name == POD else "kube-proxy gives what comes by a node port the node's",
    )  # fmt: skip
    yield Measurement.against(f"{name}_seen_as_the_pod", float(seen in mine), theory)
    largest = next((e.fields["mtu"] for e in history.of("path.mtu") if e.fields["target"] == target), None)
    least = min(near.mtu, far.mtu, *(link.mtu for link in chain(result.plan, breaks.usual)))
    yield Measurement.against(
        f"{name}_largest",
        largest,
        exactly(float(least), "bytes", "the smallest MTU of both pods and what lies between"),
    )
