"""New TCP connections, one each interval: does each come about, how does it end otherwise, and when."""

from __future__ import annotations

import contextlib
import errno
import select
import socket
import struct
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from testbed.check.connects import RESULTS, TIMEOUT
from testbed.probe.child import Spaces, Stop, fork
from testbed.probe.ends import End, Ends, Process, kept
from testbed.probe.pace import Asked, quiet, write_numbers
from testbed.probe.place import Place, family
from testbed.units import Duration

_BACKLOG = 128
_BY_ERRNO = {
    number: RESULTS.index(result)
    for number, result in (
        (0, "ok"), (errno.ECONNREFUSED, "refused"), (errno.ETIMEDOUT, "timeout"), (errno.ECONNRESET, "reset"),
        (errno.EHOSTUNREACH, "unreachable"), (errno.ENETUNREACH, "unreachable"),
    )
}  # fmt: skip
_TIMEOUT, _OTHER = RESULTS.index("timeout"), RESULTS.index("other")
RESET_ON_CLOSE = struct.pack("=ii", 1, 0)
"""``SO_LINGER`` of zero: no TIME_WAIT, so that ports do not run out."""
Row = tuple[int, ...]


@dataclass
class Connects:
    """Connections that are opened one after the other; ``finish`` gives a row for each."""

    name: str
    source: str
    target: str
    interval: Duration
    near: End
    far: End | None
    epoch_ns: int

    def finish(self) -> list[Row]:
        """Stop, and give a row for each connection; one that was still waiting is left out.

        Raises:
            RunError: a process of the probe had failed.
        """
        self.near.stop()
        if self.far is not None:
            self.far.stop()
        some = sorted(zip(*[iter(self.near.numbers()["rows"])] * 4, strict=True))
        return [(seq, sent - self.epoch_ns, done - self.epoch_ns, result) for seq, sent, done, result in some]


@dataclass(frozen=True)
class Connecting:
    """The near end opens a connection each interval."""

    address: str
    there: str
    port: int
    interval_ns: int
    timeout_ns: int

    def begin(self, spaces: Spaces, node: str, name: str, scratch: Path) -> End:
        """Begin."""
        file, there = scratch / f"{name}.connects", (self.there, self.port)
        times = Duration(self.interval_ns), Duration(self.timeout_ns)
        child = fork(spaces, node, f"{name}-client", scratch, lambda: _connect(self.address, there, *times, file))
        return Process(child, {"rows": file})


@dataclass(frozen=True)
class Accepting:
    """The far end takes every connection, and closes it."""

    address: str
    port: int

    def begin(self, spaces: Spaces, node: str, name: str, scratch: Path) -> End:
        """Begin."""
        with listener(spaces, Place(node, self.address), self.port) as listening:
            return Process(fork(spaces, node, f"{name}-server", scratch, lambda: _accept(listening)), {})


def start(
    ends: Ends, name: str, source: Place, target: Place, interval: Duration, port: int, epoch_ns: int, *,
    timeout: Duration = TIMEOUT, serve: bool = True,
) -> Connects:  # fmt: skip
    """Open a connection each interval, whether or not those before are done.

    Args:
        ends: where they are.
        name: of the probe.
        source: (node, address) that connects.
        target: (node, address) that listens.
        interval: from one connection to the next.
        port: to connect to.
        epoch_ns: instant that the rows' instants count from, in ns of CLOCK_REALTIME of the near end.
        timeout: after which a connection has failed.
        serve: listen there; otherwise something does already.
    """
    task = Connecting(source.address, target.known_as, port, int(interval), int(timeout))
    if not serve:
        return Connects(name, source.node, target.node, interval, ends.begin(source.node, name, task), None, epoch_ns)
    with kept(ends.begin(target.node, name, Accepting(target.address, port))) as far:
        near = ends.begin(source.node, name, task)
    return Connects(name, source.node, target.node, interval, near, far, epoch_ns)


def listener(namespaces: Spaces, place: Place, port: int) -> socket.socket:
    """A socket that listens at (node, address)."""
    with namespaces.inside(place.node):
        made = socket.socket(place.family, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind((place.address, port))
    made.listen(_BACKLOG)
    return made


def _accept(listening: socket.socket) -> None:
    quiet()
    while True:
        with contextlib.suppress(OSError):  # reset before we took it
            listening.accept()[0].close()


def _connect(near: str, there: tuple[str, int], interval: Duration, timeout: Duration, file: Path) -> None:
    quiet()
    asked = Asked()
    found: list[int] = []
    waiting: dict[socket.socket, tuple[int, int]] = {}
    due, seq = time.time_ns(), 0
    with contextlib.suppress(Stop):
        while not asked.to_stop:
            now = time.time_ns()
            if now >= due:
                made = socket.socket(family(near), socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
                made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
                waiting[made] = seq, now
                made.bind((near, 0))
                if (number := made.connect_ex(there)) != errno.EINPROGRESS:
                    found.extend((*waiting.pop(made), time.time_ns(), _BY_ERRNO.get(number, _OTHER)))
                    made.close()
                due, seq = due + interval, seq + 1
                continue
            first = min((at + timeout for _, at in waiting.values()), default=due)
            asked.asleep = True
            _, ready, _ = select.select([], list(waiting), [], max(0, min(due, first) - now) / 1e9)
            asked.asleep = False
            _settle(waiting, ready, timeout, found)
    write_numbers(file, found)


def _settle(
    waiting: dict[socket.socket, tuple[int, int]], ready: Sequence[socket.socket], timeout: Duration,
    found: list[int],
) -> None:  # fmt: skip
    """Note the connections that are done, and those whose time is up."""
    now = time.time_ns()
    for made in ready:
        number = made.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        found.extend((*waiting.pop(made), now, _BY_ERRNO.get(number, _OTHER)))
        made.close()
    for made, (seq, sent) in list(waiting.items()):
        if now - sent >= timeout:
            found.extend((seq, sent, now, _TIMEOUT))
            del waiting[made]
            made.close()
