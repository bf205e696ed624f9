"""How long a TCP connection stands still when its path does, and whether it lives on afterwards."""

from __future__ import annotations

from testbed.theory.interval import Expectation, exactly
from testbed.units import Duration

RTO_MIN, RTO_MAX = Duration(200_000_000), Duration(120_000_000_000)
"""Linux: TCP_RTO_MIN and TCP_RTO_MAX, include/net/tcp.h."""
RTO_SLACK = Duration(50_000_000)
"""How far the smoothed RTT may exceed the RTT: a delayed acknowledgement (``TCP_DELACK_MIN``, 40 ms) and two ticks."""
GIVES_UP = Duration(924_600_000_000)
"""Linux: tcp_retries2 = 15 stands for this (Documentation/networking/ip-sysctl.rst): the first timeout after it ends a
connection with ETIMEDOUT, so it may be up to :data:`RTO_MAX` later (net/ipv4/tcp_timer.c, tcp_write_timeout)."""


def retried_s(silent_s: float, rtt: Duration) -> float:
    """By when, in s after the first packet that was lost, one is sent again after an instant ``silent_s``.

    Retransmissions come at RTO x (2^k - 1) (RFC 6298 sections 5.5 and 5.6: each timeout is twice the one before), so
    the next after an instant t comes by 2 t + RTO, and by t + 120 s since no timeout is longer. RTO is the smoothed
    RTT and 200 ms while the RTT does not vary (Linux, tcp_set_rto). A tail loss probe before the first (RFC 8985
    section 7.2) is one more of them and delays the others by no more than it comes sooner.
    """
    return min(2 * silent_s + rtt.seconds + RTO_MIN.seconds, silent_s + RTO_MAX.seconds)


def resent(rtt: Duration, idle: Duration, until: int) -> list[tuple[int, int]]:
    """When a connection sends into a silence, in ns since it began: windows, of those that begin before ``until``.

    The first packet is lost up to ``idle`` after the silence began. Waits are r, 2r, 4r ... where r is 200 ms and the
    smoothed RTT, or one r more where a tail loss probe came first (see :func:`retried_s`), and no longer than
    :data:`RTO_MAX`.
    """
    wait, late = RTO_MIN + rtt, RTO_MIN + rtt + RTO_SLACK
    low, high, windows = 0, idle + late, []
    while low < until:
        windows.append((int(low), int(high)))
        low, high = low + min(wait, RTO_MAX), high + min(late, RTO_MAX)
        wait, late = 2 * wait, 2 * late
    return windows


def stall(gap: Expectation, rtt: Duration, later_rtt: Duration, look: Duration) -> Expectation:
    """Longest stall in s of a connection that is written to all the time, given the gap of packets.

    ``gap <= stall``, and no longer than until the first retransmission after the gap (:func:`retried_s`). Both ends
    besides: a tail loss probe after two RTTs, the answer's way, and a look each ``look``, before and after.

    Valid where the gap is one stretch, and the connection lives (:func:`survives`).
    """
    slack = 2 * look.seconds
    low = None if gap.low is None else max(0.0, gap.low - rtt.seconds - slack)
    source = "RFC 6298 section 5.5: timeouts double, up to 120 s, so the gap <= stall <= 2 x gap + RTO"
    if gap.high is None:
        return Expectation(None, low, None, "s", source)
    if gap.high == 0:
        longest = max(rtt, later_rtt).seconds + slack
        return Expectation(None, 0.0, longest, "s", "nothing is lost: an answer takes a round trip, seen by looks")
    high = retried_s(gap.high, rtt) + 2 * rtt.seconds + later_rtt.seconds + slack
    return Expectation(None, low, high, "s", source)


def survives(least_s: float, most_s: float) -> Expectation | None:
    """Whether a connection whose packets vanish for so long goes on afterwards: 1, or 0; ``None``: either may be.

    Linux ends it at the first timeout after :data:`GIVES_UP`. Nothing else does: a router that is gone, or has no
    route, is an error that an established connection ignores (RFC 1122 section 4.2.3.9; tcp_v4_err).
    """
    source = f"Linux gives up at the first timeout after {GIVES_UP.seconds:g} s of silence (tcp_retries2 = 15)"
    if most_s < GIVES_UP.seconds:
        return exactly(1.0, "", source)
    if least_s > (GIVES_UP + RTO_MAX) / 10**9:
        return exactly(0.0, "", source)
    return None
