"""Direct Connect dies under a stretched Kubernetes cluster: what do nodes, pods and services see of it?

Packets flow at once from a node in the cloud to one on premises, between pods on these nodes, and from a pod to a
service whose pod is at the other site; beside them, a TCP connection to that service. What carries all of it fails, BGP
moves it to the VPN, and then all is healed. Meanwhile the cluster is watched: which nodes it held for lost.
"""

from collections.abc import Iterator, Mapping

from testbed import Duration, Lab, Measurement, Result, Scenario
from testbed.check import clusters, failover
from testbed.check.failures import FAILURES, asked
from testbed.errors import Problem
from testbed.plan.plan import Plan
from testbed.theory import kubernetes
from testbed.theory.interval import exactly

STREAMS = ("node", "pod", "service")
CONNECTION = "connection"
LOOK = Duration.parse("100 ms")
"""How often the TCP connection is written to and looked at."""
CLIENT, SERVER, PORT = "client", "server", 30080
"""Names of pods and service, and the service's port; arbitrary."""

scenario = Scenario(
    topology="../topologies/stretched_cluster.py",
    question="The path between a cluster's sites fails: how long do nodes, pods and services not reach each other?",
    hypothesis="all no longer than routing takes to find out; the overlay adds nothing, and no node is held for lost",
    refuted_by="pods or services cut off for longer than theory says, or a node that was held for lost",
)  # fmt: skip
scenario.param("fault", str, "silent", "how the path in use fails", choices=tuple(FAILURES))
scenario.param("fault.for", Duration, "30 s", "how long it fails; not given: at least twice what the detection takes")
scenario.param("before", Duration, "10 s", "traffic before the fault")
scenario.param("after", Duration, "15 s", "traffic after the routes are back")
scenario.param("probe.interval", Duration, "10 ms", "distance of probe packets, and so the grain of the gap")
scenario.param("source", str, "aws-1", "node that sends, and on which the sending pod is")
scenario.param("target", str, "onprem-1", "node that answers, and on which the service's pod is")


@scenario.check
def check(plan: Plan, values: Mapping[str, object]) -> Iterator[Problem]:
    """A failure that this design cannot have, hosts that are no nodes."""
    yield from clusters.way_problems(plan, values, str(values["fault"]))


@scenario.run
def run(lab: Lab) -> None:
    """Traffic of all kinds, fault, heal, traffic."""
    from testbed.kubernetes import workloads
    from testbed.run.cluster_ends import wait_answers

    failure, breaks = asked(lab.plan, lab.parameters, lab.values)
    source, target = lab.value("source", str), lab.value("target", str)
    lab.pods.cluster().apply(
        workloads.pod(CLIENT, node=source), workloads.pod(SERVER, node=target),
        workloads.service(SERVER, {"app": SERVER}, PORT),
    )  # fmt: skip
    client, server = lab.pods.pod(CLIENT), lab.pods.pod(SERVER)
    service = lab.pods.service(SERVER, pod=server)
    wait_answers(lab, client, service)
    interval = lab.value("probe.interval", Duration)
    with (
        lab.probe.udp(source, target, interval, name="node"),
        lab.probe.udp(client, server, interval, name="pod"),
        lab.probe.udp(client, service, interval, name="service"),
        lab.probe.tcp_stream(client, service, LOOK, name=CONNECTION),
    ):
        # The fault's phase against the detection's timers is chance: the seed's.
        lab.sleep(Duration(lab.value("before", Duration) + lab.random.randrange(breaks.beat)))
        with lab.fault.start(failure.kind, failure.target(breaks), failure.direction, **failure.options):
            lab.sleep(breaks.outage)
        lab.wait_converged("the routes of before, after healing")
        lab.sleep(lab.value("after", Duration))


@scenario.measure
def measure(result: Result) -> Iterator[Measurement]:
    """What each kind of traffic saw, beside theory, and what the cluster held of its nodes."""
    failure, breaks = asked(result.plan, result.parameters, result.values)
    forecast = failure.forecast(breaks)
    when = failover.moments(result.history, breaks.way)
    for name in STREAMS:
        yield from failover.traffic(result, name, breaks, forecast, when)
    yield from failover.detection(result, breaks, forecast, when)
    found = failover.connection(result.history, CONNECTION, when)
    yield failover.beside("tcp_stall", found.stall_s, None)
    yield Measurement("tcp_survived", float(found.goes_on), "", 1, source="a service's connection is kept by conntrack")
    lost = float(len(clusters.not_ready(result.history, when.broke_ns)))
    gap = forecast.gap
    if gap is not None and gap.high is not None and kubernetes.keeps_ready(gap.high):
        yield Measurement.against(
            "nodes_held_for_lost", lost, exactly(0.0, "nodes", f"a gap this short; {kubernetes.not_ready().source}")
        )
    else:
        yield Measurement("nodes_held_for_lost", lost, "nodes", source=failover.NO_THEORY, better="lower")
