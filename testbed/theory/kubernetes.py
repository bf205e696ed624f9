"""When a control plane that has lost sight of a node says so.

A kubelet renews its node's lease every ``RENEWAL``, each time by a share of up to ``RENEWAL_LATE`` later. The node
lifecycle controller looks every ``MONITOR``; a lease that it saw renewed counts as seen at that look, and when none was
for ``GRACE`` the node is not ready (its condition is Unknown). So from the cut it takes grace - age of the last renewal
+ the wait for the look that saw it.

Source: kubernetes v1.34, pkg/controller/nodelifecycle/node_lifecycle_controller.go (``monitorNodeHealth``,
``tryUpdateNodeHealth``), component-helpers apimachinery/lease/controller.go.
"""

from __future__ import annotations

from testbed.theory.interval import Expectation
from testbed.units import Duration

GRACE = Duration.parse("50 s")
"""``node-monitor-grace-period``: 50 s from 1.32 on, 40 s before. Source: kubernetes pull request 126287."""
MONITOR = Duration.parse("5 s")
"""``node-monitor-period``: source as above."""
RENEWAL, RENEWAL_LATE = Duration.parse("10 s"), 0.04
"""A quarter of ``nodeLeaseDurationSeconds``, and its jitter. Source: pkg/kubelet/kubelet.go, lease/controller.go."""
HANDLING = Duration.parse("1 s")
"""For the controller to write and for a watch to tell it; arbitrary."""


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
