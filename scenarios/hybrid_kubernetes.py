"""Does every flow that a Kubernetes with hybrid nodes needs get through, and which rule is missing where one does not?

Each flow of EKS's table is tried between each two hosts that it concerns, with a listener at its port. For a topology
of one's own: ``--set topology=FILE``, and who plays which part, as a range or as names of hosts.
"""

from collections.abc import Iterator, Mapping

from testbed import Lab, Measurement, Result, Scenario
from testbed.check import control_plane
from testbed.check.control_plane import PARAMETERS, SOURCE, WEBHOOK_PORT, RoleName
from testbed.check.missing import told
from testbed.errors import Problem
from testbed.parameters import port
from testbed.plan.plan import Plan
from testbed.run.control_plane import check as try_flows

scenario = Scenario(
    topology="../topologies/hybrid_kubernetes.py",
    question="Can the control plane in the cloud and the nodes on premises reach each other as Kubernetes needs?",
    hypothesis="every flow of the EKS user guide's table gets through, there and back",
    refuted_by="a flow that does not; the report names the rule that is missing",
)
USUAL: Mapping[RoleName, tuple[str, str]] = {
    "control plane": ("eni-a,eni-b", "the control plane's network interfaces"),
    "nodes": ("10.80.0.0/16", "hybrid nodes"),
    "pods": ("10.85.0.0/16", "pods on them, where their addresses are routed"),
    "AWS services": ("services", "endpoints of SSM, STS and the like"),
    "cloud pods": ("coredns", "pods in the VPC, CoreDNS among them"),
}
for role, (usual, what) in USUAL.items():
    scenario.param(PARAMETERS[role], str, usual, f"{what}: names of hosts, their range, or off")
scenario.param("webhook.port", port, str(WEBHOOK_PORT), "port of admission webhooks")


def _given(values: Mapping[str, object]) -> dict[RoleName, str]:
    return {role: str(values[parameter]) for role, parameter in PARAMETERS.items()}


@scenario.check
def check(plan: Plan, values: Mapping[str, object]) -> Iterator[Problem]:
    """Somebody plays each part."""
    yield from control_plane.problems(plan, _given(values))


@scenario.run
def run(lab: Lab) -> None:
    """Every flow."""
    roles = control_plane.roles(lab.plan, _given(lab.values))
    try_flows(lab, control_plane.needs(roles, lab.value("webhook.port", int)))


@scenario.measure
def measure(result: Result) -> Iterator[Measurement]:
    """How many flows work, and each rule that is missing by name."""
    roles = control_plane.roles(result.plan, _given(result.values))
    wanted = float(len(control_plane.needs(roles, result.value("webhook.port", int))))
    tried = [event.fields["reason"] for event in result.history.of("flow")]
    works = tried.count("ok") if tried else None
    yield Measurement("flows_that_work", works, "flows", wanted, wanted, wanted, SOURCE)
    for advice, why in told(result.history.events).items():
        yield Measurement.wrong(f"{advice} ({why})", SOURCE)
