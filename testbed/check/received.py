"""What arrived of a measurement of throughput, whoever measured. Pure.

Nothing heavy is imported: scenarios import this, and scenarios are loaded in the guest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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


def jain(rates: Sequence[float]) -> float | None:
    """Jain's fairness index, 1/n to 1: ``(sum x)^2 / (n sum x^2)``; ``None`` where nothing flowed.

    Source: Jain, Chiu, Hawe, DEC-TR-301, 1984.
    """
    squares = sum(rate * rate for rate in rates)
    return sum(rates) ** 2 / (len(rates) * squares) if squares else None
