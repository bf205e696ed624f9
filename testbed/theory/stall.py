"""How long a TCP connection stands still when its path does."""

from __future__ import annotations

from testbed.theory.interval import Expectation
from testbed.units import Duration

RTO_MIN = Duration(200_000_000)
"""Linux: TCP_RTO_MIN, include/net/tcp.h."""
GIVES_UP_S = 924.6
"""Linux: tcp_retries2 = 15 retransmissions, Documentation/networking/ip-sysctl.rst."""


def stall(gap: Expectation, rtt: Duration, later_rtt: Duration, look: Duration) -> Expectation:
    """Longest stall in s of a connection that is written to all the time, given the gap of packets.

    ``gap <= stall <= 2 gap + RTO``: retransmissions come at RTO x (2^k - 1) after the first (RFC 6298 sections 5.5 and
    5.6, each timeout twice the one before), so the next after an instant t comes by 2 t + RTO. RTO is the smoothed RTT
    and Linux' least, 200 ms, while the RTT does not vary (tcp_set_rto). Both ends besides: a tail loss probe after two
    RTTs (RFC 8985 section 7.2), the answer's way, and a look each ``look``, before and after.

    Valid for gaps shorter than it takes Linux to give up, 924.6 s, and timeouts below their limit of 120 s.
    """
    slack = 2 * look.seconds
    low = None if gap.low is None else max(0.0, gap.low - rtt.seconds - slack)
    source = "RFC 6298 section 5.5: timeouts double, so the gap <= stall <= 2 x gap + RTO"
    if gap.high is None:
        return Expectation(None, low, None, "s", source)
    if gap.high == 0:
        longest = max(rtt, later_rtt).seconds + slack
        return Expectation(None, 0.0, longest, "s", "nothing is lost: an answer takes a round trip, seen by looks")
    timeout = rtt.seconds + RTO_MIN.seconds
    return Expectation(None, low, 2 * gap.high + timeout + 2 * rtt.seconds + later_rtt.seconds + slack, "s", source)
