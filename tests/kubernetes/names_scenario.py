"""A pod and a node ask for the name of a host of the other site, which only the sites' own resolvers know."""

from collections.abc import Iterator

from testbed import Lab, Measurement, Result, Scenario

NAME, HOST = "onprem-dns.onprem.internal", "onprem-dns"

scenario = Scenario(
    topology="names_topology.py",
    question="Who answers for names that the cluster does not know?",
    hypothesis="the resolvers of the sites, for nodes and for pods",
    refuted_by="a name that is not found, or another address",
)


@scenario.run
def run(lab: Lab) -> None:
    """Ask in a pod, by CoreDNS, and on each node."""
    from testbed.kubernetes import workloads

    cluster = lab.clusters["prod"]
    cluster.apply(workloads.pod("client", node="aws-1"))
    lab.pods.pod("client")
    lab.note("asked", who="pod", answer=cluster.run_in("client", "getent", "ahostsv4", NAME))
    for node in ("aws-1", "onprem-1"):
        lab.note("asked", who=node, answer=cluster.execute(node, "getent", "ahostsv4", NAME))


@scenario.measure
def measure(result: Result) -> Iterator[Measurement]:
    """How many got the address."""
    address = result.plan.node(HOST).address
    asked = [event.fields["answer"].split() for event in result.history.of("asked")]
    found = float(sum(answer[:1] == [address] for answer in asked))
    yield Measurement("found", found if asked else None, "names", 3, 3, 3, "the plan's address of the host")
