"""The flows that a Kubernetes with hybrid nodes needs, and who plays which part in them. Pure.

EKS keeps the control plane in the cloud; it reaches the VPC through network interfaces, and nodes and pods on premises
through the VPC. Which flows that takes is a table of the EKS user guide.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Literal

from testbed.errors import Problem, known
from testbed.parameters import OFF
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
        for host in [] if _range(text) else _names(text):
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


def _role(plan: Plan, name: RoleName, text: str) -> Role:
    if _range(text):
        return Role(name, tuple(_within(plan, text)), text)
    hosts = _names(text)
    return Role(name, hosts, _announced(plan, hosts))


def _names(text: str) -> tuple[str, ...]:
    """With commas between; in a sweep, where a comma ends a value, with ``+``."""
    return tuple(re.split("[,+]", text))


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
