"""What BIRD tells by OSPF of networks outside of its site."""

from collections.abc import Iterator

from testbed import Lab, Measurement, Result, Scenario
from testbed.daemons.bird import Bird

scenario = Scenario(
    topology="ospf_topology.py", question="who tells of the VPC by OSPF?", hypothesis="who has it from outside",
    refuted_by="a router that has it from its sibling",
)  # fmt: skip
EXTERNAL = {4: "0005", 6: "4005"}
"""Types of LSAs from outside: RFC 2328 section A.4.1 and RFC 5340 section A.4.2.1, by address family."""


@scenario.run
def run(lab: Lab) -> None:
    """Once all routers know what they are to know, ask each what it tells itself."""
    lab.wait_converged("all routes")
    for daemon in lab.daemons:
        if isinstance(daemon, Bird) and daemon.routing.ospf:
            for family in (4, 6):
                told = daemon.command(f"show ospf lsadb self ospf{family}")
                lab.note("told", router=daemon.node, family=family, text=told)


@scenario.measure
def measure(result: Result) -> Iterator[Measurement]:
    """How many networks outside each router tells of."""
    for event in result.history.of("told"):
        family = event.fields["family"]
        count = sum(line.startswith(EXTERNAL[family]) for line in event.fields["text"].splitlines())
        yield Measurement(f"told_{event.fields['router']}_ipv{family}", count, "networks")
