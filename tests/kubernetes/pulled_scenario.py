"""Which images containers of a pulled node run, by the digests of their configurations, as containerd has them."""

import json
from collections.abc import Iterator

from testbed import Lab, Measurement, Result, Scenario

CALICO = "calico-node"

scenario = Scenario(
    topology="../../topologies/stretched_cluster.py",
    question="Do pods run the images that were pulled?",
    hypothesis="Calico does, on each node",
    refuted_by="a node that runs another image of Calico",
)


@scenario.run
def run(lab: Lab) -> None:
    """Ask each node's containerd."""
    cluster = lab.clusters["prod"]
    for node in cluster.plan.nodes:
        listed = json.loads(cluster.execute(node.name, "crictl", "ps", "--output", "json"))["containers"]
        lab.note(
            "runs", node=node.name, images=[one["imageRef"] for one in listed if one["metadata"]["name"] == CALICO]
        )


@scenario.measure
def measure(result: Result) -> Iterator[Measurement]:
    """On how many nodes Calico runs; the test compares with what was pulled."""
    nodes = float(sum(len(event.fields["images"]) == 1 for event in result.history.of("runs")))
    wanted = float(len(result.plan.clusters[0].nodes))
    yield Measurement("nodes with Calico", nodes, "nodes", wanted, wanted, wanted, "one of its pods on each")
