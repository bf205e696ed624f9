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
from testbed.net.namespace import Namespaces
from testbed.probe.child import Child, Stop, fork
from testbed.probe.pace import Asked, quiet, read_numbers, write_numbers
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
_RESET_ON_CLOSE = struct.pack("=ii", 1, 0)
"""``SO_LINGER`` of zero: no TIME_WAIT, so that ports do not run out."""
Row = tuple[int, ...]


@dataclass
class Connects:
    """Connections that are opened one after the other; ``finish`` gives a row for each."""

    name: str
    source: str
    target: str
    interval: Duration
    children: list[Child]
    file: Path
    epoch_ns: int

    def finish(self) -> list[Row]:
        """Stop, and give a row for each connection; one that was still waiting is left out.

        Raises:
            RunError: a process of the probe had failed.
        """
        for child in self.children:
            child.stop()
        some = sorted(zip(*[iter(read_numbers(self.file))] * 4, strict=True))
        return [(seq, sent - self.epoch_ns, done - self.epoch_ns, result) for seq, sent, done, result in some]


def start(
    namespaces: Namespaces, scratch: Path, name: str, source: Place, target: Place, interval: Duration, port: int,
    epoch_ns: int, *, timeout: Duration = TIMEOUT, serve: bool = True,
) -> Connects:  # fmt: skip
    """Open a connection each interval, whether or not those before are done.

    Args:
        namespaces: of the lab.
        scratch: for files of the probe's processes.
        name: of the probe.
        source: (node, address) that connects.
        target: (node, address) that listens.
        interval: from one connection to the next.
        port: to connect to.
        epoch_ns: instant that the rows' instants count from, in ns of CLOCK_REALTIME.
        timeout: after which a connection has failed.
        serve: listen there; otherwise something does already.
    """
    file = scratch / f"{name}.connects"
    children = []
    if serve:
        listening = listener(namespaces, target, port)
        children.append(fork(namespaces, target[0], f"{name}-server", scratch, lambda: _accept(listening)))
        listening.close()
    client = fork(
        namespaces, source[0], f"{name}-client", scratch,
        lambda: _connect(source[1], (target.known_as, port), interval, timeout, file),
    )  # fmt: skip
    return Connects(name, source[0], target[0], interval, [client, *children], file, epoch_ns)


def listener(namespaces: Namespaces, place: Place, port: int) -> socket.socket:
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
                made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
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
