"""How long the queues of an emulated link must be, so that nothing is lost which was not asked to be lost."""

from __future__ import annotations

from dataclasses import dataclass

from testbed.theory.mtu import ETHERNET_HEADER
from testbed.units import Duration, Rate, Size

SMALLEST_FRAME = 42
"""Bytes of the smallest frame in ordinary use: ARP, or a UDP datagram without payload (14 + 28). A virtual Ethernet
pads nothing, so IEEE 802.3's 60 bytes (64 with the checksum) is not the floor here."""
JITTER_REACH = 4
"""The most deviations that a netem table reaches: its entries are 16-bit numbers of which 8,192 are one deviation
(Linux include/uapi/linux/pkt_sched.h, NETEM_DIST_SCALE). A table with outliers, scaled down, reaches further."""
UNSHAPED_PACKETS_PER_S = 2_000_000
"""Arbitrary: more than one core forwards through virtual interfaces, taken where a link has no rate."""
NETEM_LIMIT_MIN = 1000
"""tc's default for netem's limit in packets (iproute2 tc/q_netem.c); never go below what the tool itself would give."""
NETEM_LIMIT_MAX = 2**32 - 1
"""The limit is an unsigned 32-bit field (Linux struct tc_netem_qopt)."""
BURST_TIME = Duration(250_000)
"""Arbitrary, within two limits: a bucket shorter than the timer's lateness (tens of microseconds on an idle machine,
more on a busy one) loses rate, since what a late timer lets overflow is gone; a longer one lets more packets through at
once than the link could carry."""
FRAMES_MIN = 2
"""Frames that bucket and queue hold at the least: tbf drops a packet larger than its bucket, and with room for one only
the second of two packets sent back to back is lost at any rate."""
_NS_PER_S = 10**9
_NOTHING = Duration(0)
_NO_BYTES = Size(0)


def bdp(rate: Rate, rtt: Duration) -> Size:
    """Bandwidth-delay product in bytes, rounded up: what is in flight when a path is full (RFC 7323 section 1.1)."""
    return Size(_ceil(int(rate) * int(rtt), 8 * _NS_PER_S))


def netem_limit(
    rate: Rate | None, delay: Duration, jitter: Duration = _NOTHING, *, burst: Size = _NO_BYTES,
    reach: int = JITTER_REACH, duplicates: bool = False, slot: Duration = _NOTHING, frame: int = SMALLEST_FRAME,
) -> int:  # fmt: skip
    """Packets that netem's queue must hold: as many of the smallest frame as can be in flight.

    ``rate x (delay + reach x jitter + slot) / frame + burst / frame``, at least tc's own 1,000. netem keeps each packet
    from its arrival until it is due and drops silently at the limit (Linux net/sched/sch_netem.c, netem_enqueue): a
    lower limit adds loss that nobody asked for. 1 Gbit/s x 40 ms is 3,333 packets of 1,500 bytes, or 119,048 of 42.

    Args:
        rate: of the link, counting frames as ``frame`` does; ``None``: unshaped, :data:`UNSHAPED_PACKETS_PER_S`.
        delay: one way.
        jitter: what netem is told.
        burst: what a shaper before netem lets through at once.
        reach: how many times the jitter netem's table goes beyond the delay.
        duplicates: packets may be doubled, and the copies take a place each.
        slot: the longest wait for a slot.
        frame: bytes of the smallest frame.

    Raises:
        ValueError: a time is negative, or netem cannot count that far.
    """
    if min(delay, jitter, slot, reach) < 0 or frame <= 0:
        raise ValueError(f"times are not negative and frames have a size: {delay}, {jitter}, {slot}, {frame} B")
    held = int(delay) + reach * int(jitter) + int(slot)
    if rate is None:
        packets = _ceil(UNSHAPED_PACKETS_PER_S * held, _NS_PER_S)
    else:
        packets = _ceil(int(rate) * held, 8 * frame * _NS_PER_S)
    packets = (packets + _ceil(int(burst), frame)) * (2 if duplicates else 1)
    if packets > NETEM_LIMIT_MAX:
        raise ValueError(f"{rate} over {Duration(held)} is {packets} packets in flight, more than netem counts")
    return max(packets, NETEM_LIMIT_MIN)


@dataclass(frozen=True)
class TokenBucket:
    """Sizes of a token bucket filter (tc-tbf(8)), in bytes.

    Attributes:
        burst: depth of the bucket: what passes at once after a pause.
        limit: what may wait for tokens; more is dropped at the tail.
    """

    burst: Size
    limit: Size


def token_bucket(rate: Rate, mtu: int, queue: Duration) -> TokenBucket:
    """Bucket and queue of a shaper whose queue may grow to the time ``queue`` at ``rate``.

    ``burst = max(2 frames, rate x 250 us)``, ``limit = max(2 frames, rate x queue)``; a frame is ``mtu`` + 14. While
    anything waits the bucket is empty, so the last byte of a full queue leaves after ``limit / rate``. tc's ``latency``
    option means this plus the bucket, and would hold packets for longer than asked.

    Valid where no packet is larger than the MTU: segmentation offload must be off, or done before the shaper.

    Raises:
        ValueError: ``mtu`` is not positive or ``queue`` is negative.
    """
    if mtu <= 0 or queue < 0:
        raise ValueError(f"an MTU is positive and a queue not negative, not {mtu} and {queue}")
    smallest = FRAMES_MIN * (mtu + ETHERNET_HEADER)
    return TokenBucket(
        burst=Size(max(smallest, _ceil(int(rate) * BURST_TIME, 8 * _NS_PER_S))),
        limit=Size(max(smallest, _ceil(int(rate) * int(queue), 8 * _NS_PER_S))),
    )


def _ceil(number: int, divisor: int) -> int:
    return -(-number // divisor)
