"""Which connections Kubernetes' network policies leave, by what they select. Pure.

Source: kubernetes.io, concepts, network policies: a pod that no policy selects for a direction is open in it; else one
of those that select it has to allow the connection. Both ends must allow it. What is between a pod and its own node is
always allowed. Policies here select pods by labels of their own namespace, and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Direction = Literal["Ingress", "Egress"]
_PEERS: Mapping[Direction, str] = {"Ingress": "from", "Egress": "to"}


@dataclass(frozen=True)
class End:
    """An end of a connection: a pod with its labels, or a node itself, which policies do not select.

    ``node``: where it is; ``None`` where that does not matter.
    """

    node: str | None
    labels: Mapping[str, str] | None = field(default=None, hash=False)
    namespace: str = "default"


def admits(
    policies: Sequence[Mapping[str, Any]], source: End, target: End, protocol: str, port: int,
    namespace: str = "default",
) -> bool:  # fmt: skip
    """Whether a connection may come about.

    Args:
        policies: manifests of kind NetworkPolicy that are in force.
        source: who opens it.
        target: to whom, once a service's address has been replaced by its pod's.
        protocol: ``TCP`` or ``UDP``.
        port: of the target.
        namespace: of the policies that name none.
    """
    if source.node is not None and source.node == target.node and None in (source.labels, target.labels):
        return True
    some = [_Policy(each["spec"], each["metadata"].get("namespace", namespace)) for each in policies]
    return all(
        not (isolating := [each for each in some if each.isolates(mine, way)])
        or any(each.allows(other, way, protocol, port) for each in isolating)
        for mine, other, way in _sides(source, target)
    )


def _sides(source: End, target: End) -> Iterator[tuple[End, End, Direction]]:
    yield source, target, "Egress"
    yield target, source, "Ingress"


@dataclass(frozen=True)
class _Policy:
    spec: Mapping[str, Any]
    namespace: str

    def isolates(self, end: End, way: Direction) -> bool:
        return way in self.spec["policyTypes"] and self._selects(self.spec["podSelector"], end)

    def allows(self, other: End, way: Direction, protocol: str, port: int) -> bool:
        return any(
            self._peer(rule.get(_PEERS[way]), other) and _port(rule.get("ports"), protocol, port)
            for rule in self.spec.get(way.lower()) or ()
        )

    def _peer(self, peers: Sequence[Mapping[str, Any]] | None, other: End) -> bool:
        return not peers or any(self._selects(peer["podSelector"], other) for peer in peers)

    def _selects(self, selector: Mapping[str, Any], end: End) -> bool:
        if end.labels is None or end.namespace != self.namespace:
            return False
        wanted: Mapping[str, str] = selector.get("matchLabels", {})
        return wanted.items() <= end.labels.items()


def _port(ports: Sequence[Mapping[str, Any]] | None, protocol: str, port: int) -> bool:
    return not ports or any((each["protocol"], each["port"]) == (protocol, port) for each in ports)
