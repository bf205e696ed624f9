"""One measurement of throughput, as a scenario asks for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from testbed.units import Rate

Family = Literal[4, 6]


@dataclass(frozen=True)
class Flow:
    """A flow of iperf3 between two hosts (or ends of an overlay).

    Attributes:
        source, target: names.
        family: IP version.
        name: of its files in the record; empty: made from the ends.
        protocol: what to send.
        rate: of payload; ``None``: as much as gets through, which is not for UDP.
        congestion: TCP's algorithm, such as ``bbr``; empty: the kernel's default.
        payload: bytes in each datagram, or in each write to a TCP socket; 0: iperf3's own choice.
    """

    source: str
    target: str
    family: Family = 4
    name: str = ""
    protocol: Literal["tcp", "udp"] = "tcp"
    rate: str | Rate | None = None
    congestion: str = ""
    payload: int = 0
