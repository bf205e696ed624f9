"""NAT gateways: when a silent connection is forgotten, and how many there can be."""

from __future__ import annotations

from testbed.theory.interval import Expectation
from testbed.units import Duration

TICK = Duration(4_000_000)
"""The kernel's connection tracking counts in ticks: 250 a second in the guest, as in Debian's and Ubuntu's kernels."""
_IDLE = "AWS VPC user guide, NAT gateways: idle timeout; ticks, delayed ACK"
DELAYED_ACK = Duration(200_000_000)
"""The last packet before the silence may be an acknowledgement this much after the last data (``TCP_DELACK_MAX``,
include/net/tcp.h; RFC 9293 section 3.8.6.3 allows 500 ms)."""


def forgotten(idle: Duration, rtt: Duration) -> Expectation:
    """The silence in s after which a connection is gone: from ``idle`` on, counted from the last packet.

    The ends count from the last data, which the near end heard at most a round trip and a delayed acknowledgement
    before the gateway saw the last packet. Source: AWS VPC user guide, NAT gateway troubleshooting ("idle for 350
    seconds or more"); the rest is the kernel's.
    """
    low, high = idle.seconds - TICK.seconds, idle.seconds + DELAYED_ACK.seconds + rtt.seconds + TICK.seconds
    return Expectation(
        idle.seconds, low, high, "s", "AWS VPC user guide, NAT gateways: idle timeout; ticks, delayed ACK"
    )


def reset(to_gateway: Duration, rtt: Duration) -> Expectation:
    """Time in ms from speaking again to the reset.

    The RTT to the gateway, which answers itself, so less than the RTT to the far end. Source: AWS VPC user guide,
    comparison of NAT gateways and NAT instances (RST, no FIN).
    """
    source = "AWS VPC user guide, comparison of NAT gateways and NAT instances: the gateway itself sends RST"
    return Expectation(to_gateway.seconds * 1e3, to_gateway.seconds * 1e3, rtt.seconds * 1e3, "ms", source)


def admitted(connections: int, tried: int) -> Expectation:
    """How many connections to one address, port and protocol a gateway lets through at once, of those tried."""
    most = min(connections, tried)
    source = f"AWS VPC user guide, NAT gateway basics: 55,000 to each destination; here {connections:,}"
    return Expectation(most, most, most, "flows", source)
