"""The clusters of a lab: made, started again from what was kept, and spoken to."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping

import yaml
from kubernetes import config
from kubernetes.client import ApiClient

from testbed.clock import Waiter
from testbed.errors import Problem, RunError
from testbed.history import Recorder
from testbed.job import Clock
from testbed.kubernetes import making, units
from testbed.kubernetes.creating import create
from testbed.kubernetes.ends import Ends
from testbed.kubernetes.engine import Engine
from testbed.kubernetes.kind_config import CONTEXT
from testbed.kubernetes.objects import Objects
from testbed.kubernetes.watching import Watching
from testbed.net import early
from testbed.plan.clusters import PlannedCluster
from testbed.units import Duration

READY_WITHIN: Mapping[Clock, Duration] = {"virtual": Duration.parse("300 s"), "real": Duration.parse("900 s")}
"""How long nodes and pods may take; arbitrary. On the real clock a machine that has much else to do slows them: those
that had a sixth of a CPU were seen not to be ready after 300 s."""


class Kubernetes(Objects):
    """One cluster of a lab that is up.

    Attributes:
        plan: as planned.
        engine: where its nodes run.
        watching: what it says of itself.
    """

    def __init__(
        self, plan: PlannedCluster, engine: Engine, waiter: Waiter, recorder: Recorder, clock: Clock = "virtual",
        tell: Callable[[str], None] = lambda text: None,
    ) -> None:  # fmt: skip
        self.plan = plan
        self.engine = engine
        self._waiter = waiter
        self._recorder = recorder
        self._watching: Watching | None = None
        self._ends = Ends(waiter, recorder)
        self._began = ""
        self._clock = clock
        self._tell = tell
        self._told = (-1, -1)

    @property
    def watching(self) -> Watching:
        """What the cluster says of itself; there once it is up."""
        assert self._watching is not None
        return self._watching

    @property
    def api(self) -> ApiClient:
        """How its API server is reached; there once it is up."""
        return self.watching.api

    def create(self) -> None:
        """Make the cluster: nodes, control plane, and what joins its pods."""
        try:
            making.nodes(self.engine, self.plan)
        except RunError as error:
            why = list(units.failed(self.engine, self.plan))
            self.export_logs()
            raise RunError([*error.problems, *why]) from None
        self._recorder.event("cluster.created", cluster=self.plan.name)
        self._begin_watch()
        self.make(making.network(self.plan))
        self.wait_ready()

    def start(self) -> None:
        """Start the nodes of a cluster that was kept, those of the control plane first; :meth:`settle` follows."""
        early.refuse(self.plan, self.engine.namespaces)
        # What was kept says that all is ready; what was said before now does not count.
        self._began = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        for node in self.plan.nodes:
            self.engine.run(f"start-{node.name}", "docker", "start", node.container)
        self._ends.watch(self.engine, self.plan.nodes)
        self.engine.run(f"kubeconfig-{self.plan.name}", "kind", "export", "kubeconfig", "--name", self.plan.name)
        self._recorder.event("cluster.started", cluster=self.plan.name)
        self._begin_watch()

    def settle(self) -> None:
        """Wait until what was started is ready."""
        self.wait_ready()
        early.allow(self.plan, self.engine.namespaces)

    def stop(self) -> None:
        """Stop the nodes cleanly, workers first."""
        for node in reversed(self.plan.nodes):
            self.engine.run(f"stop-{node.name}", "docker", "stop", "--time", "30", node.container)

    def _begin_watch(self) -> None:
        api = config.new_client_from_config(str(self.engine.kubeconfig), context=self._context)
        self._watching = Watching(api, self._waiter, self._recorder, self.plan.name)

    @property
    def _context(self) -> str:
        """Which of the kubeconfig's, which is of all clusters of the lab."""
        return f"{CONTEXT}{self.plan.name}"

    def make(self, manifest: str) -> None:
        """Create everything in a manifest of several documents, none of which is there yet."""
        documents = (document for document in yaml.safe_load_all(manifest) if document)
        create(self.watching.api, documents, self._waiter)

    def run_in(self, pod: str, *argv: str, namespace: str = "default", within: str = "60 s") -> str:
        """Run a program in a pod, as ``kubectl exec`` does, and return what it printed to stdout.

        Raises:
            RunError: it failed, or took too long, or its kubelet was not reached.
        """
        exec_ = ("kubectl", "--context", self._context, "exec", "--namespace", namespace, pod, "--", *argv)
        return self.engine.run(f"in-{pod}", *exec_, within=within)

    def wait_ready(self) -> None:
        """Until every node and every pod is ready."""
        try:
            what = f"nodes and pods of cluster {self.plan.name} ready"
            self._waiter.until(self._ready, what, READY_WITHIN[self._clock])
        except RunError as error:
            raise RunError(Problem(p.where, p.what, self._not_ready()) for p in error.problems) from None
        self._recorder.event("cluster.ready", cluster=self.plan.name)

    def _ready(self) -> bool:
        nodes, pods = self._waits_for()
        known = self.watching.all_pods()
        planned = len(self.plan.nodes)
        ready = planned - len(nodes), len(known) - len(pods)
        if ready != self._told:
            self._told = ready
            words = f"{ready[0]} of {planned} nodes and {ready[1]} of {len(known)} pods ready"
            self._tell(f"cluster {self.plan.name}: {words}")
        return bool(known) and not nodes and not pods

    def _waits_for(self) -> tuple[list[str], list[str]]:
        """Nodes and pods that are not ready."""
        nodes = [node.name for node in self.plan.nodes if not self.watching.node_ready(node.name, self._began)]
        return nodes, self.watching.unready(self._began)

    def _not_ready(self) -> str:
        """Who is not ready, in words."""
        nodes, pods = self._waits_for()
        return f"nodes not ready: {', '.join(nodes) or 'none'}; pods not ready: {', '.join(pods) or 'none'}"

    def execute(self, node: str, *argv: str, within: str = "60 s") -> str:
        """Run a program on a node, and return what it printed."""
        container = self.plan.node(node).container
        return self.engine.run(f"exec-{node}", "docker", "exec", container, *argv, within=within)

    def export_logs(self) -> None:
        """Let kind collect the logs of all nodes into the record."""
        with contextlib.suppress(RunError):
            self.engine.run(
                "logs", "kind", "export", "logs", str(self.engine.folder / "logs"), "--name", self.plan.name
            )

    def close(self) -> None:
        """Watch no more."""
        self._ends.close()
        if self._watching is not None:
            self._watching.close()
