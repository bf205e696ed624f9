"""Traceroute: by which addresses packets get to a host, looked at again and again.

UDP packets with growing TTL, and the errors that routers send about them, which the kernel gives with ``IP_RECVERR``:
no raw socket. All packets of a trace share one pair of ports, so routers that spread flows send them all the same way
(Augustin et al., "Avoiding traceroute anomalies with Paris traceroute", IMC 2006); the hop's number is in the payload.

A kernel sends a host at most one such error a second on average, six in a burst (``icmp_ratelimit``, icmp(7)), so more
than one trace a second shows gaps.
"""

from __future__ import annotations

import contextlib
import json
import select
import socket
import struct
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from testbed.net.mmsg import MSG_ERRQUEUE
from testbed.net.namespace import Namespaces
from testbed.plan.nat import moved
from testbed.plan.plan import Plan
from testbed.probe.child import Child, fork
from testbed.probe.pace import paced
from testbed.probe.place import Place, family
from testbed.units import Duration

PORT = 33434
"""Where traceroute(8) begins; nothing may listen there."""
HOPS_MAX = 16
"""Longer paths are cut; arbitrary."""
SILENT_MAX = 3
"""So many hops in a row without an answer end a trace; arbitrary."""
WAIT = Duration(500 * 10**6)
"""How long errors are waited for after each packet or group of packets; arbitrary, above any planned RTT."""
_IP_RECVERR, _IPV6_RECVERR = 11, 25
_ERROR = struct.Struct("=IBBBBII")
"""``struct sock_extended_err``: number, origin, type, code, padding, info, data; the sender's address follows."""
_UNREACHABLE_PORT = {socket.AF_INET: (3, 3), socket.AF_INET6: (1, 4)}
_PACKET = struct.Struct("!IB")
"""Number of the trace, and hop."""


@dataclass(frozen=True)
class Trace:
    """One look at the path. ``hops`` are addresses from the first router on, empty where none answered.

    Attributes:
        t_ns: when it began.
        reached: the last hop is the target.
    """

    t_ns: int
    hops: tuple[str, ...]
    reached: bool


@dataclass
class Tracer:
    """A path that is looked at again and again. ``finish`` gives the traces."""

    name: str
    source: str
    target: str
    interval: Duration
    child: Child
    file: Path
    epoch_ns: int

    def finish(self) -> list[Trace]:
        """Stop, and give all traces that were completed.

        Raises:
            RunError: the probe's process had failed.
        """
        self.child.stop()
        return [
            Trace(t_ns - self.epoch_ns, tuple(hops), reached)
            for t_ns, hops, reached in json.loads(self.file.read_text(encoding="ascii"))
        ]


def start(
    namespaces: Namespaces, scratch: Path, name: str, source: Place, target: Place, interval: Duration, epoch_ns: int
) -> Tracer:
    """Trace the path each interval.

    Args:
        namespaces: of the lab.
        scratch: for files of the probe's process.
        name: of the probe.
        source: (node, address) that the path begins at.
        target: (node, address) that it leads to.
        interval: from one trace to the next; below 1 s routers leave some out.
        epoch_ns: instant that traces count from, in ns of CLOCK_REALTIME.
    """
    file = scratch / f"{name}.traces"
    child = fork(namespaces, source[0], name, scratch, lambda: _trace_each(source[1], target.known_as, interval, file))
    return Tracer(name, source[0], target[0], interval, child, file, epoch_ns)


def names(plan: Plan, source: str = "") -> dict[str, tuple[str, str]]:
    """Address to (node, interface), for all that a plan gives out, as the node ``source`` knows it. Pure."""
    site = plan.node(source).site if source else ""
    found: dict[str, tuple[str, str]] = {}
    for cable in plan.cables:
        there = plan.node(cable.node).site if plan.mappings else site
        for address in cable.addresses:
            known_as = address.partition("/")[0]
            for mapping in plan.mappings:
                if mapping.site == there != site:
                    known_as = moved(known_as, mapping.real, mapping.seen_as)
            found[known_as] = cable.node, cable.interface
    for node, address in plan.loopbacks:
        found[address.partition("/")[0]] = node, "lo"
    for tunnel in plan.tunnels:
        for end in (tunnel.a, tunnel.b):
            found |= {address: (end.node, end.interface) for address in (end.address, end.address6) if address}
    return found


def by_name(hops: Sequence[str], known: Mapping[str, tuple[str, str]]) -> tuple[str, ...]:
    """Hops as ``node:interface``; the address itself where nobody has it, ``*`` where none answered. Pure."""
    return tuple(":".join(known[hop]) if hop in known else hop or "*" for hop in hops)


def changes(traces: Sequence[Trace]) -> Iterator[Trace]:
    """The first trace of each stretch in which the path stayed the same. Pure."""
    for _, alike in groupby(traces, key=lambda trace: (trace.hops, trace.reached)):
        yield next(alike)


def _trace_each(near: str, there: str, interval: Duration, file: Path) -> None:
    file.write_text("[]", encoding="ascii")
    path = _Path(near, there)
    traces: list[tuple[int, list[str], bool]] = []

    def step(number: int, due: int) -> int:
        begun = time.time_ns()
        hops, reached = path.trace(number)
        traces.append((begun, hops, reached))
        return 0

    paced(interval, step)
    file.write_text(json.dumps(traces), encoding="ascii")


class _Path:
    """Finds the path to one address. It begins with as many hops as there were last time: mostly that is right."""

    def __init__(self, near: str, there: str) -> None:
        self.family = family(near)
        self._there = there
        self._socket = socket.socket(self.family, socket.SOCK_DGRAM)
        self._socket.bind((near, 0))
        if self.family == socket.AF_INET:
            self._ttl = (socket.IPPROTO_IP, socket.IP_TTL)
            self._socket.setsockopt(socket.IPPROTO_IP, _IP_RECVERR, 1)
        else:
            self._ttl = (socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS)
            self._socket.setsockopt(socket.IPPROTO_IPV6, _IPV6_RECVERR, 1)
        self._poll = select.poll()
        self._poll.register(self._socket, 0)  # an error is always reported
        self._length = 1

    def trace(self, number: int) -> tuple[list[str], bool]:
        """(addresses of the hops, whether the last one is the target)."""
        answers: dict[int, tuple[str, bool]] = {}
        sent = 0
        until = self._length
        while True:
            for hop in range(sent + 1, until + 1):
                self._send(number, hop)
            sent = until
            self._collect(number, answers, sent)
            end = min((hop for hop, (_, last) in answers.items() if last), default=0)
            silent = sent - max(answers, default=0)
            if end or sent >= HOPS_MAX or silent >= SILENT_MAX:
                break
            until = sent + 1
        length = end or max(answers, default=0)
        self._length = max(1, length)
        return [answers.get(hop, ("", False))[0] for hop in range(1, length + 1)], bool(end)

    def _send(self, number: int, hop: int) -> None:
        self._socket.setsockopt(*self._ttl, hop)
        for _ in range(2):  # an error about an earlier packet is told in the place of sending this one
            with contextlib.suppress(OSError):
                self._socket.sendto(_PACKET.pack(number & 0xFFFF_FFFF, hop), (self._there, PORT))
                return

    def _collect(self, number: int, answers: dict[int, tuple[str, bool]], wanted: int) -> None:
        """Take in errors until each packet had one, the target's among them, or time is up."""
        deadline = time.monotonic_ns() + WAIT
        while len(answers) < wanted and not any(last for _, last in answers.values()):
            left = deadline - time.monotonic_ns()
            if left <= 0 or not self._poll.poll(left / 10**6):
                return
            with contextlib.suppress(BlockingIOError):
                while True:
                    data, control, *_ = self._socket.recvmsg(64, 512, MSG_ERRQUEUE | socket.MSG_DONTWAIT)
                    found = answer(self.family, data, control)
                    if found is not None and found[0] == number & 0xFFFF_FFFF:
                        answers[found[1]] = found[2:]


def answer(
    family: socket.AddressFamily, data: bytes, control: Sequence[tuple[int, int, bytes]]
) -> tuple[int, int, str, bool] | None:
    """What an error says: (trace, hop, who sent it, whether it is the target). ``None``: it is no ICMP error. Pure."""
    if len(data) < _PACKET.size:
        return None
    wanted = (socket.IPPROTO_IP, _IP_RECVERR) if family == socket.AF_INET else (socket.IPPROTO_IPV6, _IPV6_RECVERR)
    for level, kind, value in control:
        if (level, kind) != wanted or len(value) < _ERROR.size + (8 if family == socket.AF_INET else 24):
            continue
        _, _, icmp, code, _, _, _ = _ERROR.unpack_from(value)
        at = _ERROR.size + (4 if family == socket.AF_INET else 8)
        size = 4 if family == socket.AF_INET else 16
        address = socket.inet_ntop(family, value[at : at + size])
        trace, hop = _PACKET.unpack_from(data)
        return trace, hop, address, (icmp, code) == _UNREACHABLE_PORT[family]
    return None
