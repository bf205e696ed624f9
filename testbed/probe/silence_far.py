"""The far end of connections that are silent: it answers each message, and speaks by itself where it is asked to."""

from __future__ import annotations

import contextlib
import json
import select
import socket
import struct
import time
from dataclasses import dataclass, field
from pathlib import Path

from testbed.probe.child import Stop
from testbed.probe.pace import quiet

MESSAGE = struct.Struct("!qq")
"""Number of the connection, and for how long the far end is silent before it speaks; 0: it only answers."""
ESTABLISHED = 1
"""``TCP_ESTABLISHED`` (include/net/tcp_states.h), the first byte of ``struct tcp_info``."""


@dataclass
class Caller:
    """A connection at the far end. ``speaks_at``: when it has something to say by itself, in s of CLOCK_MONOTONIC."""

    socket: socket.socket
    peer: str
    number: int = -1
    heard: int = 0
    speaks_at: float | None = None
    ended: bool = False


@dataclass
class Flow:
    """A flow of UDP at the far end: its peer, and when it has something to say, in s of CLOCK_MONOTONIC."""

    peer: tuple[str, int]
    speaks_at: float | None


@dataclass
class Far:
    """All connections and flows of one probe."""

    listening: socket.socket
    datagrams: socket.socket
    callers: dict[int, Caller] = field(default_factory=dict)
    """By file descriptor."""
    flows: dict[int, Flow] = field(default_factory=dict)
    """By number."""

    def step(self) -> None:
        """Wait for the next thing to do, and do it."""
        live = [caller for caller in self.callers.values() if not caller.ended]
        now = time.monotonic()
        instants = [*(caller.speaks_at for caller in live), *(flow.speaks_at for flow in self.flows.values())]
        due = [instant - now for instant in instants if instant is not None]
        wait = max(0.0, min(due)) if due else None
        waiting = [self.listening, self.datagrams, *(caller.socket for caller in live)]
        ready, _, _ = select.select(waiting, [], [], wait)
        self._flow(self.datagrams in ready)
        if self.listening in ready:
            made, (peer, *_) = self.listening.accept()
            self.callers[made.fileno()] = Caller(made, str(peer))
        for caller in live:
            if caller.socket in ready:
                self._hear(caller)
            if caller.speaks_at is not None and caller.speaks_at <= time.monotonic():
                caller.speaks_at = None
                with contextlib.suppress(OSError):
                    caller.socket.send(MESSAGE.pack(caller.number, 0))

    def _flow(self, ready: bool) -> None:
        """Answer a datagram, and speak where a flow was silent for long enough."""
        if ready:
            with contextlib.suppress(OSError):  # an ICMP error about one that was sent
                data, peer = self.datagrams.recvfrom(MESSAGE.size)
                number, silent_ns = MESSAGE.unpack(data)
                self.datagrams.sendto(data, peer)
                self.flows[number] = Flow(peer[:2], time.monotonic() + silent_ns / 1e9)
        for number, flow in self.flows.items():
            if flow.speaks_at is not None and flow.speaks_at <= time.monotonic():
                flow.speaks_at = None
                with contextlib.suppress(OSError):
                    self.datagrams.sendto(MESSAGE.pack(number, 0), flow.peer)

    def _hear(self, caller: Caller) -> None:
        data = b""
        with contextlib.suppress(OSError):
            data = caller.socket.recv(MESSAGE.size)
        if not data:
            caller.ended = True
            return
        caller.number, silent_ns = MESSAGE.unpack(data)
        caller.heard += 1
        caller.socket.send(data)
        if silent_ns:
            caller.speaks_at = time.monotonic() + silent_ns / 1e9

    def known(self) -> dict[str, dict[str, object]]:
        """What is known of each connection, by its number."""
        return {
            str(one.number): {
                "peer": one.peer, "heard": one.heard, "established": not one.ended and _state(one.socket) == ESTABLISHED
            }
            for one in self.callers.values()
        } | {
            str(number): {"peer": flow.peer[0], "heard": 1, "established": False} for number, flow in self.flows.items()
        }  # fmt: skip


def _state(made: socket.socket) -> int:
    return made.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]


def serve(listening: socket.socket, datagrams: socket.socket, file: Path) -> None:
    """Answer until asked to stop, then write what is known of each connection into ``file``."""
    quiet()
    far = Far(listening, datagrams)
    try:
        while True:
            far.step()
    except Stop:
        file.write_text(json.dumps(far.known()), encoding="ascii")
