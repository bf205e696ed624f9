"""What iperf3's receiver saw, read from the JSON that it left in a record. Pure functions of the record.

Nothing heavy is imported: scenarios import this, and scenarios are loaded in the guest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from testbed.history import History
from testbed.units import Duration


@dataclass(frozen=True)
class Received:
    """What arrived: ``bits`` of payload in each interval, which ``edges_s`` bound, in seconds since the start.

    Attributes:
        share_lost: of UDP datagrams, 0 to 1; ``None`` for TCP, and where none was sent.
    """

    edges_s: tuple[tuple[float, float], ...]
    bits: tuple[float, ...]
    share_lost: float | None = None

    def rate_bit_s(self, after: Duration) -> float | None:
        """Mean rate in bit/s of the whole intervals after that time; ``None`` when there is none."""
        kept = [
            (end - start, bits)
            for (start, end), bits in zip(self.edges_s, self.bits, strict=True)
            if start >= after.seconds
        ]
        seconds = sum(length for length, _ in kept)
        return sum(bits for _, bits in kept) / seconds if seconds else None


def received(history: History, name: str) -> Received:
    """The receiver's side of the measurement of that name; without intervals where it left nothing."""
    said: Mapping[str, Any] = history.read_json(f"iperf/{name}-server.json") or {}
    sums = [each["sum"] for each in said.get("intervals", [])]
    # The last one is what was left in buffers after the sender's end, in next to no time.
    sums = [each for each in sums if each["seconds"] > 0.5]
    packets = sum(each.get("packets", 0) for each in sums)
    return Received(
        edges_s=tuple((each["start"], each["end"]) for each in sums),
        bits=tuple(8.0 * each["bytes"] for each in sums),
        share_lost=sum(each["lost_packets"] for each in sums) / packets if packets else None,
    )


def retransmits(history: History, name: str) -> int | None:
    """TCP segments that the sender sent again; ``None`` where it does not say."""
    said: Mapping[str, Any] = history.read_json(f"iperf/{name}.json") or {}
    count: int | None = said.get("end", {}).get("sum_sent", {}).get("retransmits")
    return count


def jain(rates: Sequence[float]) -> float | None:
    """Jain's fairness index, 1/n to 1: ``(sum x)^2 / (n sum x^2)``; ``None`` where nothing flowed.

    Source: Jain, Chiu, Hawe, DEC-TR-301, 1984.
    """
    squares = sum(rate * rate for rate in rates)
    return sum(rates) ** 2 / (len(rates) * squares) if squares else None
