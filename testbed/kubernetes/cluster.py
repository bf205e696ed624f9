"""The clusters of a lab: made, started again from what was kept, and spoken to."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

import yaml
from kubernetes import utils

from testbed.clock import Waiter
from testbed.errors import RunError
from testbed.history import Recorder
from testbed.kubernetes.calico import calico_manifest
from testbed.kubernetes.engine import CPUINFO, Engine
from testbed.kubernetes.kind_config import kind_config
from testbed.kubernetes.watching import Watching
from testbed.plan.clusters import PlannedCluster
from testbed.units import Duration

CREATE_WITHIN = "600 s"
"""kind's own waits end long before; arbitrary, as is the next."""
READY_WITHIN = Duration.parse("300 s")
MANIFEST, ARCHIVE, IMAGE = (Path("/testbed", name) for name in ("calico.yaml", "node.tar", "image"))
"""Of the engine's tree: Calico's manifest, the archive that Docker loads, and the image's name."""


class Kubernetes:
    """One cluster of a lab that is up.

    Attributes:
        plan: as planned.
        watching: what it says of itself.
    """

    def __init__(self, plan: PlannedCluster, engine: Engine, waiter: Waiter, recorder: Recorder) -> None:
        self.plan = plan
        self._engine = engine
        self._waiter = waiter
        self._recorder = recorder
        self._watching: Watching | None = None
        self._began = ""

    @property
    def watching(self) -> Watching:
        """What the cluster says of itself; there once it is up."""
        assert self._watching is not None
        return self._watching

    def create(self) -> None:
        """Make the cluster: nodes, control plane, and what joins its pods."""
        engine = self._engine
        engine.run("load-image", "docker", "load", "--input", str(ARCHIVE), within=CREATE_WITHIN)
        text = kind_config(self.plan, IMAGE.read_text(encoding="utf-8").strip(), ((str(engine.cpuinfo), CPUINFO),))
        path = engine.folder / "kind.yaml"
        path.write_text(text, encoding="utf-8")
        try:
            engine.run(
                "create", "kind", "create", "cluster", "--config", str(path), "--retain", "--wait", "0s",
                within=CREATE_WITHIN,
            )  # fmt: skip
        except RunError:
            self.export_logs()
            raise
        # The lab starts them, in order, not Docker as soon as it is up itself.
        engine.run("no-restart", "docker", "update", "--restart", "no", *(node.container for node in self.plan.nodes))
        self._recorder.event("cluster.created", cluster=self.plan.name)
        self._begin_watch()
        self.apply(calico_manifest(MANIFEST.read_text(encoding="utf-8"), self.plan))
        self.wait_ready()

    def start(self) -> None:
        """Start the nodes of a cluster that was kept, those of the control plane first."""
        # What was kept says that all is ready; what was said before now does not count.
        self._began = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        for node in self.plan.nodes:
            self._engine.run(f"start-{node.name}", "docker", "start", node.container)
        self._engine.run("kubeconfig", "kind", "export", "kubeconfig", "--name", self.plan.name)
        self._recorder.event("cluster.started", cluster=self.plan.name)
        self._begin_watch()
        self.wait_ready()

    def stop(self) -> None:
        """Stop the nodes cleanly, workers first."""
        for node in reversed(self.plan.nodes):
            self._engine.run(f"stop-{node.name}", "docker", "stop", "--time", "30", node.container)

    def _begin_watch(self) -> None:
        self._watching = Watching(self._engine.kubeconfig, self._waiter, self._recorder)

    def apply(self, manifest: str) -> None:
        """Create everything in a manifest of several documents."""
        for document in yaml.safe_load_all(manifest):
            if document:
                utils.create_from_dict(self.watching.api, document)

    def wait_ready(self, within: Duration = READY_WITHIN) -> None:
        """Until every node and every pod is ready."""
        self._waiter.until(self._ready, f"nodes and pods of cluster {self.plan.name} ready", within)
        self._recorder.event("cluster.ready", cluster=self.plan.name)

    def _ready(self) -> bool:
        ready = all(self.watching.node_ready(node.name, self._began) for node in self.plan.nodes)
        return ready and self.watching.all_ready(self._began)

    def execute(self, node: str, *argv: str, within: str = "60 s") -> str:
        """Run a program on a node, and return what it printed."""
        container = self.plan.node(node).container
        return self._engine.run(f"exec-{node}", "docker", "exec", container, *argv, within=within)

    def export_logs(self) -> None:
        """Let kind collect the logs of all nodes into the record."""
        with contextlib.suppress(RunError):
            self._engine.run(
                "logs", "kind", "export", "logs", str(self._engine.folder / "logs"), "--name", self.plan.name
            )

    def close(self) -> None:
        """Watch no more."""
        if self._watching is not None:
            self._watching.close()
