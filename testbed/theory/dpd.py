"""Dead peer detection of IKE: when strongSwan gives up on a peer that is silent."""

from __future__ import annotations

from testbed.theory.failover import Cut
from testbed.theory.interval import Expectation
from testbed.units import Duration

DPD_ROUNDING = Duration(1_000_000_000)
"""strongSwan compares whole seconds (5.9.8 src/libcharon/sa/ike_sa.c:797, send_dpd uses time_t)."""
IKE_RETRANSMIT_TIMEOUT = Duration(4_000_000_000)
"""Source: strongSwan 5.9.8 src/libcharon/sa/task_manager.h:39."""

DPD_PROBES = 3
"""Probes in a DPD timeout: the example configurations of the VPN user guide say interval 10, retries 3."""


def dpd_delay(timeout: Duration) -> Duration:
    """How long a tunnel must have been silent until the peer is asked whether it lives, in whole seconds."""
    return Duration(-(-timeout // (DPD_PROBES * 10**9)) * 10**9)


def ike_retransmission_s(timeout: Duration = IKE_RETRANSMIT_TIMEOUT, base: float = 1.8, tries: int = 5) -> float:
    """Seconds until strongSwan gives up an IKE request: ``sum of timeout x base^i, i = 0..tries``; 165.06 by default.

    Source: strongSwan 5.9.8 src/libcharon/sa/task_manager.c:26 and its defaults in task_manager.h:39-49. Valid without
    ``retransmit_limit`` and ``retransmit_jitter``, both off by default.
    """
    return float(sum(timeout.seconds * base**step for step in range(tries + 1)))


def ike_dpd(
    delay: Duration, cut: Cut | None = None, *, gives_up_s: float | None = None, timeout: Duration | None = None,
    idle: bool = False,
) -> Expectation:  # fmt: skip
    """Gap in s until dead peer detection acts: ``delay - age + gives_up_s`` (IKEv2), ``timeout - age`` (IKEv1).

    Source: RFC 7296 section 2.4 leaves the times open. strongSwan 5.9.8 asks ``delay`` after the last inbound packet,
    IKE or ESP (src/libcharon/sa/ike_sa.c:797), and gives up as :func:`ike_retransmission_s` says, which is the default.
    ``timeout`` (``dpd_timeout``) has a meaning for IKEv1 only, counted from the last inbound packet (src/libcharon/sa/
    ikev1/task_manager_v1.c:1881). The age is 0 while traffic flows and up to ``delay`` on an ``idle`` tunnel, whose
    ends last heard of the same exchange. To act within AWS's DPD timeout of 30 s, set shorter retransmissions.

    Valid where the action removes what attracts the traffic; a route that stays moves nothing.

    Raises:
        ValueError: only one direction is cut; then one end still hears ESP, and all depends on the traffic.
    """
    cut = cut or Cut()
    if cut.silent != "both":
        raise ValueError("dead peer detection is modelled for a cut of both directions")
    last = (
        max(timeout, delay).seconds if timeout is not None else delay.seconds + (gives_up_s or ike_retransmission_s())
    )
    age, slack = delay.seconds if idle else 0.0, DPD_ROUNDING.seconds
    source = "strongSwan 5.9.8: DPD delay - age of the last packet + IKE retransmission"
    return Expectation(last - age / 2, max(0.0, last - age - slack), last + slack + cut.handling.seconds, "s", source)
