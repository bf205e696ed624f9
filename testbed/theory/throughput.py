"""How fast one flow can go: by loss, by window, by the wire.

Rates are in bit/s of payload (goodput) unless a name says otherwise, ``loss`` is the share of packets lost, between 0
and 1. A formula for the mean of a long flow gives no bounds; :meth:`Expectation.within` sets them.
"""

from __future__ import annotations

from math import sqrt

from testbed.theory.interval import Expectation
from testbed.theory.mtu import ETHERNET_HEADER, IP_HEADER, TCP_TIMESTAMPS, UDP_HEADER, Family, mss
from testbed.units import Duration, Rate

RENO_WINDOW = 1.2
"""Average window x sqrt(loss) of a Reno flow. Source: RFC 3649 section 1 and RFC 9438 section 5.1 (Reno columns)."""
CUBIC_C = 0.4
"""Segments per second cubed. Source: RFC 9438 section 5.1."""
CUBIC_BETA = 0.7
"""Share of the window kept after a loss. Source: RFC 9438 section 4.6; 717/1024 in Linux."""
MATHIS_EVERY_ACK = sqrt(3 / 2)
MATHIS_DELAYED_ACK = sqrt(3 / 4)
"""The constant C. Source: Mathis, Semke, Mahdavi, Ott, CCR 27(3) 1997, table 1: periodic loss."""
MATHIS_RANDOM_LOSS = 1.31
"""The same, for losses at random and an acknowledgement of every packet; of bytes, as Linux counts (RFC 3465)."""
_ON_THE_WIRE = "rate x payload / (IP packet + 14 bytes of Ethernet header), tc-stab(8)"
LINUX_RTO_MIN = Duration(200_000_000)
"""Source: Linux include/net/tcp.h, TCP_RTO_MIN; Linux adds it to the smoothed round trip time."""


def mathis(segment: int, rtt: Duration, loss: float, *, constant: float = MATHIS_EVERY_ACK) -> Expectation:
    """Goodput of Reno: ``segment x 8 / rtt x C / sqrt(loss)``.

    Source: Mathis et al. 1997, equation 3. Valid for rare loss (below about 1 %), no timeouts, a path and windows that
    do not limit. Linux acknowledges every second segment in steady state: ``MATHIS_DELAYED_ACK``; its default CUBIC is
    faster on long paths, see :func:`cubic`.

    Raises:
        ValueError: ``loss`` is not within 0 (exclusive) and 1, or a size or time is not positive.
    """
    _check(segment, rtt, loss)
    rate = segment * 8 / rtt.seconds * constant / sqrt(loss)
    return Expectation(rate, None, None, "bit/s", "Mathis et al. 1997: MSS/RTT x C/sqrt(p)")


def pftk(
    segment: int, rtt: Duration, loss: float, *, rto: Duration | None = None, acked: int = 2,
    window: int | None = None,
) -> Expectation:  # fmt: skip
    """Goodput of Reno with timeouts: ``segment x 8 / (rtt sqrt(2bp/3) + rto min(1, 3 sqrt(3bp/8)) p (1 + 32 p^2))``.

    Source: Padhye, Firoiu, Towsley, Kurose, SIGCOMM 1998, equation 32 (the approximate model). Valid for loss up to
    several percent, in bursts within one window.

    Args:
        segment: payload bytes of a packet.
        rtt: round trip time.
        loss: rate of loss events seen by the sender.
        rto: first retransmission timeout; ``None``: as Linux, ``rtt`` + 200 ms (no jitter).
        acked: ``b``, segments acknowledged by one ACK; 2 with delayed ACKs (RFC 5681 section 4.2).
        window: receiver's window in bytes; ``None``: it does not limit.

    Raises:
        ValueError: as :func:`mathis`.
    """
    _check(segment, rtt, loss)
    timeout = (rto if rto is not None else Duration(rtt + LINUX_RTO_MIN)).seconds
    fast = rtt.seconds * sqrt(2 * acked * loss / 3)
    slow = timeout * min(1.0, 3 * sqrt(3 * acked * loss / 8)) * loss * (1 + 32 * loss**2)
    rate = segment * 8 / (fast + slow)
    if window is not None:
        rate = min(rate, window * 8 / rtt.seconds)
    return Expectation(rate, None, None, "bit/s", "PFTK: Padhye et al. 1998, equation 32")


def reno_window(loss: float) -> float:
    """Average congestion window of Reno in segments: ``1.2 / sqrt(loss)``. Source: :data:`RENO_WINDOW`.

    Raises:
        ValueError: ``loss`` is not within 0 (exclusive) and 1.
    """
    if not 0 < loss <= 1:
        raise ValueError(f"loss is a share above 0 and at most 1, not {loss}")
    return RENO_WINDOW / sqrt(loss)


def cubic_window(loss: float, rtt: Duration, *, c: float = CUBIC_C) -> float:
    """Average congestion window of CUBIC in segments, at least Reno's (the Reno-friendly region).

    ``(c (3 + beta) / (4 (1 - beta)))^(1/4) x rtt^(3/4) / loss^(3/4)``, rtt in seconds. Source: RFC 9438 section 5
    and its tables 1 to 3, which it reproduces. Valid for loss at even distances (``1/loss`` packets apart); random loss
    of the same rate gives a somewhat smaller window.

    Raises:
        ValueError: as :func:`mathis`.
    """
    _check(1, rtt, loss)
    factor: float = (c * (3 + CUBIC_BETA) / (4 * (1 - CUBIC_BETA))) ** 0.25
    scaled: float = (rtt.seconds / loss) ** 0.75
    return max(reno_window(loss), factor * scaled)


def cubic(segment: int, rtt: Duration, loss: float, *, c: float = CUBIC_C) -> Expectation:
    """Goodput of CUBIC, the default of Linux: ``segment x 8 x window / rtt`` with :func:`cubic_window`.

    Raises:
        ValueError: as :func:`mathis`.
    """
    _check(segment, rtt, loss)
    rate = segment * 8 * cubic_window(loss, rtt, c=c) / rtt.seconds
    return Expectation(rate, None, None, "bit/s", "CUBIC response function, RFC 9438 section 5")


def window_limit(window: int, rtt: Duration) -> Expectation:
    """Goodput with ``window`` bytes outstanding: ``window x 8 / rtt``, which is also the most there can be.

    Source: RFC 7323 section 1.1. Holds for TCP's window as for a protocol with a fixed number of requests in flight
    (NFS: outstanding x rsize).

    Raises:
        ValueError: a size or time is not positive.
    """
    _check(window, rtt, 1)
    rate = window * 8 / rtt.seconds
    return Expectation(rate, None, rate, "bit/s", "window/RTT, RFC 7323 section 1.1")


def tcp_efficiency(mtu: int, *, family: Family = 4, timestamps: bool = True, outer: int | None = None) -> float:
    """Payload share of the bytes that a shaped rate counts: ``(mss - 12 [timestamps]) / (outer + 14)``.

    A qdisc on an Ethernet interface counts the IP packet and the 14 bytes of the Ethernet header, neither preamble, gap
    nor checksum (Linux ``skb->len`` at the qdisc; tc-stab(8)). For full segments one way; ACKs go the other.

    Args:
        mtu: of the path as TCP sees it, in bytes.
        family: IP version of the flow.
        timestamps: TCP timestamps are on.
        outer: size of the IP packet on the shaped link when a tunnel wraps it; ``None``: ``mtu``.

    Raises:
        ValueError: no payload fits.
    """
    payload = mss(mtu, family) - (TCP_TIMESTAMPS if timestamps else 0)
    if payload <= 0:
        raise ValueError(f"an MTU of {mtu} leaves no room for TCP data")
    return payload / ((mtu if outer is None else outer) + ETHERNET_HEADER)


def tcp_goodput(
    rate: Rate, mtu: int, *, family: Family = 4, timestamps: bool = True, outer: int | None = None
) -> Expectation:
    """Goodput of TCP that fills a link of ``rate``, counted as in :func:`tcp_efficiency`; the most there can be.

    Raises:
        ValueError: no payload fits.
    """
    goodput = int(rate) * tcp_efficiency(mtu, family=family, timestamps=timestamps, outer=outer)
    return Expectation(goodput, None, goodput, "bit/s", _ON_THE_WIRE)


def udp_goodput(rate: Rate, payload: int, *, family: Family = 4, overhead: int = 0) -> Expectation:
    """Goodput of UDP datagrams of ``payload`` bytes that fill a link of ``rate``; ``overhead``: of a tunnel, in bytes.

    Counted as :func:`tcp_efficiency` says; for datagrams that are not fragmented.

    Raises:
        ValueError: ``payload`` is not positive or ``overhead`` is negative.
    """
    if payload <= 0 or overhead < 0:
        raise ValueError(f"no datagram has {payload} bytes of payload and {overhead} of overhead")
    goodput = int(rate) * payload / (payload + UDP_HEADER + IP_HEADER[family] + overhead + ETHERNET_HEADER)
    return Expectation(goodput, None, goodput, "bit/s", _ON_THE_WIRE)


RENO_BETA = 0.5
"""Share of the window kept after a loss. Source: RFC 5681 section 3.1."""
BBR_PROBE_RTT, BBR_PROBE_RTT_EACH = Duration(200_000_000), Duration(10_000_000_000)
"""How long BBR sends next to nothing to measure the RTT, and how often. Source: draft-cardwell-iccrg-bbr."""
BBR_LOSS_MAX = 0.2
"""Above this share lost even BBR's probing does not keep its rate. Source: Cardwell et al., ACM Queue 14(5), fig. 8."""


def sawtooth(capacity: Expectation, rtt: Duration, queue: Duration, beta: float) -> Expectation:
    """Goodput of one loss-based flow that fills a link whose queue holds ``queue``, on average over its sawtooth.

    The window swings between ``beta`` times and all of what path and queue hold, ``capacity x (rtt + queue)``; below
    ``capacity x rtt`` the link idles. So the rate is never below ``min(1, beta (rtt + queue) / rtt)`` of the capacity.
    Source: Appenzeller, Keslassy, McKeown, SIGCOMM 2004, section 2, for any beta. Valid in congestion avoidance,
    without loss but of the queue's own. One per mille is allowed for the edges of what is measured; arbitrary.

    Raises:
        ValueError: the capacity is not known.
    """
    if capacity.expected is None:
        raise ValueError("a capacity is a number")
    least = min(1.0, beta * (rtt + queue) / rtt)
    low, high = capacity.expected * least * 0.999, capacity.expected * 1.001
    expected = capacity.expected if least == 1.0 else None
    source = f"{capacity.source}; at least {beta:g} (RTT + queue)/RTT of it, Appenzeller et al. 2004"
    return Expectation(expected, low, high, "bit/s", source)


def bbr(capacity: Expectation, loss: float, rtt: Duration, over: Duration) -> Expectation:
    """Goodput of BBR measured over some time: the capacity less what is lost, and less the time of probing the RTT.

    A probe takes :data:`BBR_PROBE_RTT`, one RTT before to drain the path and one after to fill it. In a time ``over``
    fall ``over`` / :data:`BBR_PROBE_RTT_EACH` of them, and at most one more.
    Source: Cardwell et al., BBR, ACM Queue 14(5), 2016: loss is no signal. Valid for version 1 (Linux) below
    :data:`BBR_LOSS_MAX`; above nothing is expected.

    Raises:
        ValueError: the capacity is not known, or ``loss`` is no share.
    """
    if capacity.expected is None or not 0 <= loss <= 1 or over <= 0:
        raise ValueError(f"a capacity is a number and loss a share, not {capacity.expected}, {loss} over {over}")
    source = f"{capacity.source}; BBR: Cardwell et al. 2016, less loss and probing"
    if loss > BBR_LOSS_MAX:
        return Expectation(None, None, capacity.expected, "bit/s", source)
    kept = capacity.expected * (1 - loss)
    probe = (BBR_PROBE_RTT + 2 * rtt) / over
    often, most = over / BBR_PROBE_RTT_EACH, over // BBR_PROBE_RTT_EACH + 1
    low = max(0.0, kept * (1 - most * probe))
    return Expectation(max(low, kept * (1 - often * probe)), low, capacity.expected * 1.001, "bit/s", source)


def fairness(flows: int) -> Expectation:
    """Jain's index of that many flows: 1 when all get the same, ``1/n`` when one gets all; nothing is promised.

    Raises:
        ValueError: there is no flow.
    """
    if flows < 1:
        raise ValueError("fairness takes at least one flow")
    return Expectation(1.0, None, None, "", f"Jain, Chiu, Hawe 1984: 1 is even, 1/{flows} is all for one; no bound")


def byte_limit(rate: Rate, payload: int, counted: int) -> Expectation:
    """Goodput of packets of ``payload`` bytes, ``counted`` bytes of which each count towards a limit of ``rate``.

    Raises:
        ValueError: there is no payload, or more of it than is counted.
    """
    if not 0 < payload <= counted:
        raise ValueError(f"a packet that counts {counted} bytes has no payload of {payload}")
    goodput = int(rate) * payload / counted
    return Expectation(goodput, None, goodput, "bit/s", "rate x payload / bytes counted")


def packet_limit(packets_per_s: int, payload: int) -> Expectation:
    """Goodput of datagrams of ``payload`` bytes through a limit of packets a second.

    Raises:
        ValueError: one of them is not positive.
    """
    if packets_per_s <= 0 or payload <= 0:
        raise ValueError(f"{packets_per_s} packets/s of {payload} bytes are no traffic")
    rate = float(packets_per_s * payload * 8)
    return Expectation(rate, None, rate, "bit/s", "packets/s x payload")


def offered(rate: Rate) -> Expectation:
    """What is sent, where nothing limits it."""
    return Expectation(float(rate), None, float(rate), "bit/s", "what is offered")


def _check(size: int, rtt: Duration, loss: float) -> None:
    if size <= 0 or rtt <= 0:
        raise ValueError(f"sizes and times are positive, not {size} bytes and {rtt}")
    if not 0 < loss <= 1:
        raise ValueError(f"loss is a share above 0 and at most 1, not {loss}")
