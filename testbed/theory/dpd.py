"""Dead peer detection of IKE: when strongSwan gives up on a peer that is silent."""

from __future__ import annotations

from dataclasses import dataclass

from testbed.theory.failover import Cut
from testbed.theory.interval import Expectation
from testbed.units import Duration

ROUNDING_S = 1.0
"""strongSwan compares whole seconds (5.9.8 src/libcharon/sa/ike_sa.c:797, send_dpd uses time_t), and looks again after
whole seconds: what it finds is early or late by less than one."""
PROBES = 3
"""Questions in a DPD timeout: the example configurations of the VPN user guide say interval 10, retries 3."""
MS = 10**6


@dataclass(frozen=True)
class Retransmission:
    """When an IKE request is sent again, and given up: waits of ``timeout x base^i``, i = 0 to ``tries``.

    Source: strongSwan 5.9.8 src/libcharon/sa/ikev2/task_manager_v2.c:355, retransmit; task_manager.h:39-49 for what it
    does by default. Valid without ``retransmit_limit`` and ``retransmit_jitter``, both off by default.
    """

    timeout: Duration = Duration(4_000_000_000)
    base: float = 1.8
    tries: int = 5

    def sent_s(self, number: int) -> float:
        """When it is sent again for the number-th time, in s after it was first sent; 0: then."""
        return float(sum(self.timeout.seconds * self.base**step for step in range(number)))

    @property
    def gives_up_s(self) -> float:
        """When the peer is dead; 165.06 s by default."""
        return self.sent_s(self.tries + 1)


def retransmission(dpd: Duration) -> Retransmission:
    """The one that takes a peer for dead ``dpd`` after the first question that it did not answer.

    IKEv2 has no DPD timeout: a peer is dead when a request and all its retransmissions went unanswered. strongSwan's
    growth and number of tries are kept, and their sum is set to the timeout, which AWS counts from the first keep-alive
    that fails (VPN user guide, tunnel options). Whole milliseconds.
    """
    usual = Retransmission()
    return Retransmission(Duration(round(dpd * usual.timeout.seconds / usual.gives_up_s / MS) * MS))


def dpd_delay(timeout: Duration) -> Duration:
    """How long a tunnel must have been silent until the peer is asked whether it lives, in whole seconds."""
    return Duration(-(-timeout // (PROBES * 10**9)) * 10**9)


def ike_dpd(delay: Duration, cut: Cut | None = None, again: Retransmission | None = None) -> Expectation:
    """Gap in s until dead peer detection acts at both ends: ``delay + gives up`` after the cut, for IKEv2.

    Source: RFC 7296 section 2.4 leaves the times open. strongSwan 5.9.8 asks ``delay`` after the last inbound packet,
    IKE or ESP (src/libcharon/sa/ike_sa.c:797 send_dpd), and gives up as ``again`` says, by default its own.

    If only one direction is cut, its receiver is the one that hears nothing. Its questions arrive at the other end,
    which has not asked itself, or has: its own question, to which no answer can come, is then given up as ever. If not,
    it asks ``delay`` after the last question that it heard. Which of both is a matter of who asks first, so there are
    bounds and no expected value.

    Valid for traffic both ways until the cut, and where the end of the session takes away what attracts the traffic; a
    route that stays moves nothing.
    """
    cut, again = cut or Cut(), again or Retransmission()
    dead = delay.seconds + again.gives_up_s
    slack = cut.delay.seconds + cut.handling.seconds + ROUNDING_S
    source = "strongSwan 5.9.8: DPD delay + IKE retransmission"
    if cut.silent == "both":
        return Expectation(dead, dead - ROUNDING_S, dead + slack, "s", source)
    heard = delay.seconds + again.sent_s(again.tries) + ROUNDING_S
    source += "; one end hears the other's questions, the last after another delay and all retransmissions but one wait"
    return Expectation(None, dead - ROUNDING_S, heard + dead + slack, "s", source)


def renewed_s(again: Retransmission) -> float:
    """The longest that the side that initiates waits before it asks a dead peer again, in s: the last of its waits."""
    return again.gives_up_s - again.sent_s(again.tries)
