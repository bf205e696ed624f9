"""A node of a cluster ends while nothing else happens."""

from testbed import Duration, Lab, Scenario

scenario = Scenario(
    topology="../../topologies/stretched_cluster.py",
    question="Is a node that ends in the middle of a run noticed?",
    hypothesis="at once",
    refuted_by="a run that goes on",
)


@scenario.run
def run(lab: Lab) -> None:
    """Kill a node's container, and wait."""
    cluster = lab.pods.cluster()
    cluster.engine.run("kill", "docker", "kill", cluster.plan.node("onprem-1").container)
    lab.sleep(Duration.parse("10 s"))
