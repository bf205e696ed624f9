"""When a control plane that has lost sight of a node says so, what follows, and how the node comes back.

A kubelet renews its node's lease every ``RENEWAL``, each time by a share of up to ``RENEWAL_LATE`` later. The node
lifecycle controller looks every ``MONITOR``; a lease that it saw renewed counts as seen at that look, and when none was
for ``GRACE`` the node is not ready (its condition is Unknown). So from the cut it takes grace - age of the last renewal
+ the wait for the look that saw it.

In the same look its pods are marked not ready, and the node is queued for the taint ``unreachable:NoExecute``. (Earlier
releases, and much that is written, have it queued one look later, 5 s: they asked for the condition as it was before
the look.) One node of a zone is tainted every ten seconds; a zone that is lost as a whole is no exception, unless every
zone of the cluster is lost, when nothing is. Then each pod has as long as it tolerates the taint, and is deleted; what
runs on the node runs on, as nobody can tell it.

Source: kubernetes v1.34.4, pkg/controller/nodelifecycle/node_lifecycle_controller.go (``monitorNodeHealth``,
``tryUpdateNodeHealth``, ``processTaintBaseEviction``, ``handleDisruption``), pkg/controller/tainteviction
(``processPodOnNode``), component-helpers apimachinery/lease/controller.go.
"""

from __future__ import annotations

from math import exp, sqrt
from statistics import NormalDist

from testbed.theory.interval import Expectation
from testbed.units import Duration

GRACE = Duration.parse("50 s")
"""``node-monitor-grace-period``: 50 s from 1.32 on, 40 s before. Source: kubernetes pull request 126287."""
MONITOR = Duration.parse("5 s")
"""``node-monitor-period``. Source: cloud-provider config/v1alpha1/defaults.go."""
RENEWAL, RENEWAL_LATE = Duration.parse("10 s"), 0.04
"""A quarter of ``nodeLeaseDurationSeconds``, and its jitter. Source: pkg/kubelet/kubelet.go, lease/controller.go."""
HANDLING = Duration.parse("1 s")
"""For the controller to write and for a watch to tell it; arbitrary."""
SKEW_S = 0.05
"""Kinds of things are watched side by side: what was first may be read last by so much; arbitrary."""
PASS, PER_NODE = Duration.parse("100 ms"), Duration.parse("10 s")
"""How often the queue for NoExecute is looked at, and how often it lets a node of a zone pass: ``node-eviction-rate``
of 0.1 a second with a burst of one. Source: nodelifecycle/scheduler/rate_limited_queue.go,
cmd/kube-controller-manager/app/options/nodelifecyclecontroller.go."""
FIRST_LOOK = "a controller that was away knows leases as they were, and may look before kubelets have renewed them"
"""Source: as above, ``tryUpdateNodeHealth``: the lease of its lister, against when it saw one renewed last."""
TOLERATED = Duration.parse("300 s")
"""What a pod that says nothing is given. Source: plugin/pkg/admission/defaulttolerationseconds/admission.go."""
SLICES = Duration.parse("1 s")
"""After which a service's endpoints are looked at again whose controller has not yet read what it wrote last: so the
second of two pods that are marked one right after the other may be among them for so long. Source:
pkg/controller/endpointslice/endpointslice_controller.go (``syncService``: ``StaleSlices``; ``defaultSyncBackOff``)."""
PROXY = Duration.parse("1 s")
"""kube-proxy writes rules no more often: ``minSyncPeriod``. Source: pkg/proxy/apis/config/v1alpha1/defaults.go."""
LOST = Duration.parse("45 s")
"""A connection on which nothing came for 30 s is asked, and is given up 15 s later: then its watches end, and not
before, as kubelets speak HTTP/2. Source: apimachinery pkg/util/net/http.go (``readIdleTimeoutSeconds``,
``pingTimeoutSeconds``), cmd/kubelet/app/server.go (``onHeartbeatFailure``)."""
WATCH_FIRST, WATCH_MOST = Duration.parse("800 ms"), Duration.parse("60 s")
"""A watch that ended is begun anew after a wait that doubles, each up to twice as long by chance, the longest from 30 s
to 60 s. Source: client-go tools/cache/reflector.go (``newReflectorWithOptions``)."""
DIAL = Duration.parse("15 s")
"""From one SYN to the next before a dial gives up after 30 s. Source: RFC 6298 section 5.5, from 1 s; client-go
transport (``defaults``)."""
SYNC = Duration.parse("10 s")
"""How often a kubelet compares what it knows of its node, or of its pods, with what its watch says that the control
plane holds. Source: pkg/kubelet/kubelet_node_status.go (``tryUpdateNodeStatus``: ``nodeLister``),
pkg/kubelet/status/status_manager.go (``syncPeriod``, ``needsReconcile``)."""
SYN_SENT, PORTS = Duration.parse("120 s"), 14116
"""How long conntrack keeps a connection that was never answered, and how many ports a client is given one of: the odd
ones from 32768 on. Source: Linux, net/netfilter/nf_conntrack_proto_tcp.c, net/ipv4/inet_connection_sock.c
(``inet_csk_find_open_port``)."""
LEVEL = 0.999
"""How sure it is that chance leaves a share within its bounds; as everywhere (testbed/check/statistics.py)."""


def not_ready(grace: Duration = GRACE) -> Expectation:
    """From the cut until the control plane says of a node that it is not ready, in s."""
    late = RENEWAL.seconds * (1 + RENEWAL_LATE)
    mean = grace.seconds - RENEWAL.seconds * (1 + RENEWAL_LATE / 2) / 2 + MONITOR.seconds / 2
    source = "kubernetes 1.34, node lifecycle controller: grace - age of the last renewal + wait for the next look"
    return Expectation(mean, grace.seconds - late, grace.seconds + MONITOR.seconds + HANDLING.seconds, "s", source)


def keeps_ready(outage_s: float, grace: Duration = GRACE) -> bool:
    """Whether no node becomes not ready however an outage falls between its renewals.

    TCP may try again as long after an outage as it lasted, since it doubles its waits (RFC 6298 section 5.5).
    """
    low = not_ready(grace).low
    assert low is not None
    return 2 * outage_s < low - MONITOR.seconds


def loses_ready(outage_s: float, grace: Duration = GRACE) -> bool:
    """Whether every node becomes not ready however an outage falls between its renewals."""
    high = not_ready(grace).high
    assert high is not None
    return outage_s > high


def endpoints_removed(not_ready_s: float) -> Expectation:
    """From the cut until a service has no address of a node's pods, in s, given when the node was not ready."""
    source = "kubernetes 1.34: pods are marked in the look that finds their node lost; endpoints follow, or 1 s later"
    latest = not_ready_s + SLICES.seconds + HANDLING.seconds
    return Expectation(None, not_ready_s - SKEW_S, latest, "s", source)


def no_execute(not_ready_s: float, before_s: float | None = None) -> Expectation:
    """From the cut until a node has the taint NoExecute, in s.

    A pass may find the node in the queue before its informer knows that it is not ready. Then the node leaves the
    queue, is queued again by the next look, and waits until another node would have its turn.

    Args:
        not_ready_s: when it was not ready.
        before_s: when the one before it in its zone had the taint; ``None``: it is the first.
    """
    soonest = not_ready_s if before_s is None else max(not_ready_s, before_s + PER_NODE.seconds)
    latest = soonest + PASS.seconds + PER_NODE.seconds + HANDLING.seconds
    source = "kubernetes 1.34: queued in the look that finds it lost, a pass each 100 ms, one node of a zone each 10 s"
    return Expectation(soonest + PASS.seconds / 2, soonest - SKEW_S, latest, "s", source)


def evicted(no_execute_s: float, tolerated: Duration = TOLERATED) -> Expectation:
    """From the cut until a node's pods are deleted, in s, given when it had the taint NoExecute."""
    at = no_execute_s + tolerated.seconds
    source = f"kubernetes 1.34, taint eviction controller: {tolerated} after the taint"
    return Expectation(at, at - SKEW_S, at + HANDLING.seconds, "s", source)


def watch_again(outage_s: float) -> float:
    """How long after an outage at most until a client's watch is there again, in s.

    Waits that have begun lasted no longer than the outage until then, and the next is at most twice all of them.
    """
    dead = max(0.0, LOST.seconds - outage_s)
    return dead + DIAL.seconds + min(WATCH_MOST.seconds, 2 * (outage_s + WATCH_FIRST.seconds))


def back(outage_s: float) -> Expectation:
    """From the network's return until what a kubelet says of its node, or of its pods, is believed again, in s.

    A kubelet compares with what its watch has shown it. Until that is back, it does not know that anybody holds its
    node for lost, and has nothing to tell.
    """
    late = SYNC.seconds * (1 + RENEWAL_LATE)
    source = "kubernetes 1.34, kubelet: its watch is begun anew (client-go waits up to 60 s), then its next comparison"
    return Expectation(None, -SKEW_S, watch_again(outage_s) + late + HANDLING.seconds, "s", source)


def untainted(ready_s: float) -> Expectation:
    """From the network's return until a node has lost the taint NoExecute, in s, given when it was ready again."""
    source = "kubernetes 1.34, node lifecycle controller: at the look after the node is ready"
    latest = ready_s + MONITOR.seconds + HANDLING.seconds
    return Expectation(ready_s + MONITOR.seconds / 2, ready_s - SKEW_S, latest, "s", source)


def share(dead: int, endpoints: int, connections: int) -> Expectation:
    """Of so many connections to a service the share that goes to pods which do not answer, in %.

    kube-proxy's rules choose for each connection by chance, all endpoints alike; bounds are those of the binomial law,
    by the normal one with a correction for continuity.
    """
    p = dead / endpoints
    slack = 0.0
    if 0 < p < 1:
        z = NormalDist().inv_cdf((1 + LEVEL) / 2)
        slack = z * sqrt(p * (1 - p) / connections) + 0.5 / connections
    source = f"kube-proxy: {dead} of {endpoints} endpoints, each connection's by chance; {connections} connections"
    return Expectation(100 * p, 100 * max(0.0, p - slack), 100 * min(1.0, p + slack), "%", source)


def strays(failed: int, connections: int) -> Expectation:
    """Of connections to a service that has no dead endpoint any more the share that fails nevertheless, in %.

    One that is given the port of another which went to a dead pod, and was not answered, goes there too: conntrack
    keeps what was chosen then, and kube-proxy takes no entries of TCP away. How often that is follows Poisson's law.

    Args:
        failed: those that were not answered within ``SYN_SENT`` before.
        connections: opened since.
    """
    mean = connections * failed / PORTS
    most, term, under = 0, exp(-mean), exp(-mean)
    while under < LEVEL:
        most += 1
        term *= mean / most
        under += term
    source = f"conntrack keeps {failed} connections to dead pods for {SYN_SENT}, and {PORTS} ports are given by chance"
    return Expectation(100 * mean / connections, 0, 100 * most / connections, "%", source)
