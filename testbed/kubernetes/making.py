"""How a cluster is made, once: kind makes its nodes, and what joins its pods is laid over them.

Whatever is different here, or in the texts that are used here, is another cluster: kept ones are named after all of it.
"""

from __future__ import annotations

from pathlib import Path

from testbed.kubernetes import networks, rights
from testbed.kubernetes.disk import MATERIAL
from testbed.kubernetes.engine import Engine
from testbed.kubernetes.kind_config import kind_config
from testbed.plan.clusters import PlannedCluster

CREATE_WITHIN = "600 s"
"""kind's own waits end long before; arbitrary."""
ARCHIVE, IMAGE = "node.tar", "image"
"""Of the engine's material: the archive that Docker loads, and the image's name."""


def config(
    cluster: PlannedCluster, cpuinfo: Path, resolvers: Path, root: Path = MATERIAL, *, restricted: bool = False
) -> str:
    """What kind is told. ``root``: where the engine's material is; the others: :func:`kind_config`."""
    image = (root / IMAGE).read_text(encoding="utf-8").strip()
    return kind_config(cluster, image, cpuinfo, resolvers, restricted=restricted)


def network(cluster: PlannedCluster, root: Path = MATERIAL) -> str:
    """Manifest of what joins pods. ``root``: where the engine's material is."""
    return networks.manifest(cluster, root)


def load_image(engine: Engine) -> None:
    """Give Docker the image of nodes, which those of all clusters start from. Raises :class:`RunError`."""
    engine.run("load-image", "docker", "load", "--input", str(MATERIAL / ARCHIVE), within=CREATE_WITHIN)


def nodes(engine: Engine, cluster: PlannedCluster) -> None:
    """Make a cluster's nodes and its control plane. Raises :class:`RunError`."""
    path = engine.folder / f"kind-{cluster.name}.yaml"
    told = config(cluster, engine.cpuinfo, engine.resolvers, restricted=bool(rights.left_out()))
    path.write_text(told, encoding="utf-8")
    argv = ("kind", "create", "cluster", "--config", str(path), "--retain", "--wait", "0s")
    engine.run(f"create-{cluster.name}", *argv, within=CREATE_WITHIN)
    # The lab starts them, in order, not Docker as soon as it is up itself.
    engine.run("no-restart", "docker", "update", "--restart", "no", *(node.container for node in cluster.nodes))
