"""One long TCP connection: does it get on, and what does the kernel say of it meanwhile.

It is written to each interval, and each time it is noted how much was acknowledged so far. A stretch without progress
is a stall, and its length is what the connection's user waits.
"""

from __future__ import annotations

import contextlib
import errno
import socket
import struct
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from testbed.probe.child import Spaces, fork
from testbed.probe.ends import End, Ends, Process, kept
from testbed.probe.pace import paced, quiet, write_numbers
from testbed.probe.place import Place, family
from testbed.probe.tcp import Row, listener
from testbed.units import Duration

COLUMNS = ("t_ns", "written", "acked", "retransmits", "rtt_us", "cwnd", "unacked")
"""Bytes written and acknowledged so far; packets sent again so far; smoothed RTT; packets."""
_INFO = struct.Struct("=8B24I4Q")
"""``struct tcp_info`` up to ``tcpi_bytes_received`` (``include/uapi/linux/tcp.h``)."""
_UNACKED, _RTT, _CWND, _RETRANSMITS, _BYTES_ACKED = 8 + 4, 8 + 15, 8 + 18, 8 + 23, 8 + 24 + 2


@dataclass
class TcpStream:
    """One long connection. ``finish`` gives the rows (:data:`COLUMNS`).

    Attributes:
        ended: (instant, words) if the connection came to an end by itself; known after ``finish``.
    """

    name: str
    source: str
    target: str
    interval: Duration
    near: End
    far: End | None
    epoch_ns: int
    ended: tuple[int, str] | None = field(default=None)

    def finish(self) -> list[Row]:
        """Close the connection and give a row for each look at it.

        Raises:
            RunError: a process of the probe had failed.
        """
        self.near.stop()
        if self.far is not None:
            self.far.stop()
        *values, instant, number = self.near.numbers()["looks"]
        if number:
            self.ended = instant - self.epoch_ns, errno.errorcode.get(number, str(number))
        looks = zip(*[iter(values)] * len(COLUMNS), strict=True)
        return [(at - self.epoch_ns, *rest) for at, *rest in looks]


@dataclass(frozen=True)
class Streaming:
    """The near end writes each interval, and looks at what was acknowledged."""

    address: str
    there: str
    port: int
    interval_ns: int
    chunk: int
    congestion: str

    def begin(self, spaces: Spaces, node: str, name: str, scratch: Path) -> End:
        """Begin."""
        file, there, interval = scratch / f"{name}.stream", (self.there, self.port), Duration(self.interval_ns)
        child = fork(
            spaces, node, f"{name}-client", scratch,
            lambda: _stream(self.address, there, interval, self.chunk, self.congestion, file),
        )  # fmt: skip
        return Process(child, {"looks": file})


@dataclass(frozen=True)
class Sinking:
    """The far end reads and forgets."""

    address: str
    port: int

    def begin(self, spaces: Spaces, node: str, name: str, scratch: Path) -> End:
        """Begin."""
        with listener(spaces, Place(node, self.address), self.port) as listening:
            return Process(fork(spaces, node, f"{name}-server", scratch, lambda: _sink(listening)), {})


def start(
    ends: Ends, name: str, source: Place, target: Place, interval: Duration, port: int, epoch_ns: int, *,
    chunk: int = 1000, congestion: str = "",
) -> TcpStream:  # fmt: skip
    """Keep one connection and write ``chunk`` bytes to it each interval, as far as it takes them.

    The other arguments are those of :func:`testbed.probe.tcp.start`; ``congestion`` is an algorithm of the kernel's,
    such as ``bbr``, or empty for its default.
    """
    task = Streaming(source.address, target.known_as, port, int(interval), chunk, congestion)
    with kept(ends.begin(target.node, name, Sinking(target.address, port))) as far:
        near = ends.begin(source.node, name, task)
    return TcpStream(name, source.node, target.node, interval, near, far, epoch_ns)


@dataclass(frozen=True)
class Stall:
    """A stretch in which bytes waited and none was acknowledged."""

    start_ns: int
    end_ns: int

    @property
    def length_s(self) -> float:
        """In seconds."""
        return (self.end_ns - self.start_ns) / 10**9


def stalls(looks: Sequence[Row], at_least: Duration) -> Iterator[Stall]:
    """Stalls of a stream that are longer than a limit, from its rows; one that never ended is cut at the last. Pure."""
    since, acked = None, 0
    for t_ns, written, now_acked, *_ in looks:
        if now_acked > acked or written <= now_acked:
            if since is not None and t_ns - since >= at_least:
                yield Stall(since, t_ns)
            since, acked = t_ns if written > now_acked else None, now_acked
        elif since is None:
            since = t_ns
    if since is not None and looks[-1][0] - since >= at_least:
        yield Stall(since, looks[-1][0])


def _sink(listening: socket.socket) -> None:
    quiet()
    space = bytearray(1 << 16)
    while True:
        connection, _ = listening.accept()
        with contextlib.suppress(OSError):  # reset: wait for the next one
            while connection.recv_into(space):
                pass
        connection.close()


def _stream(near: str, there: tuple[str, int], interval: Duration, chunk: int, congestion: str, file: Path) -> None:
    made = socket.socket(family(near), socket.SOCK_STREAM)
    made.bind((near, 0))
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if congestion:
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, congestion.encode())
    looks: list[int] = []
    ended = (0, 0)
    data, written, first = bytes(chunk), 0, 0

    def step(number: int, due: int) -> int:
        nonlocal written, ended
        if ended[1]:
            return 0
        try:
            with contextlib.suppress(BlockingIOError):  # full: nothing was acknowledged for long
                written += made.send(data)
        except OSError as error:
            ended = time.time_ns(), error.errno or errno.EIO
            return ended[0]
        now, info = time.time_ns(), _info(made)
        acked = info[_BYTES_ACKED] - first
        looks.extend((now, written, acked, info[_RETRANSMITS], info[_RTT], info[_CWND], info[_UNACKED]))
        return now

    try:
        made.connect(there)
        made.setblocking(False)
        # The SYN counts as a byte (tcp_snd_una_update).
        first = _info(made)[_BYTES_ACKED]
    except OSError as error:
        ended = time.time_ns(), error.errno or errno.EIO
    finally:
        write_numbers(file, ended)  # for when we are stopped while connecting
    paced(interval, step)
    write_numbers(file, (*looks, *ended))


def _info(made: socket.socket) -> tuple[int, ...]:
    return _INFO.unpack(made.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _INFO.size))
