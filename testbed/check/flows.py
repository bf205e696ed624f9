"""What a stream of numbered packets saw: gap, loss, round-trip time. Pure functions of samples.

Nothing heavy is imported: scenarios import this, and scenarios are loaded in the guest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil

from testbed.history import History


@dataclass(frozen=True)
class Packet:
    """One packet of a stream; instants in ns on the record's scale, ``None``: never."""

    sent_ns: int
    reached_ns: int | None
    returned_ns: int | None

    @property
    def rtt_ns(self) -> int | None:
        """There and back."""
        return None if self.returned_ns is None else self.returned_ns - self.sent_ns


@dataclass(frozen=True)
class Gap:
    """A stretch in which no packet came back: from the sending of its first lost packet to that of the next that did.

    ``start_ns`` and ``end_ns`` are sending instants, so that a longer path afterwards does not count as outage. The gap
    is shorter or longer than the outage by at most one interval of the stream.
    """

    start_ns: int
    end_ns: int
    packets: int

    @property
    def length_s(self) -> float:
        """In seconds; its grain is the stream's interval."""
        return (self.end_ns - self.start_ns) / 10**9


def packets(history: History, name: str) -> tuple[Packet, ...]:
    """The packets of a stream in sending order."""
    rows = history.samples(name)
    return tuple(
        Packet(sent, reached, returned)
        for sent, reached, returned in zip(rows["sent_ns"], rows["reached_ns"], rows["returned_ns"], strict=True)
        if sent is not None
    )


def between(stream: Sequence[Packet], start_ns: int, end_ns: int) -> tuple[Packet, ...]:
    """The packets sent in a span of time."""
    return tuple(packet for packet in stream if start_ns <= packet.sent_ns < end_ns)


def gaps(stream: Sequence[Packet]) -> Iterator[Gap]:
    """Every gap that ended; an outage that lasts to the end of the stream has no known length and is not a gap."""
    first: int | None = None
    lost = 0
    for packet in stream:
        if packet.returned_ns is None:
            first = packet.sent_ns if first is None else first
            lost += 1
        elif first is not None:
            yield Gap(first, packet.sent_ns, lost)
            first, lost = None, 0


def longest_gap(stream: Sequence[Packet]) -> Gap | None:
    """The longest gap; ``None`` when no packet was lost, or none came back."""
    return max(gaps(stream), key=lambda gap: gap.end_ns - gap.start_ns, default=None)


def share_lost(stream: Sequence[Packet]) -> float | None:
    """Share of packets that never came back, 0 to 1; ``None`` for no packets."""
    return sum(packet.returned_ns is None for packet in stream) / len(stream) if stream else None


def rtt_ms(stream: Sequence[Packet], quantile: float = 0.5) -> float | None:
    """Quantile of the round-trip time in ms, by the nearest-rank method; ``None`` when nothing came back."""
    times = sorted(packet.rtt_ns for packet in stream if packet.rtt_ns is not None)
    return times[max(0, ceil(quantile * len(times)) - 1)] / 10**6 if times else None


def reordered(stream: Sequence[Packet]) -> int:
    """Packets that came back after one that was sent later (RFC 4737 section 3.3)."""
    latest, count = -1, 0
    numbered = [(packet.returned_ns, number) for number, packet in enumerate(stream) if packet.returned_ns is not None]
    for _, number in sorted(numbered):
        count += number < latest
        latest = max(latest, number)
    return count
