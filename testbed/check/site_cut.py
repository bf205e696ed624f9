"""What a record says of a site that was cut off: when its nodes and pods were given up, and when they were back. Pure.

Instants are ns on the record's scale. Nothing heavy is imported: scenarios import this.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from testbed.check import clusters, flows
from testbed.history import Event, History
from testbed.plan.plan import Plan

UNREACHABLE = "node.kubernetes.io/unreachable:NoExecute"
PATH, WITHIN, INSIDE, OUTSIDE, NAMES = "path", "within", "inside", "outside", "names"
"""Probes: packets between nodes of both sites, and within the site; connections from the site, and from elsewhere to
the service; questions for its name, from the site."""
WEB, DNS = "web-", "coredns-"
"""What the names of pods begin with."""
AFTERWARDS = "afterwards"
"""The pod that is asked for when a control plane that was lost is back."""
RESTARTED = ("kube-proxy", "calico-node")
"""Containers that every node has."""


@dataclass(frozen=True)
class Cut:
    """When the network was gone.

    Attributes:
        broke_ns: the cut.
        healed_ns: its end; routing takes a while from then on.
        back_ns: the last packet between nodes of both sites that was lost, or ``healed_ns``.
    """

    broke_ns: int
    healed_ns: int
    back_ns: int

    @property
    def outage_s(self) -> float:
        """How long nodes of both sites did not reach each other."""
        return (self.back_ns - self.broke_ns) / 10**9

    def since_cut(self, t_ns: int | None) -> float | None:
        """An instant in s after the cut."""
        return None if t_ns is None else (t_ns - self.broke_ns) / 10**9

    def since_back(self, t_ns: int | None) -> float | None:
        """An instant in s after the network's return."""
        return None if t_ns is None else (t_ns - self.back_ns) / 10**9


def cut(history: History, stream: str) -> Cut:
    """By the first fault, and packets between nodes. Raises ``LookupError``: the run did not get that far."""
    broke, healed = history.instant("fault.start"), history.instant("fault.heal")
    back = healed
    for packet in flows.packets(history, stream):
        if packet.sent_ns >= healed:
            if packet.returned_ns is not None:
                return Cut(broke, healed, back)
            back = packet.sent_ns
    raise LookupError(f"after the cut no packet of {stream} came back")


def workers(plan: Plan, site: str) -> tuple[str, ...]:
    """The nodes of a site."""
    return tuple(node.name for node in plan.cluster_nodes if node.site == site)


def others(plan: Plan, site: str) -> tuple[str, ...]:
    """The workers of all other sites."""
    return tuple(node.name for node in plan.cluster_nodes if node.site != site and node.role == "worker")


def lost(history: History, nodes: Collection[str], since_ns: int, until_ns: int) -> dict[str, int]:
    """Nodes that were held for lost in a span of time, with the instant; the first one first."""
    found = clusters.not_ready(history, since_ns)
    some = [(t_ns, name) for name, t_ns in found.items() if name in nodes and t_ns < until_ns]
    return {name: t_ns for t_ns, name in sorted(some)}


def tainted(history: History, node: str, when: Cut) -> int | None:
    """When a node had the taint that ends pods."""
    return next((event.t_ns for event in _of_node(history, node, when.broke_ns) if _has_taint(event)), None)


def ready_again(history: History, node: str, when: Cut) -> int | None:
    """When the control plane held a node for ready again."""
    return next((event.t_ns for event in _of_node(history, node, when.healed_ns) if event.fields["ready"]), None)


def untainted(history: History, node: str, when: Cut) -> int | None:
    """When the taint that ends pods was gone."""
    return next((event.t_ns for event in _of_node(history, node, when.healed_ns) if not _has_taint(event)), None)


def _of_node(history: History, node: str, since_ns: int) -> Iterator[Event]:
    return (event for event in history.of("kubernetes.node") if event.t_ns >= since_ns and event.fields["name"] == node)


def _has_taint(event: Event) -> bool:
    return UNREACHABLE in event.fields["taints"]


@dataclass(frozen=True)
class Pod:
    """A pod as it was at one instant."""

    name: str
    node: str
    address: str
    ready: bool


def pods(history: History, prefix: str, at_ns: int) -> tuple[Pod, ...]:
    """The pods whose names begin so at an instant; those that are about to go are none."""
    found: dict[str, Pod] = {}
    for event in history.of("kubernetes.pod"):
        name = event.fields["name"]
        if event.t_ns > at_ns or not name.startswith(prefix):
            continue
        found.pop(name, None)
        if not event.fields.get("gone") and not event.fields["deleting"]:
            found[name] = Pod(name, event.fields["node"], event.fields["address"], event.fields["ready"])
    return tuple(found.values())


def deleted(history: History, name: str, since_ns: int, until_ns: int) -> int | None:
    """When a pod was deleted in a span of time: from then on it is to end, whether or not it can be told."""
    for event in history.of("kubernetes.pod"):
        there = event.fields["name"] == name and not event.fields.get("gone")
        if there and since_ns <= event.t_ns <= until_ns and event.fields["deleting"]:
            return event.t_ns
    return None


def gone(history: History, name: str) -> int | None:
    """When a pod was gone: it had ended."""
    some = (event for event in history.of("kubernetes.pod") if event.fields["name"] == name)
    return next((event.t_ns for event in some if event.fields.get("gone")), None)


def endpoints(history: History, prefix: str) -> Iterator[tuple[int, frozenset[str]]]:
    """The addresses of the services whose slices' names begin so: all of them, each time that some change."""
    slices: dict[str, frozenset[str]] = {}
    for event in history.of("kubernetes.endpoints"):
        if event.fields["name"].startswith(prefix):
            slices[event.fields["name"]] = frozenset(event.fields.get("ready", ()))
            yield event.t_ns, frozenset().union(*slices.values())


def endpoints_at(history: History, prefix: str, at_ns: int) -> frozenset[str]:
    """Those addresses at an instant."""
    found: frozenset[str] = frozenset()
    for t_ns, ready in endpoints(history, prefix):
        if t_ns <= at_ns:
            found = ready
    return found


def without(history: History, prefix: str, some: Collection[str], since_ns: int) -> int | None:
    """When none of some addresses was among them any more."""
    later = (found for found in endpoints(history, prefix) if found[0] >= since_ns)
    return next((t_ns for t_ns, ready in later if not ready & {*some}), None)


def with_all(history: History, prefix: str, some: Collection[str], since_ns: int) -> int | None:
    """When all of some addresses were among them again."""
    later = (found for found in endpoints(history, prefix) if found[0] >= since_ns)
    return next((t_ns for t_ns, ready in later if {*some} <= ready), None)


def with_count(history: History, prefix: str, count: int, since_ns: int) -> int | None:
    """When there were so many again."""
    later = (found for found in endpoints(history, prefix) if found[0] >= since_ns)
    return next((t_ns for t_ns, ready in later if len(ready) >= count), None)


def of_nodes(some: Iterable[Pod], nodes: Collection[str]) -> tuple[Pod, ...]:
    """The pods that are on some nodes."""
    return tuple(pod for pod in some if pod.node in nodes)


def addresses(some: Sequence[Pod]) -> frozenset[str]:
    """Of pods that are ready."""
    return frozenset(pod.address for pod in some if pod.ready)
