"""Many UDP packets one way, counted where they arrive: for limits of rate and of packets a second.

iperf3 takes some sixteen system calls a datagram, and where each takes its fixed time it sends no more than 125,000 a
second. Here both ends work by the batch, once a tick.
"""

from __future__ import annotations

import array
import contextlib
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from testbed.net.mmsg import Batch
from testbed.net.namespace import Namespaces
from testbed.probe.child import Child, fork
from testbed.probe.pace import paced, read_numbers, write_numbers
from testbed.probe.place import Place
from testbed.probe.udp import bound
from testbed.units import Duration, Rate

COLUMNS = ("start_ns", "end_ns", "packets")
"""A row: how many packets arrived in a span."""
TICK = Duration(10**6)
"""How often packets are sent and taken in. What goes out together is a fifth of a policer's bucket
(:data:`testbed.net.shaping.POLICER_BURST_NS`); arbitrary."""
ROW_TICKS = 100
"""Ticks in a row of the record; arbitrary."""
SLOTS = 256
"""Packets in one system call; arbitrary."""
_ROOM = 32 << 20
"""Bytes of packets that were not taken in yet; arbitrary, many times what arrives in a tick."""
_KEPT = 8
"""Bytes read of each packet: they are counted, not looked at."""
Row = tuple[int, int, int]


@dataclass
class UdpFlood:
    """Running packets. ``finish`` ends them; ``sent`` is known then."""

    name: str
    sender: Child
    sink: Child
    files: dict[str, Path]
    epoch_ns: int
    sent: int = 0

    def finish(self, drain: float = 0.0) -> list[Row]:
        """Stop sending, wait ``drain`` seconds for what is under way, and give the rows (:data:`COLUMNS`).

        Raises:
            RunError: a process of the flood had failed.
        """
        self.sender.stop()
        if drain:
            time.sleep(drain)
        self.sink.stop()
        (self.sent,) = read_numbers(self.files["sent"])
        return list(_rows(read_numbers(self.files["arrived"]), self.epoch_ns))


def start(
    namespaces: Namespaces, scratch: Path, name: str, source: Place, target: Place, rate: Rate, payload: int, port: int,
    epoch_ns: int,
) -> UdpFlood:  # fmt: skip
    """Start sending, evenly but for the tick.

    Args:
        namespaces: of the lab.
        scratch: for files of the flood's processes.
        name: of the flood.
        source: (node, address) that sends.
        target: (node, address) that counts.
        rate: of payload.
        payload: bytes in a packet.
        port: of both ends.
        epoch_ns: instant that the rows' instants count from, in ns of CLOCK_REALTIME.

    Raises:
        ValueError: no packet has such a payload.
    """
    if payload <= 0:
        raise ValueError(f"a packet has at least one byte of payload, not {payload}")
    files = {what: scratch / f"{name}.{what}" for what in ("sent", "arrived")}
    near, far = bound(namespaces, source, port, _ROOM), bound(namespaces, target, port, _ROOM)
    near.connect((target.known_as, port))
    sink = fork(namespaces, target[0], f"{name}-sink", scratch, lambda: _count(far, files["arrived"]))
    sender = fork(namespaces, source[0], f"{name}-send", scratch, lambda: _send(near, rate, payload, files["sent"]))
    near.close()
    far.close()
    return UdpFlood(name, sender, sink, files, epoch_ns)


def due(rate: Rate, payload: int, ticks: int) -> int:
    """How many packets have been sent after that many ticks."""
    return rate * TICK * ticks // (8 * payload * 10**9)


def _send(near: socket.socket, rate: Rate, payload: int, file: Path) -> None:
    batch = Batch(SLOTS, payload)
    sent = 0

    def step(number: int, _due_ns: int) -> int:
        nonlocal sent
        wanted = due(rate, payload, number + 1)
        while sent < wanted:
            some = min(SLOTS, wanted - sent)
            with contextlib.suppress(OSError):  # no route, or an ICMP error of before: these are lost, and count so
                batch.send(near, some)
            sent += some
        return 0

    paced(TICK, step)
    write_numbers(file, [sent])


def _count(far: socket.socket, file: Path) -> None:
    batch = Batch(SLOTS, _KEPT)
    found = array.array("q")

    def step(_number: int, _due_ns: int) -> int:
        arrived = 0
        while count := batch.receive(far):
            arrived += count
        now = time.time_ns()
        found.extend((now, arrived))
        return now

    paced(TICK, step)
    step(0, 0)
    write_numbers(file, found)


def _rows(readings: list[int], epoch_ns: int) -> Iterator[Row]:
    """From (instant, packets since the last one) each tick to a row each :data:`ROW_TICKS`."""
    instants, counts = readings[::2], readings[1::2]
    start = instants[0]
    for first in range(1, len(instants), ROW_TICKS):
        last = min(first + ROW_TICKS, len(instants))
        yield start - epoch_ns, instants[last - 1] - epoch_ns, sum(counts[first:last])
        start = instants[last - 1]
