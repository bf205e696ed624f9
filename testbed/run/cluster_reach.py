"""Who reaches whom in a cluster, with what, seen as whom, up to which size, and by which name. Leaves events."""

from __future__ import annotations

import errno

from testbed.net import fragments
from testbed.plan.expect import ATTEMPTS, Attempt
from testbed.probe.attempts import WAIT_S, attempt, largest, open_tcp
from testbed.probe.place import Place
from testbed.run.cluster_ends import HOST_PORT, PORT, SERVICE, ClusterEnds
from testbed.run.lab import Lab

REASONS = {
    0: "ok", errno.ECONNREFUSED: "reset", errno.EHOSTUNREACH: "no route", errno.ENETUNREACH: "no route",
}  # fmt: skip
DNS, DNS_NAMESPACE = "kube-dns", "kube-system"
"""What kubeadm calls the service of CoreDNS."""
DOMAIN = "svc.cluster.local"
"""Source: kubernetes.io, DNS for services and pods, with kubeadm's domain."""


def reach(lab: Lab, ends: ClusterEnds) -> None:
    """Try each source with each target: events ``attempt``, ``source`` and ``path.mtu``."""
    for source, near in ends.sources.items():
        for target, far in ends.targets.items():
            if near.node != far.node or target in ends.services:
                _pair(lab, ends, source, target)


def _pair(lab: Lab, ends: ClusterEnds, source: str, target: str) -> None:
    spaces, near, far = lab.network.namespaces, ends.sources[source], ends.targets[target]
    port = HOST_PORT if target in ends.hosts else PORT
    for kind in _kinds(ends, target):
        error = attempt(spaces, kind, near, far, port)
        _note(lab, source, target, kind, error)
    if source in ends.pods and near.node != far.node and target in (*ends.pods, SERVICE):
        try:
            seen, failed = open_tcp(spaces, near, far, port), ""
        except OSError as error:
            seen, failed = "", str(error)
        lab.note("source", source=source, target=target, to=far.known_as, seen=seen, error=failed)
    if source in ends.pods and target in ends.pods:
        _mtu(lab, ends, source, target)


def _kinds(ends: ClusterEnds, target: str) -> tuple[Attempt, ...]:
    """An address of a service answers at its ports alone."""
    return tuple(kind for kind in ATTEMPTS if kind != "icmp" or target not in ends.services)


def _note(lab: Lab, source: str, target: str, sort: str, error: int) -> None:
    reason = REASONS.get(error, "timeout")
    lab.note("attempt", source=source, target=target, family=4, sort=sort, reason=reason, where="", detail="")


def _mtu(lab: Lab, ends: ClusterEnds, source: str, target: str) -> None:
    mtu = _largest(lab, ends, source, target)
    lab.note("path.mtu", source=source, target=target, family=4, mtu=mtu)


def _largest(lab: Lab, ends: ClusterEnds, source: str, target: str) -> int:
    # Nothing that is larger than a node's own packets can leave it.
    most = max(cable.mtu for cable in lab.plan.cables if cable.node in ends.hosts)
    return largest(lab.network.namespaces, ends.pods[source], ends.pods[target], PORT, most)


def names(lab: Lab, ends: ClusterEnds) -> None:
    """Each pod asks for the service by its full name, and by its short one as its own programs do: ``lookup``."""
    spec = ends.cluster.read("v1", "Service", DNS, DNS_NAMESPACE)["spec"]
    for source, place in ends.pods.items():
        _ask(lab, source, place, str(spec["clusterIP"]), ends.services[SERVICE].known_as)
        # Its own resolver, its own resolv.conf: what a search list is for.
        words = ends.cluster.run_in(source, "getent", "hosts", SERVICE).split()
        _lookup(lab, source, "short", "answer", words[:1], None)


def _ask(lab: Lab, source: str, place: Place, server: str, wanted: str) -> None:
    from testbed.daemons.dns_question import Question, ask  # late: the library of DNS takes a while to read

    with lab.network.namespaces.inside(place.node):
        reply = ask(Question(f"{SERVICE}.default.{DOMAIN}", 4), server, source=place.address, wait_s=WAIT_S)
    _lookup(lab, source, "full", reply.result, list(reply.addresses), reply.ended_ns - reply.asked_ns)
    right = reply.addresses == (wanted,)
    reason = "ok" if right else "wrong record" if reply.addresses else "no record"
    lab.note("attempt", source=source, target=SERVICE, family=4, sort="dns", reason=reason, where="", detail="")


def _lookup(lab: Lab, source: str, name: str, result: str, addresses: list[str], took_ns: int | None) -> None:
    lab.note("lookup", source=source, name=name, result=result, addresses=addresses, took_ns=took_ns)


def sizes(lab: Lab, ends: ClusterEnds, source: str, target: str, *, drop: bool) -> None:
    """The largest packet between two pods by the way that routers use now, and the same as fragments: ``pods.mtu``.

    ``drop``: nodes let no fragments in, as behind a firewall that drops them.
    """
    spaces = lab.network.namespaces
    for node in ends.hosts:
        fragments.watch(spaces, node, drop=drop)
    mtu = _largest(lab, ends, source, target)
    cut = sum(fragments.seen(spaces, node) for node in ends.hosts)
    data = attempt(spaces, "data", ends.pods[source], ends.pods[target], PORT)
    for node in ends.hosts:
        fragments.leave(spaces, node)
    lab.note(
        "pods.mtu", source=source, target=target, dropped=drop, mtu=mtu, fragments=cut,
        data=REASONS.get(data, "timeout"),
    )  # fmt: skip
