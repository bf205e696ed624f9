"""Network policies, verified by packets: each is put in force, and all ends try to reach each other. Leaves events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from testbed.plan.names import DNS_PORT
from testbed.probe.place import Place
from testbed.probe.survey import Sort, Try, survey
from testbed.run.cluster_ends import PORT, SERVICE, ClusterEnds, labels, pod_names, serving
from testbed.run.cluster_reach import DNS, DNS_NAMESPACE, DOMAIN
from testbed.run.lab import Lab
from testbed.theory.network_policy import End, admits
from testbed.units import Duration

NAMES = "cluster's DNS"
WAIT_S = 2.0
"""What does not pass is asked for so long: TCP sends a second SYN after one second (RFC 6298 section 2); arbitrary."""
IN_FORCE_WITHIN = Duration.parse("20 s")
"""For every node to have heard of a policy; arbitrary. Felix writes its rules as soon as it hears."""
WITHOUT = "no policy"
SORTS: tuple[Sort, ...] = ("tcp", "udp")


@dataclass(frozen=True)
class Pair:
    """Who asks whom over what, and whether the policies in force let it."""

    source: str
    target: str
    tried: Try
    allowed: bool


def enforce(lab: Lab, ends: ClusterEnds, sets: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    """Put each set of policies in force, one after the other, and see what passes: events ``policy.pair``.

    What passes without any is seen before, and after each.
    """
    _settled(lab, ends, WITHOUT, ())
    for name, policies in sets.items():
        ends.cluster.apply(*(dict(policy) for policy in policies))
        _settled(lab, ends, name, policies)
        for policy in policies:
            ends.cluster.delete(policy["apiVersion"], policy["kind"], policy["metadata"]["name"])
        _settled(lab, ends, f"after {name}", ())


def _settled(lab: Lab, ends: ClusterEnds, name: str, policies: Sequence[Mapping[str, Any]]) -> None:
    """Try all pairs until what passes is what should, or time is up, and note how it was then."""
    pairs = list(_pairs(ends, policies))
    begun = lab.now_ns()
    while True:
        asked = lab.now_ns()
        found = survey(lab.network.namespaces, [pair.tried for pair in pairs], WAIT_S)
        wrong = [pair for pair, error in zip(pairs, found, strict=True) if (not error) != pair.allowed]
        if not wrong or asked - begun > IN_FORCE_WITHIN:
            break
        lab.sleep("100 ms")
    lab.note("policy", policy=name, in_force_ns=None if wrong else asked - begun)
    for pair, error in zip(pairs, found, strict=True):
        lab.note(
            "policy.pair", policy=name, source=pair.source, target=pair.target, sort=pair.tried.sort,
            passes=not error, allowed=pair.allowed,
        )  # fmt: skip


def _pairs(ends: ClusterEnds, policies: Sequence[Mapping[str, Any]]) -> Iterator[Pair]:
    plan = ends.cluster.plan
    known = {name: End(node, labels(plan, name)) for name, node in pod_names(plan).items()}
    known |= {name: End(name) for name in ends.hosts}
    behind = serving(plan)
    for source, near in ends.sources.items():
        for target, far in ends.pods.items():
            if source != target:
                for sort in SORTS:
                    allowed = admits(policies, known[source], known[target], sort.upper(), PORT)
                    yield Pair(source, target, Try(near, far, sort, PORT), allowed)
        if source != behind:  # to itself it comes as its node
            allowed = admits(policies, known[source], known[behind], "TCP", PORT)
            yield Pair(source, SERVICE, Try(near, ends.services[SERVICE], "tcp", PORT), allowed)
    yield from _lookups(ends, known, policies)


def _lookups(ends: ClusterEnds, known: Mapping[str, End], policies: Sequence[Mapping[str, Any]]) -> Iterator[Pair]:
    """What every program does first."""
    from testbed.daemons.dns_question import Question, wire

    server = str(ends.cluster.read("v1", "Service", DNS, DNS_NAMESPACE)["spec"]["clusterIP"])
    asks = wire(Question(f"{SERVICE}.default.{DOMAIN}", 4), 1)
    dns = End(None, {}, DNS_NAMESPACE)
    for source, near in ends.pods.items():
        allowed = admits(policies, known[source], dns, "UDP", DNS_PORT)
        yield Pair(source, NAMES, Try(near, Place("", server), "udp", DNS_PORT, asks, served=True), allowed)
