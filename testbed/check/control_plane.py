"""The flows that a Kubernetes with hybrid nodes needs, and which rule is missing where one is stopped. Pure.

EKS keeps the control plane in the cloud; it reaches the VPC through network interfaces, and nodes and pods on premises
through the VPC. Which flows that takes is a table of the EKS user guide.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Literal

from testbed.errors import Problem, known
from testbed.history import Event
from testbed.parameters import OFF
from testbed.plan.expect import OK, OWN_PORTS, Outcome, meeting
from testbed.plan.guards import Guard, label
from testbed.plan.paths import back, path
from testbed.plan.plan import Plan

SOURCE = "EKS user guide, Prepare networking for hybrid nodes: access required for ongoing cluster operations"
"""docs.aws.amazon.com/eks/latest/userguide/hybrid-nodes-networking.html"""
RoleName = Literal["control plane", "nodes", "pods", "AWS services", "cloud pods"]
PARAMETERS: Mapping[RoleName, str] = {
    "control plane": "control-plane", "nodes": "nodes", "pods": "pods", "AWS services": "services",
    "cloud pods": "cloud-pods",
}  # fmt: skip
"""What a user says who plays a role with."""
WEBHOOK_PORT = 9443
"""What controller-runtime listens on unless told otherwise (its ``webhook.DefaultPort``)."""


@dataclass(frozen=True)
class Role:
    """Hosts that play one part. ``range``: what a rule calls all of them, also those that are not in the lab."""

    name: RoleName
    hosts: tuple[str, ...]
    range: str


@dataclass(frozen=True)
class NeededFlow:
    """Who speaks to whom and why. ``port`` of the target; 0: the webhooks'."""

    name: str
    source: RoleName
    target: RoleName
    protocol: Literal["tcp", "udp"]
    port: int
    why: str


FLOWS = (
    NeededFlow("api", "nodes", "control plane", "tcp", 443, "kubelet to the Kubernetes API"),
    NeededFlow("api-pods", "pods", "control plane", "tcp", 443, "pods to the Kubernetes API"),
    NeededFlow("aws", "nodes", "AWS services", "tcp", 443, "credentials: SSM or IAM Roles Anywhere, and EKS Auth"),
    NeededFlow("aws-pods", "pods", "AWS services", "tcp", 443, "STS, where service accounts have IAM roles"),
    NeededFlow("kubelet", "control plane", "nodes", "tcp", 10250, "the API to kubelet: logs, exec, port-forward"),
    NeededFlow("webhook", "control plane", "pods", "tcp", 0, "the API to admission webhooks on hybrid nodes"),
    NeededFlow("dns-udp", "pods", "pods", "udp", 53, "pods to CoreDNS on hybrid nodes"),
    NeededFlow("dns-tcp", "pods", "pods", "tcp", 53, "the same, where an answer is long"),
    NeededFlow("dns-out-udp", "pods", "cloud pods", "udp", 53, "pods to CoreDNS in the VPC"),
    NeededFlow("dns-out-tcp", "pods", "cloud pods", "tcp", 53, "the same, where an answer is long"),
    NeededFlow("dns-in-udp", "cloud pods", "pods", "udp", 53, "pods in the VPC to CoreDNS on hybrid nodes"),
    NeededFlow("dns-in-tcp", "cloud pods", "pods", "tcp", 53, "the same, where an answer is long"),
)
"""Ports of applications, and those of the CNI, are the user's own and not among them."""


@dataclass(frozen=True)
class Need:
    """One flow between two hosts."""

    flow: NeededFlow
    source: Role
    target: Role
    a: str
    b: str
    port: int


@dataclass(frozen=True)
class Missing:
    """A rule that a guard should have. ``before``: the rule that denies, which has to come after it."""

    guard: Guard
    rule: str
    answers: bool = False
    before: str = ""

    def __str__(self) -> str:
        """Which guard lacks it and what it says, in the words that the builder takes."""
        order = f" before {self.before!r}" if self.before else ""
        answers = ", for the answers" if self.answers else ""
        return f"{self.guard.kind} {self.guard.name} lacks {self.rule!r}{order}{answers}"


def roles(plan: Plan, given: Mapping[RoleName, str]) -> dict[RoleName, Role]:
    """The roles from a range, or from names of hosts with commas between; a role that is off is not there.

    What :func:`problems` finds must be nothing.
    """
    return {name: _role(plan, name, text) for name, text in given.items() if text != OFF}


def problems(plan: Plan, given: Mapping[RoleName, str]) -> Iterator[Problem]:
    """Roles that nobody has, names that no host has, and nothing that is left to try."""
    if all(OFF in (given[flow.source], given[flow.target]) for flow in FLOWS):
        off = " ".join(f"--set {PARAMETERS[name]}={OFF}" for name, text in given.items() if text == OFF)
        yield Problem(off, "no flow is left between the others", "the control plane and nodes are the least")
    hosts = [host.name for host in plan.hosts]
    for name, text in given.items():
        where = f"--set {PARAMETERS[name]}={text}"
        if text == OFF:
            continue
        if _range(text) and not _within(plan, text):
            yield Problem(where, "no host has an address in it", "another range, names, or off")
        for host in [] if _range(text) else text.split(","):
            if host not in hosts:
                yield Problem(where, f"no such host: {host}", f"names, a range, or off; {known(host, hosts)}")


def needs(roles: Mapping[RoleName, Role], webhook_port: int = WEBHOOK_PORT) -> list[Need]:
    """Every flow between every two hosts that play its parts."""
    found = []
    for flow in FLOWS:
        if flow.source in roles and flow.target in roles:
            source, target = roles[flow.source], roles[flow.target]
            pairs = [(a, b) for a, b in itertools.product(source.hosts, target.hosts) if a != b]
            found += [Need(flow, source, target, a, b, flow.port or webhook_port) for a, b in pairs]
    return found


def told(events: Iterable[Event]) -> dict[str, str]:
    """What is missing, a sentence each, to where it was met and which flows it stops, from a run's events ``flow``."""
    found: dict[str, tuple[dict[str, None], dict[str, None]]] = {}
    for event in events:
        if event.kind == "flow" and event.fields["advice"]:
            places, flows = found.setdefault(str(event.fields["advice"]), ({}, {}))
            flows[str(event.fields["flow"])] = None
            if event.fields["where"]:
                places[str(event.fields["where"])] = None
    return {
        advice: ", ".join([*(f"at {place}" for place in places), f"for {' '.join(flows)}"])
        for advice, (places, flows) in found.items()
    }


def advice(plan: Plan, need: Need, outcome: Outcome) -> str:
    """What to do about a flow that does not get through; empty: it does."""
    if outcome == OK:
        return ""
    found = missing(plan, need, outcome)
    if found is not None:
        return str(found)
    if outcome.reason == "no route":
        return f"{outcome.where} has no route from {need.source.range} to {need.target.range}, or none back"
    if outcome.reason == "reset":
        return f"{need.b} refuses {need.flow.protocol} {need.port}: nothing listens there"
    where = f" at {outcome.where}" if outcome.where else ""
    return f"{need.flow.protocol} {need.port} from {need.a} to {need.b} is lost{where}: {outcome.reason}"


def missing(plan: Plan, need: Need, outcome: Outcome) -> Missing | None:
    """The rule that would have let a packet through that a guard filtered; ``None``: it was no guard."""
    there = path(plan, need.a, need.b, 4)
    if outcome.reason != "filtered" or there.stuck:
        return None
    for way, question in ((there, None), (back(plan, there, 4), there)):
        for guard, _ in meeting(plan, way, question) if not way.stuck else ():
            begin = f"{label(guard)}: "
            if guard.node == outcome.where and outcome.detail.startswith(begin):
                denied = next((r.text for r in guard.rules if not r.allow and outcome.detail == begin + r.text), "")
                answers = question is not None
                return Missing(guard, _rule(need, guard, answers=answers), answers, denied)
    return None


def _rule(need: Need, guard: Guard, *, answers: bool) -> str:
    """For a guard on the way of the question, or of the answers, which come from the target to a port of its choice."""
    sender, receiver = (need.target, need.source) if answers else (need.source, need.target)
    ports = f"{OWN_PORTS[0]}-{OWN_PORTS[1]}" if answers else str(need.port)
    peer = f"from {sender.range}" if guard.way == "in" else f"to {receiver.range}"
    return f"{guard.way} {need.flow.protocol} {ports} {peer}"


def _role(plan: Plan, name: RoleName, text: str) -> Role:
    if _range(text):
        return Role(name, tuple(_within(plan, text)), text)
    hosts = tuple(text.split(","))
    return Role(name, hosts, _announced(plan, hosts))


def _range(text: str) -> bool:
    try:
        return ip_network(text).version == 4
    except ValueError:
        return False


def _within(plan: Plan, range_: str) -> list[str]:
    return [host.name for host in plan.hosts if ip_address(host.address) in ip_network(range_)]


def _announced(plan: Plan, hosts: Sequence[str]) -> str:
    """The smallest range with all of them that a router announces, which is a site's; else the host alone."""
    found = [ip_network(range_) for routing in plan.routing for range_ in routing.originate]
    addresses = [ip_address(plan.node(host).address) for host in hosts]
    fitting = [range_ for range_ in found if all(address in range_ for address in addresses)]
    return str(max(fitting, key=lambda range_: range_.prefixlen)) if fitting else f"{addresses[0]}/32"
