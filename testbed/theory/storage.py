"""What storage across a network gives: how many round trips an operation takes, and how many operations are under way.

``service`` is what an operation takes without the network, as measured at the server. Rates of operations are in 1/s.
"""

from __future__ import annotations

from testbed.theory.interval import Expectation, smallest
from testbed.theory.stall import RTO_MIN, RTO_SLACK
from testbed.units import Duration, Rate, Size

FAR_FROM_FULL = 0.5
"""Below this share of what the path carries, requests do not wait for each other; arbitrary."""


def wire(size: Size, rate: Rate | None, burst: Size) -> Duration:
    """How long a message of ``size`` bytes takes through a shaper, beyond the first bit: ``(size - burst) x 8 / rate``.

    A token bucket lets ``burst`` bytes through at once. Source: tc-tbf(8). Valid for an idle link.
    """
    if rate is None or size <= burst:
        return Duration(0)
    return Duration((size - burst) * 8 * 10**9 // rate)


def operations(rtt: Duration, service: Duration, *, depth: int = 1, trips: int = 1) -> Expectation:
    """Operations a second with ``depth`` under way, each of ``trips`` round trips: ``depth / (trips x RTT + service)``.

    That is most there can be: no request waits for another. At least it is ``depth / (trips x RTT + depth x service)``:
    each waits for all others at the server. With one under way both are the same.
    Source: asymptotic bounds of a closed system, Lazowska, Zahorjan, Graham, Sevcik, Quantitative System Performance,
    1984, section 5.2. Valid far below what the path can carry, and without loss.

    Raises:
        ValueError: nothing takes time, or a count is not positive.
    """
    if depth < 1 or trips < 0 or rtt < 0 or service < 0 or trips * rtt + service <= 0:
        raise ValueError(f"{depth} under way with {trips} round trips of {rtt} and {service} give no rate")
    source = "under way / (round trips x RTT + service time), Lazowska et al. 1984"
    alone, waiting = (Duration(trips * rtt + times * service).seconds for times in (1, depth))
    return Expectation(depth / alone, depth / waiting, depth / alone, "1/s", source)


def lossy(rtt: Duration, service: Duration, loss: float, over: int, packets: tuple[int, int] = (1, 1)) -> Expectation:
    """Operations a second, one at a time, each of ``packets`` there and back on a link that loses some at random.

    What is lost of a single packet waits for a retransmission timeout, ``RTO = RTT + 200 ms`` in Linux, twice that
    after a second loss, and so on: after k losses for ``RTO (2^k - 1)``. With a share ``q = 1 - (1 - loss)^packets``
    hit each time that is ``RTO q / (1 - 2q)`` on average, added to the RTT and the service time. A tail loss probe does
    not come earlier: for a packet that is alone under way it waits two RTTs and 200 ms. Of several packets one way some
    losses are mended sooner, so there is only a bound: none of theirs counts, or each takes a timeout.

    Bounds are four standard deviations of the mean of ``over`` operations, and for the upper end of the timeout what
    the smoothed RTT may exceed the RTT by (:data:`~testbed.theory.stall.RTO_SLACK`). Sources: RFC 6298 section 5.5, RFC
    8985 section 7.2, Linux net/ipv4/tcp_output.c (``tcp_schedule_loss_probe``), include/net/tcp.h (``TCP_RTO_MIN``).

    Raises:
        ValueError: nothing is counted, or ``loss`` is so large that the waits have no variance (a quarter hit).
    """
    alone, timeout = Duration(rtt + service).seconds, Duration(rtt + RTO_MIN).seconds
    (_, least, mean), (most, _, _) = (
        _waits(loss, over, count) for count in (sum(each == 1 for each in packets), sum(packets))
    )
    times = alone + (timeout + RTO_SLACK.seconds) * most, alone + timeout * mean, alone + timeout * least
    low, expected, high = (1 / each for each in times)
    source = f"RTT + service time + RTO q / (1 - 2q), RFC 6298; 4 standard deviations of {over} operations"
    return Expectation(expected if max(packets) == 1 else None, low, high, "1/s", source)


def _waits(loss: float, over: int, packets: int) -> tuple[float, float, float]:
    """The most, the least and the mean that an operation waits, in first timeouts, on average over so many."""
    hit = 1 - (1 - loss) ** packets
    if over < 1 or not 0 <= hit < 1 / 4:
        raise ValueError(f"{over} operations at a loss of {loss} have no mean time")
    mean = hit / (1 - 2 * hit)
    square = (1 - hit) / (1 - 4 * hit) - 2 * (1 - hit) / (1 - 2 * hit) + 1
    slack = 4 * max(0.0, (square - mean**2) / over) ** 0.5
    return mean + slack, max(0.0, mean - slack), mean


def counted(asked: Expectation, rounds: int) -> Expectation:
    """The same as a measurement of ``rounds`` round trips counts it: the first and the last one may count or not.

    Raises:
        ValueError: no rounds, or no bounds.
    """
    if rounds < 1 or asked.low is None or asked.high is None:
        raise ValueError(f"{rounds} rounds of {asked} cannot be counted")
    low, high = asked.low * rounds / (rounds + 1), asked.high * (rounds + 1) / rounds
    return Expectation(
        asked.expected, low, high, asked.unit, f"{asked.source}; one of {rounds} round trips more or less"
    )


def latency(depth: int, iops: float, slowest_s: float, over_s: float, between_s: float = 0.0) -> Expectation:
    """Mean time of an operation in s with ``depth`` always under way at that rate: ``depth / rate``.

    Source: Little, Operations Research 9(3), 1961. Valid for any closed loop, whatever the store does. Measured over a
    time ``over_s`` it is off by what was under way at either end: by at most ``slowest_s / over_s`` of it. Who asks may
    take up to ``between_s`` before asking again.

    Raises:
        ValueError: a number is not positive.
    """
    if depth < 1 or min(iops, slowest_s, over_s) <= 0:
        raise ValueError(f"{depth} under way at {iops}/s take no time")
    mean, edge = depth / iops, min(1.0, slowest_s / over_s)
    return Expectation(
        mean, max(0.0, mean * (1 - edge) - between_s), mean * (1 + edge), "s", "under way / rate, Little 1961"
    )


def carried(byte_s: float, block: Size) -> Expectation:
    """Operations of ``block`` bytes that a path of ``byte_s`` bytes a second carries: ``byte_s / block``, at most.

    Raises:
        ValueError: a number is not positive.
    """
    if byte_s <= 0 or block <= 0:
        raise ValueError(f"{byte_s} bytes/s carry no blocks of {block}")
    rate = byte_s / block
    return Expectation(rate, None, rate, "1/s", "bytes a second / bytes of an operation")


def shared(asked: Expectation, *limits: Expectation) -> Expectation:
    """What comes of ``asked`` where a path has ``limits``.

    Far from all of them it is ``asked``. Else there is only a bound, the smallest of all: how requests, TCP's window
    and a full queue share a link has no closed form here.

    Raises:
        ValueError: one expects nothing, or the units differ.
    """
    least = smallest(*limits)
    if asked.expected is None or least.expected is None:
        raise ValueError("limits are comparable when each expects a value")
    if asked.expected <= FAR_FROM_FULL * least.expected:
        return asked
    return at_most(smallest(asked, least))


def at_most(limit: Expectation) -> Expectation:
    """A bound alone: below it there is no theory."""
    high = limit.expected if limit.high is None else limit.high
    return Expectation(None, None, high, limit.unit, f"at most: {limit.source}; below that, no theory")


def at_least(limit: Expectation) -> Expectation:
    """A lower bound alone: above it there is no theory."""
    low = limit.expected if limit.low is None else limit.low
    return Expectation(None, low, None, limit.unit, f"at least: {limit.source}; above that, no theory")
