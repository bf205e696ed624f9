"""Very many UDP flows to one place, one packet each: how many of them arrive, and from whom."""

from __future__ import annotations

import json
import socket
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from testbed.net.mmsg import room
from testbed.net.namespace import Namespaces
from testbed.probe.child import Child, Stop, fork
from testbed.probe.pace import quiet
from testbed.probe.place import Place

FIRST_PORT, PORTS = 1024, 64_512
"""What one address has, without those that are somebody's (RFC 6335 section 6)."""
BURST, APART_S = 50, 0.001
"""So many packets at once, and from one burst to the next; arbitrary: slower than any planned link of 1 Mbit/s."""
_ROOM = 8 << 20


@dataclass
class Flows:
    """Flows that are opened one after the other. ``running`` until the last one's packet was sent."""

    sender: Child
    counter: Child
    file: Path

    @property
    def running(self) -> bool:
        """Not all are sent."""
        return self.sender.running

    def finish(self) -> dict[str, int]:
        """How many flows arrived from each address. Raises :class:`testbed.errors.RunError`: a process had failed."""
        for child in (self.sender, self.counter):
            child.stop()
        found: dict[str, int] = json.loads(self.file.read_text(encoding="ascii"))
        return found


def start(
    namespaces: Namespaces, scratch: Path, name: str, source: Place, target: Place, count: int, port: int
) -> Flows:  # fmt: skip
    """Send from ``count`` ports to one. Raises ``ValueError``: an address does not have as many."""
    if count > PORTS:
        raise ValueError(f"{count} flows to one place, but one address has {PORTS} ports")
    with namespaces.inside(target.node):
        far = socket.socket(target.family, socket.SOCK_DGRAM)
    room(far, _ROOM)
    far.bind((target.address, port))
    file = scratch / f"{name}.flows"
    counter = fork(namespaces, target.node, f"{name}-far", scratch, lambda: _count(far, file))
    far.close()
    there = (target.known_as, port)
    sender = fork(namespaces, source.node, f"{name}-near", scratch, lambda: _send(source, there, count))
    return Flows(sender, counter, file)


def _send(source: Place, there: tuple[str, int], count: int) -> None:
    quiet()
    for number in range(count):
        with socket.socket(source.family, socket.SOCK_DGRAM) as made:
            made.bind((source.address, FIRST_PORT + number))
            made.sendto(b"", there)
        if number % BURST == BURST - 1:
            time.sleep(APART_S)


def _count(far: socket.socket, file: Path) -> None:
    quiet()
    seen: set[tuple[str, int]] = set()
    try:
        while True:
            _, (address, port, *_) = far.recvfrom(16)
            seen.add((address, port))
    except Stop:
        found = Counter(address for address, _ in seen)
        file.write_text(json.dumps(dict(sorted(found.items()))), encoding="ascii")
