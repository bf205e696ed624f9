"""Connections that say nothing for a while and are used again: what becomes of each, as both ends see it.

Each has a process of its own at the near end, so that none waits for another; the far end answers them all.
"""

from __future__ import annotations

import errno
import json
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from testbed.net.namespace import Namespaces
from testbed.probe.child import Child, fork
from testbed.probe.pace import read_numbers, write_numbers
from testbed.probe.place import Place
from testbed.probe.silence_far import MESSAGE, serve
from testbed.probe.tcp import listener
from testbed.units import Duration

RESULTS = ("goes on", "reset", "closed", "nothing heard", "not connected")
ANSWER_S = 5.0
"""How long an answer is waited for; arbitrary: more than any planned RTT and a retransmission (RFC 6298: 1 s)."""
PROBES_APART_S = 5
"""From one keepalive probe to the next where none is answered; arbitrary."""


@dataclass(frozen=True)
class Silence:
    """One connection.

    Attributes:
        length: how long nobody says anything.
        keepalive: of the near end's kernel, after so much silence; ``None``: none.
        far: it is the far end that speaks first afterwards.
        udp: a flow of UDP, and not a connection of TCP; then the far end speaks first.
    """

    length: Duration
    keepalive: Duration | None = None
    far: bool = False
    udp: bool = False


@dataclass(frozen=True)
class Fate:
    """What became of a connection.

    Attributes:
        result: at the near end, one of :data:`RESULTS`.
        since_ns: when the last word before the silence was heard; ``again_ns``, ``done_ns``: when one spoke again (or
            began to listen), and when it was known how it ends.
        peer: the near end's address as the far end sees it.
        heard: messages that the far end got.
        established: the far end's kernel still has the connection.
    """

    silence: Silence
    result: str
    since_ns: int
    again_ns: int
    done_ns: int
    peer: str
    heard: int
    established: bool


@dataclass
class Silences:
    """Connections that are silent. ``running`` until the last one's fate is known."""

    silences: Sequence[Silence]
    clients: list[Child]
    server: Child
    files: list[Path]
    far: Path
    epoch_ns: int

    @property
    def running(self) -> bool:
        """Some have not come to an end."""
        return any(client.running for client in self.clients)

    def finish(self) -> list[Fate]:
        """What became of each, in their order. Raises :class:`testbed.errors.RunError`: a process had failed."""
        for child in (*self.clients, self.server):
            child.stop()
        far = json.loads(self.far.read_text(encoding="ascii"))
        return [
            _fate(silence, read_numbers(file), far.get(str(number), {}), self.epoch_ns)
            for number, (silence, file) in enumerate(zip(self.silences, self.files, strict=True))
        ]


def _fate(silence: Silence, near: Sequence[int], far: dict[str, object], epoch_ns: int) -> Fate:
    result, *instants = near
    since, again, done = (instant - epoch_ns for instant in instants)
    heard = far.get("heard", 0)
    assert isinstance(heard, int)
    return Fate(
        silence, RESULTS[result], since, again, done, str(far.get("peer", "")), heard, bool(far.get("established"))
    )


def start(
    namespaces: Namespaces, scratch: Path, name: str, source: Place, target: Place, silences: Sequence[Silence],
    port: int, epoch_ns: int,
) -> Silences:  # fmt: skip
    """Open all connections. The arguments are those of :func:`testbed.probe.tcp.start`."""
    listening, far = listener(namespaces, target, port), scratch / f"{name}.far"
    with namespaces.inside(target.node):
        datagrams = socket.socket(target.family, socket.SOCK_DGRAM)
    datagrams.bind((target.address, port))
    server = fork(namespaces, target.node, f"{name}-server", scratch, lambda: serve(listening, datagrams, far))
    listening.close()
    datagrams.close()
    files = [scratch / f"{name}-{number}.near" for number in range(len(silences))]
    clients = [
        fork(namespaces, source.node, f"{name}-{number}", scratch, _client(number, silence, source, target, port, file))
        for number, (silence, file) in enumerate(zip(silences, files, strict=True))
    ]
    return Silences(silences, clients, server, files, far, epoch_ns)


def _client(
    number: int, silence: Silence, source: Place, target: Place, port: int, file: Path
) -> Callable[[], None]:  # fmt: skip
    return lambda: write_numbers(file, _be_silent(number, silence, source, (target.known_as, port)))


def _be_silent(number: int, silence: Silence, source: Place, there: tuple[str, int]) -> list[int]:
    """[result, when the silence began, when it ended, when the end was known]."""
    if silence.udp:
        return _be_silent_udp(number, silence, source, there)
    begun = time.time_ns()
    with socket.socket(source.family, socket.SOCK_STREAM) as made:
        made.bind((source.address, 0))
        made.settimeout(ANSWER_S)
        if silence.keepalive is not None:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, silence.keepalive // 10**9)
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, PROBES_APART_S)
        try:
            made.connect(there)
            made.sendall(MESSAGE.pack(number, silence.length if silence.far else 0))
            made.recv(MESSAGE.size)
        except OSError:
            return [RESULTS.index("not connected"), begun, begun, time.time_ns()]
        since = time.time_ns()
        time.sleep(silence.length.seconds)
        again = time.time_ns()
        return [RESULTS.index(_again(made, b"" if silence.far else MESSAGE.pack(number, 0))), since, again,
                time.time_ns()]  # fmt: skip


def _be_silent_udp(number: int, silence: Silence, source: Place, there: tuple[str, int]) -> list[int]:
    begun = time.time_ns()
    with socket.socket(source.family, socket.SOCK_DGRAM) as made:
        made.bind((source.address, 0))
        made.settimeout(ANSWER_S)
        try:
            made.connect(there)
            made.send(MESSAGE.pack(number, silence.length))
            made.recv(MESSAGE.size)
        except OSError:
            return [RESULTS.index("not connected"), begun, begun, time.time_ns()]
        since = time.time_ns()
        made.settimeout(silence.length.seconds + ANSWER_S)
        try:
            made.recv(MESSAGE.size)
            result = "goes on"
        except OSError:
            result = "nothing heard"
        return [RESULTS.index(result), since, since + silence.length, time.time_ns()]


def _again(made: socket.socket, message: bytes) -> str:
    try:
        made.sendall(message)
        return "goes on" if made.recv(MESSAGE.size) else "closed"
    except TimeoutError:
        return "nothing heard"
    except OSError as error:
        return "reset" if error.errno in (errno.ECONNRESET, errno.EPIPE) else "nothing heard"
