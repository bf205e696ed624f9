"""When a volume of a class answers. Knows no socket and no thread: :mod:`testbed.daemons.volume` serves it."""

from __future__ import annotations

import random

from testbed.theory.volumes import CLASSES, Limits


class Pace:
    """When each request of one volume is through.

    A request begins when the ones before it have left room, in requests and in bytes, and takes a time of its own from
    there. Where a class bursts, each byte costs a credit, credits are earned at the base rate, and who has none waits.
    """

    def __init__(self, kind: str, limits: Limits, seed: int) -> None:
        self._class = CLASSES[kind]
        self._limits = limits
        self._chance = random.Random(seed)
        self._free_ns = 0.0
        self._credits = limits.credits
        self._counted_ns: float | None = None

    def due(self, now_ns: int, length: int) -> int:
        """The instant at which a request of ``length`` bytes that arrives now is through."""
        begins = self._paid(max(now_ns, self._free_ns), length)
        counts = max(1, -(-length // self._class.counted))
        self._free_ns = begins + 1e9 * max(counts / self._limits.iops, length / self._limits.byte_s)
        return round(begins) + self._chance.randint(self._class.fastest, self._class.slowest)

    def _paid(self, instant_ns: float, length: int) -> float:
        """When there are credits for a request, which are then gone; at once for a class without bursts."""
        have = self._limits
        if have.byte_s <= have.base_s:
            return instant_ns
        earned = have.base_s * (instant_ns - (instant_ns if self._counted_ns is None else self._counted_ns)) / 1e9
        self._credits = min(have.credits_max, self._credits + earned)
        lacking = max(0.0, length - self._credits)
        paid_ns = instant_ns + 1e9 * lacking / have.base_s
        self._credits = max(0.0, self._credits - length) if not lacking else 0.0
        self._counted_ns = paid_ns
        return paid_ns
