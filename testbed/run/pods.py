"""Pods and services of clusters as ends of probes.

A probe's process lives in the network namespace of its pod: what it sends goes by the pod's interface, its node's
routes and filters, and the overlay, as what the pod's own programs send does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Generic, Protocol, TypeVar

from testbed.clock import Waiter
from testbed.errors import InputError, Problem, RunError, known
from testbed.plan.clusters import PlannedCluster
from testbed.plan.plan import Plan
from testbed.probe.place import Place
from testbed.run.plain_probes import PlainProbes
from testbed.units import Duration

READY_WITHIN = Duration.parse("120 s")
"""For a pod to be scheduled, started and ready; arbitrary."""
Thing = Mapping[str, Any]
Enter = Callable[[str, Thing], str]
"""Makes it possible for probes to live in a pod, by its name for probes and what its cluster says of it. Returns the
node of a probe there."""


class Watched(Protocol):
    """What a cluster says of its pods."""

    def pod_ready(self, name: str, namespace: str = "default") -> bool:
        """Whether a pod is ready, and not about to go."""

    def pod(self, name: str, namespace: str = "default") -> Thing:
        """What is known of a pod. Raises ``KeyError``: there is none."""

    def why_not_ready(self, name: str, namespace: str = "default") -> str:
        """What keeps a pod from being ready, in the cluster's words."""


class AnyCluster(Protocol):
    """A cluster, whoever made it."""

    @property
    def plan(self) -> PlannedCluster:
        """Its nodes."""

    @property
    def watching(self) -> Watched:
        """What it says of itself."""

    def apply(self, *things: dict[str, Any], namespace: str = "default") -> None:
        """Create or change things."""

    def delete(self, version: str, kind: str, name: str, namespace: str = "default") -> None:
        """Delete a thing."""

    def read(self, version: str, kind: str, name: str, namespace: str = "default") -> dict[str, Any]:
        """A thing as it is now."""

    def run_in(self, pod: str, *argv: str, namespace: str = "default", within: str = "60 s") -> str:
        """Run a program in a pod, and return what it printed to stdout. Raises :class:`RunError`: it failed."""


Cluster = TypeVar("Cluster", bound=AnyCluster, covariant=True)


class Pods(Generic[Cluster]):
    """Gives pods and services names for probes."""

    def __init__(
        self, plan: Plan, clusters: Mapping[str, Cluster], probes: PlainProbes, waiter: Waiter, enter: Enter
    ) -> None:
        self._plan = plan
        self._clusters = clusters
        self._probes = probes
        self._waiter = waiter
        self._enter = enter

    def pod(self, name: str, *, namespace: str = "default", cluster: str = "") -> str:
        """Wait until a pod is ready, and return its name for probes: ``NAME@CLUSTER``.

        Raises:
            InputError: no such cluster.
            RunError: it does not become ready.
        """
        chosen = self.cluster(cluster)
        watching = chosen.watching
        try:
            self._waiter.until(lambda: watching.pod_ready(name, namespace), f"pod {name} to be ready", READY_WITHIN)
        except RunError as error:
            why = watching.why_not_ready(name, namespace)
            raise RunError(Problem(p.where, p.what, why) for p in error.problems) from None
        thing = watching.pod(name, namespace)
        called = _called(name, namespace, chosen.plan.name)
        self._probes.alias(called, Place(self._enter(called, thing), str(thing["status"]["podIP"])))
        return called

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

    def cluster(self, name: str = "") -> Cluster:
        """A cluster by its name, which may be left out where there is one. Raises :class:`InputError`."""
        if not name and len(self._clusters) == 1:
            return next(iter(self._clusters.values()))
        if not name and self._clusters:
            raise InputError(Problem("which cluster", f"there are {', '.join(self._clusters)}", "cluster=NAME"))
        if name not in self._clusters:
            raise InputError(Problem(f"cluster {name}", "no such cluster", known(name, list(self._clusters))))
        return self._clusters[name]


def _called(name: str, namespace: str, at: str) -> str:
    return f"{name}@{at}" if namespace == "default" else f"{name}.{namespace}@{at}"
