"""What can be read off a probe of packets when its block is over: ``flow.longest_gap``, ``.lost``, ``.rtt()``."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from functools import cached_property

from testbed.check import flows
from testbed.check.flows import Packet
from testbed.check.measured import Measured
from testbed.errors import InputError, Problem, RunError
from testbed.units import Duration, Quantity, Ratio

BILLION = 10**9


class Readings:
    """A probe whose packets are known when it has ended. Each reading is noted where somebody wants to know of it."""

    name: str
    _packets: tuple[Packet, ...] | None = None
    _noted: Callable[[Measured], None] | None = None

    def __repr__(self) -> str:
        return self.name

    def take(self, packets: Iterable[Packet]) -> None:
        """It has ended, and this is what it saw."""
        self._packets = tuple(packets)

    def tell(self, noted: Callable[[Measured], None]) -> None:
        """Call this with each reading, once."""
        self._noted = noted

    @cached_property
    def longest_gap(self) -> Measured:
        """The longest stretch without an answer, by sending instants; 0 where nothing was lost.

        Of one that lasts to the end of the probe only the least is known.

        Raises:
            RunError: no answer came at all.
        """
        seen = self._answered("longest_gap")
        longest = flows.longest_gap(seen)
        known = Duration(longest.end_ns - longest.start_ns if longest else 0)
        open_ns = self._open_ns(seen)
        return self._note("longest_gap", Duration(max(known, open_ns)), at_least=open_ns > known)

    @cached_property
    def lost(self) -> Measured:
        """The share of packets that were not answered. Raises :class:`RunError`: none was sent."""
        seen = self._ended("lost")
        if not seen:
            raise self._unknown("lost", "no packet was sent")
        missing = sum(packet.returned_ns is None for packet in seen)
        return self._note("lost", Ratio(round(Fraction(missing * BILLION, len(seen)))))

    def rtt(self, quantile: str = "50 %") -> Measured:
        """The round-trip time that this share of the answers has at most (nearest rank). Raises :class:`RunError`."""
        name = f"rtt_p{quantile.removesuffix('%').strip()}"
        share = Ratio.parse(quantile).fraction
        found = flows.rtt_ms(self._answered(name), share)
        assert found is not None, "there is an answer"
        return self._note(name, Duration(round(found * 10**6)))

    def _ended(self, what: str) -> tuple[Packet, ...]:
        if self._packets is None:
            raise InputError(Problem(f"probe {self.name}", f"{what} is not known yet", "read it after its block"))
        return self._packets

    def _answered(self, what: str) -> tuple[Packet, ...]:
        seen = self._ended(what)
        if all(packet.returned_ns is None for packet in seen):
            raise self._unknown(what, f"none of {len(seen)} packets was answered")
        return seen

    def _unknown(self, what: str, why: str) -> RunError:
        return RunError(Problem(f"probe {self.name}", f"{what} is not known: {why}"))

    @staticmethod
    def _open_ns(seen: tuple[Packet, ...]) -> int:
        """How long, up to the last packet, none had been answered."""
        last = max(number for number, packet in enumerate(seen) if packet.returned_ns is not None)
        return seen[-1].sent_ns - seen[last + 1].sent_ns if last + 1 < len(seen) else 0

    def _note(self, what: str, quantity: Quantity, *, at_least: bool = False) -> Measured:
        made = Measured(f"{self.name}.{what}", quantity, at_least)
        if self._noted is not None:
            self._noted(made)
        return made
