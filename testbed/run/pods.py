"""Pods and services of a lab's clusters as ends of probes.

A probe's process lives in the network namespace of its pod: what it sends goes by the pod's interface, its node's
routes and filters, and the overlay, as what the pod's own programs send does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from testbed.clock import Waiter
from testbed.errors import InputError, Problem, known
from testbed.net.namespace import Namespaces
from testbed.plan.plan import Plan
from testbed.probe.place import Place
from testbed.run.probes import Probes
from testbed.units import Duration

if TYPE_CHECKING:
    from testbed.kubernetes.cluster import Kubernetes

READY_WITHIN = Duration.parse("120 s")
"""For a pod to be scheduled, started and ready; arbitrary."""


class Pods:
    """Gives pods and services names for probes."""

    def __init__(
        self, plan: Plan, clusters: Mapping[str, Kubernetes], namespaces: Namespaces, probes: Probes, waiter: Waiter
    ) -> None:
        self._plan = plan
        self._clusters = clusters
        self._namespaces = namespaces
        self._probes = probes
        self._waiter = waiter

    def pod(self, name: str, *, namespace: str = "default", cluster: str = "") -> str:
        """Wait until a pod is ready, and return its name for probes: ``NAME@CLUSTER``.

        Raises:
            InputError: no such cluster.
            RunError: it does not become ready.
        """
        from testbed.kubernetes.pods import open_namespace

        chosen = self.cluster(cluster)
        watching = chosen.watching
        self._waiter.until(lambda: watching.pod_ready(name, namespace), f"pod {name} to be ready", READY_WITHIN)
        thing = watching.things["pod", namespace, name]
        called = _called(name, namespace, chosen.plan.name)
        place = self._of_pod(called, thing)
        if place.node == called:
            self._namespaces.adopt(called, open_namespace(thing["metadata"]["uid"]))
        self._probes.alias(called, place)
        return called

    @staticmethod
    def _of_pod(called: str, thing: Mapping[str, Any]) -> Place:
        """A pod of the host network is where its node is."""
        node = str(thing["spec"]["nodeName"]) if thing["spec"].get("hostNetwork") else called
        return Place(node, str(thing["status"]["podIP"]))

    def service(
        self, name: str, *, pod: str = "", node: str = "", namespace: str = "default", cluster: str = ""
    ) -> str:
        """A name for probes of a service's first port: ``NAME.svc@CLUSTER``, or ``NAME.svc@NODE`` for its node port.

        Args:
            name: of the service.
            pod: the name for probes of its only pod, if probes are to listen there; otherwise the pods do themselves.
            node: whose node port to send to, instead of the service's own address.
            namespace: of the service.
            cluster: needed where the lab has several.
        """
        chosen = self.cluster(cluster)
        spec = chosen.read("v1", "Service", name, namespace)["spec"]
        port = spec["ports"][0]
        address = self._plan.node(node).address if node else str(spec["clusterIP"])
        called = _called(f"{name}.svc", namespace, node or chosen.plan.name)
        behind = self._probes.place(pod) if pod else Place("", address)
        self._probes.alias(called, Place(behind.node, behind.address, address, port["nodePort" if node else "port"]))
        return called

    def cluster(self, name: str = "") -> Kubernetes:
        """A cluster by its name, which may be left out where there is one. Raises :class:`InputError`."""
        if not name and len(self._clusters) == 1:
            return next(iter(self._clusters.values()))
        if name not in self._clusters:
            raise InputError(Problem(f"cluster {name}", "no such cluster", known(name, list(self._clusters))))
        return self._clusters[name]


def _called(name: str, namespace: str, at: str) -> str:
    return f"{name}@{at}" if namespace == "default" else f"{name}.{namespace}@{at}"
