"""The clusters of a lab that is kept up, for those who ask the agent: what they are like, and where programs go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from testbed.errors import InputError, Problem, known
from testbed.kubernetes import described
from testbed.lab.container import find
from testbed.lab.places import Beside, InContainer
from testbed.run.lab import Lab

if TYPE_CHECKING:
    from testbed.kubernetes.cluster import Kubernetes

KUBECONFIG = "KUBECONFIG"
DOCKER_HOST = "DOCKER_HOST"


@dataclass(frozen=True)
class Reached:
    """How a cluster's API server is reached from beside the lab's programs: by a kubeconfig, at an address."""

    file: Path
    text: str
    address: tuple[str, int]

    @classmethod
    def write(cls, cluster: Kubernetes) -> Reached:
        """Write the kubeconfig of this one cluster."""
        from testbed.lab import kubeconfig  # late: labs without clusters need no YAML

        text = kubeconfig.of_cluster(cluster.engine.kubeconfig.read_text(encoding="utf-8"), cluster.plan.name)
        file = cluster.engine.scratch / f"{cluster.plan.name}.kubeconfig"
        file.write_text(text, encoding="utf-8")
        return cls(file, text, kubeconfig.address(text))


class Clusters:
    """All of them."""

    def __init__(self, lab: Lab) -> None:
        self._clusters = lab.clusters
        self._reached = {name: Reached.write(cluster) for name, cluster in lab.clusters.items()}
        self._nodes = {node.name: cluster for cluster in lab.clusters.values() for node in cluster.plan.nodes}

    @property
    def kubeconfigs(self) -> dict[str, str]:
        """For a client in the lab, by cluster."""
        return {name: reached.text for name, reached in self._reached.items()}

    def container(self, node: str) -> InContainer | None:
        """Where programs of a cluster's node are started; ``None``: it is no such node."""
        cluster = self._nodes.get(node)
        if cluster is None:
            return None
        docker = cluster.engine.environment[DOCKER_HOST].removeprefix("unix://")
        return InContainer(find(docker, cluster.plan.node(node).container, node))

    def kubectl(self, name: str | None) -> Beside:
        """Where ``kubectl`` is started for a cluster, or for the only one."""
        chosen = self._choose(name)
        environment: Mapping[str, str] = self._clusters[chosen].engine.environment
        return Beside({**environment, KUBECONFIG: str(self._reached[chosen].file)})

    def address(self, name: str) -> tuple[str, int]:
        """Host and port of a cluster's API server."""
        return self._reached[self._choose(name)].address

    def _choose(self, name: str | None) -> str:
        names = [*self._clusters]
        if not names:
            raise InputError(Problem("cluster", "the lab has none", "testbed up topologies/stretched_cluster.py"))
        if name is None:
            if len(names) > 1:
                raise InputError(Problem("which cluster", f"there are {', '.join(names)}", f"--cluster {names[0]}"))
            return names[0]
        if name not in names:
            raise InputError(Problem(f"cluster {name}", "no such cluster", known(name, names)))
        return name

    def status(self) -> list[dict[str, Any]]:
        """What each cluster says of itself: its nodes, and those pods that are not ready."""
        return [_status(cluster) for cluster in self._clusters.values()]

    def ready(self) -> bool:
        """Whether every node is ready."""
        return all(node["ready"] for cluster in self.status() for node in cluster["nodes"])


def _status(cluster: Kubernetes) -> dict[str, Any]:
    nodes = []
    for node in cluster.plan.nodes:
        thing = cluster.watching.things.get(("node", "", node.name))
        said: Mapping[str, object] = {"ready": False, "condition": "unknown to the API server", "taints": []}
        said = said if thing is None else described.node(thing)
        nodes.append({"name": node.name, "role": node.role, "site": node.site, **said})
    pods = [
        {"namespace": namespace, "name": name, **described.pod(thing)}
        for (namespace, name), thing in cluster.watching.all_pods().items()
    ]
    return {
        "name": cluster.plan.name, "version": cluster.plan.version, "nodes": nodes, "pods": len(pods),
        "pods_not_ready": [pod for pod in pods if not pod["ready"] and pod["phase"] != "Succeeded"],
    }  # fmt: skip
