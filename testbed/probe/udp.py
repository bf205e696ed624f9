"""A stream of numbered UDP packets from one host to another, which sends each back.

Each packet has three instants: sent, reached the far host, returned. So loss, gap and one-way delay are known for each
direction; in a lab all hosts share one clock, so one-way delay needs no synchronisation.
"""

from __future__ import annotations

import array
import contextlib
import socket
import struct
import time
from dataclasses import dataclass
from pathlib import Path

from testbed.net.namespace import Namespaces
from testbed.probe.child import Child, Stop, fork
from testbed.units import Duration

PORT = 40000
"""First port of probes; arbitrary, outside the ephemeral range (32768-60999 is ours alone inside a lab)."""
SO_TIMESTAMPNS = 35
_TIMESPEC = struct.Struct("=qq")
_PACKET = struct.Struct("!Q")
COLUMNS = ("seq", "sent_ns", "reached_ns", "returned_ns")


@dataclass
class UdpStream:
    """A running stream. ``finish`` ends it and gives the rows."""

    name: str
    source: str
    target: str
    interval: Duration
    children: list[Child]
    files: dict[str, Path]
    epoch_ns: int

    def finish(self, drain: float = 0.0) -> list[tuple[int, int, int | None, int | None]]:
        """Stop sending, then receiving, and put the three ends together: (seq, sent, reached, returned) a row."""
        sender, *receivers = self.children
        sender.stop()
        if drain:
            time.sleep(drain)
        for receiver in receivers:
            receiver.stop()
        sent = _read(self.files["sent"])
        reached = dict(_pairs(_read(self.files["reached"])))
        returned = dict(_pairs(_read(self.files["returned"])))
        start = self.epoch_ns

        def since(instant: int | None) -> int | None:
            return None if instant is None else instant - start

        # The first answer to a number counts; duplicates are counted by those who look for them.
        return [(seq, at - start, since(reached.get(seq)), since(returned.get(seq))) for seq, at in enumerate(sent)]


def start(
    namespaces: Namespaces, scratch: Path, name: str, source: tuple[str, str], target: tuple[str, str],
    interval: Duration, port: int, epoch_ns: int,
) -> UdpStream:  # fmt: skip
    """Start a stream. ``source`` and ``target`` are (node, address)."""
    files = {what: scratch / f"{name}.{what}" for what in ("sent", "reached", "returned")}
    family = socket.AF_INET6 if ":" in target[1] else socket.AF_INET
    with namespaces.inside(target[0]):
        far = _socket(family)
        far.bind((target[1], port))
    with namespaces.inside(source[0]):
        near = _socket(family)
        near.bind((source[1], port))
        near.connect((target[1], port))
    echo = fork(namespaces, target[0], f"{name}-echo", scratch, lambda: _echo(far, files["reached"]))
    receive = fork(namespaces, source[0], f"{name}-receive", scratch, lambda: _receive(near, files["returned"]))
    send = fork(namespaces, source[0], f"{name}-send", scratch, lambda: _send(near, interval, files["sent"]))
    near.close()
    far.close()
    return UdpStream(name, source[0], target[0], interval, [send, echo, receive], files, epoch_ns)


def _socket(family: socket.AddressFamily) -> socket.socket:
    made = socket.socket(family, socket.SOCK_DGRAM)
    made.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    return made


def _send(near: socket.socket, interval: Duration, file: Path) -> None:
    sent = array.array("q")
    send, pack, now, sleep = near.send, _PACKET.pack, time.time_ns, time.sleep
    start = now()
    try:
        while True:
            number = len(sent)
            left = start + number * interval - now()
            if left > 0:
                sleep(left / 1e9)
            sent.append(now())
            # No route, or the router says so: the packet is lost, and counts as lost.
            with contextlib.suppress(OSError):
                send(pack(number))
    except Stop:
        file.write_bytes(sent.tobytes())


def _echo(far: socket.socket, file: Path) -> None:
    reached = array.array("q")
    receive, send_to = far.recvmsg, far.sendto
    space = socket.CMSG_SPACE(_TIMESPEC.size)
    try:
        while True:
            try:
                data, control, _, peer = receive(64, space)
            except OSError:
                continue  # an ICMP error for an earlier answer: that answer is lost, and counts as lost
            reached.append(_PACKET.unpack(data)[0])
            reached.append(_instant(control))
            with contextlib.suppress(OSError):
                send_to(data, peer)
    except Stop:
        file.write_bytes(reached.tobytes())


def _receive(near: socket.socket, file: Path) -> None:
    returned = array.array("q")
    receive, space = near.recvmsg, socket.CMSG_SPACE(_TIMESPEC.size)
    try:
        while True:
            try:
                data, control, _, _ = receive(64, space)
            except OSError:
                continue
            returned.append(_PACKET.unpack(data)[0])
            returned.append(_instant(control))
    except Stop:
        file.write_bytes(returned.tobytes())


def _instant(control: list[tuple[int, int, bytes]]) -> int:
    seconds, nanoseconds = _TIMESPEC.unpack(control[0][2])
    return int(seconds * 10**9 + nanoseconds)


def _read(file: Path) -> array.array[int]:
    values = array.array("q")
    values.frombytes(file.read_bytes())
    return values


def _pairs(values: array.array[int]) -> list[tuple[int, int]]:
    """(seq, instant) pairs, last first, so that a dict made of them keeps the first instant of each."""
    return list(zip(values[::2], values[1::2], strict=True))[::-1]
