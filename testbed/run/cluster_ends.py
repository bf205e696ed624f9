"""Ends in a cluster that try to reach each other: a pod on each node, the nodes themselves, and a service.

Names are those of a report: ``pod-aws-1``, ``aws-1``, ``service``, ``port of aws-1``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from testbed.plan.clusters import PlannedCluster
from testbed.probe.place import Place
from testbed.probe.survey import Try, survey
from testbed.run.lab import Lab

if TYPE_CHECKING:
    from testbed.kubernetes.cluster import Kubernetes

PORT, HOST_PORT = 30080, 8080
"""Of the service, and so of its pod and its port on nodes, which has to be of 30000 to 32767; and where nodes
themselves listen; arbitrary."""
SERVICE = "service"
KNOWN_WITHIN, KNOWN_WAIT_S = "30 s", 1.0
"""For kube-proxy to hear of a service on every node, and for an answer; arbitrary."""
ANYWHERE = [{"operator": "Exists"}]
"""Tolerates every taint."""


def pod_names(cluster: PlannedCluster) -> dict[str, str]:
    """Pods by name, each with its node: one on every node, and a second one on the last. Pure."""
    last = cluster.nodes[-1].name
    return {pod_on(node.name): node.name for node in cluster.nodes} | {f"{pod_on(last)}-b": last}


def pod_on(node: str) -> str:
    """The pod on a node."""
    return f"pod-{node}"


def serving(cluster: PlannedCluster) -> str:
    """The pod behind the service: that on the last node. Pure."""
    return pod_on(cluster.nodes[-1].name)


def labels(cluster: PlannedCluster, pod: str) -> dict[str, str]:
    """Of a pod. Pure."""
    return {"app": pod, "site": cluster.node(pod_names(cluster)[pod]).site}


@dataclass(frozen=True)
class ClusterEnds:
    """What can reach, and be reached.

    Attributes:
        pods: by name.
        hosts: nodes, by name.
        services: the service's own address, and its port on each node; who listens is its pod.
    """

    cluster: Kubernetes
    pods: Mapping[str, Place]
    hosts: Mapping[str, Place]
    services: Mapping[str, Place] = field(default_factory=dict)

    @property
    def sources(self) -> dict[str, Place]:
        """Who can ask. A node does so from the address that its routes choose."""
        hosts = {name: unbound(place) for name, place in self.hosts.items()}
        return {**self.pods, **hosts}

    @property
    def targets(self) -> dict[str, Place]:
        """Who can be asked."""
        return {**self.pods, **self.hosts, **self.services}


def unbound(place: Place) -> Place:
    """The same end, bound to no address."""
    return place._replace(address="0.0.0.0")


def set_up(lab: Lab) -> ClusterEnds:
    """Make the pods and the service, and wait until they are ready."""
    from testbed.kubernetes import workloads

    cluster = lab.pods.cluster()
    plan = cluster.plan
    pods = pod_names(plan)
    cluster.apply(
        *(workloads.pod(name, node=node, labels=labels(plan, name), tolerations=ANYWHERE)
          for name, node in pods.items()),
        workloads.service(SERVICE, {"app": serving(plan)}, PORT, node_port=True),
    )  # fmt: skip
    names = {name: lab.pods.pod(name) for name in pods}
    ports = {"": SERVICE} | {node.name: f"port of {node.name}" for node in plan.nodes}
    services = {
        called: lab.probe.place(lab.pods.service(SERVICE, pod=names[serving(plan)], node=node))
        for node, called in ports.items()
    }
    hosts = {node.name: lab.probe.place(node.name) for node in plan.nodes}
    ends = ClusterEnds(cluster, {name: lab.probe.place(called) for name, called in names.items()}, hosts, services)
    lab.wait_until(lambda: _known_everywhere(lab, ends), "the service to be known on every node", KNOWN_WITHIN)
    return ends


def wait_answers(lab: Lab, source: str, service: str) -> None:
    """Wait until a service is known where it is asked for, by the names that both have for probes."""
    ends = lab.probe.place(source), lab.probe.place(service)
    tries = [Try(*ends, "tcp", ends[1].port)]
    lab.wait_until(lambda: _all_answer(lab, tries), f"{service} to answer {source}", KNOWN_WITHIN)


def _known_everywhere(lab: Lab, ends: ClusterEnds) -> bool:
    """Whether kube-proxy has heard of the service on every node: it does a while after its pod is ready."""
    tries = [Try(host, service, "tcp", PORT) for host in ends.sources.values() for service in ends.services.values()]
    return _all_answer(lab, tries)


def _all_answer(lab: Lab, tries: Sequence[Try]) -> bool:
    return not any(survey(lab.network.namespaces, tries, KNOWN_WAIT_S))
