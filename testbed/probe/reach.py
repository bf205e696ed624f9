"""Does everything reach everything? A UDP packet from each host to each other, in both families, resent a few times."""

from __future__ import annotations

import contextlib
import itertools
import selectors
import socket
import struct
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from testbed.net.namespace import Namespaces
from testbed.plan.expect import REACH_PORT
from testbed.plan.paths import Family, address, seen
from testbed.plan.plan import Node, Plan

ALL_PAIRS_MAX = 32
"""Up to this many hosts each pair is tried; more hosts try their successor, and the first of each subnet all others of
these. Arbitrary: 32 hosts are 1,984 packets."""
TRIES, WAIT_S = 4, 1.0
"""Resent this often, each a second apart: more than the slowest link's round trip and address resolution together."""
BURST, BURST_APART_S = 20, 0.001
"""Each first packet asks the whole switch for an address; thousands of such questions at once overflow every queue."""
FAMILIES: tuple[Family, Family] = (4, 6)
ANY_PORT = 0
Sockets = dict[tuple[str, Family], socket.socket]
"""By host and family."""
_NUMBER = struct.Struct("!I")


@dataclass(frozen=True)
class Pair:
    """From one host to another in one family, and whether a packet arrived."""

    source: str
    target: str
    family: int
    ok: bool


def pairs(hosts: Sequence[Node]) -> list[tuple[Node, Node]]:
    """Which hosts are tried with which. Pure."""
    if len(hosts) <= ALL_PAIRS_MAX:
        return list(itertools.permutations(hosts, 2))
    ring = list(zip(hosts, (*hosts[1:], hosts[0]), strict=True))
    firsts = list({(host.site, host.zone): host for host in reversed(hosts)}.values())
    return list(dict.fromkeys([*ring, *itertools.permutations(firsts, 2)]))


def check(namespaces: Namespaces, plan: Plan) -> list[Pair]:
    """Try all pairs at once."""
    hosts = plan.hosts
    with contextlib.ExitStack() as stack:

        def sockets_at(port: int) -> Sockets:
            ends = itertools.product(hosts, FAMILIES)
            return {(h.name, f): stack.enter_context(_socket(namespaces, h, f, port)) for h, f in ends}

        sockets = sockets_at(REACH_PORT)
        # Where something tells a question from an answer, what comes from the port that was asked would pass as one.
        tracked = plan.guards or plan.nats or plan.mappings
        senders = sockets_at(ANY_PORT) if tracked else sockets
        wanted = [(a, b, family) for a, b in pairs(hosts) for family in FAMILIES]
        missing = set(range(len(wanted)))
        selector = stack.enter_context(selectors.DefaultSelector())
        for each in sockets.values():
            selector.register(each, selectors.EVENT_READ)
        for _ in range(TRIES):
            for position, number in enumerate(sorted(missing)):
                if position % BURST == 0:
                    time.sleep(BURST_APART_S)
                a, b, family = wanted[number]
                with contextlib.suppress(OSError):  # no route, or a router says so: not reached
                    senders[a.name, family].sendto(_NUMBER.pack(number), (seen(plan, a, b, family), REACH_PORT))
            missing -= set(_arrived(selector, missing))
            if not missing:
                break
    return [Pair(a.name, b.name, family, n not in missing) for n, (a, b, family) in enumerate(wanted)]


def _socket(namespaces: Namespaces, host: Node, family: Family, port: int) -> socket.socket:
    with namespaces.inside(host.name):
        made = socket.socket(socket.AF_INET if family == 4 else socket.AF_INET6, socket.SOCK_DGRAM)
    made.setblocking(False)
    made.bind((address(host, family), port))
    return made


def _arrived(selector: selectors.BaseSelector, missing: set[int]) -> Iterator[int]:
    """The numbers that arrive until all have, or time is up."""
    left = set(missing)
    deadline = time.monotonic() + WAIT_S
    while left and (wait := deadline - time.monotonic()) > 0:
        for key, _ in selector.select(wait):
            receiver = key.fileobj
            assert isinstance(receiver, socket.socket)
            with contextlib.suppress(OSError):  # the answer to an earlier packet that could not be delivered
                while True:
                    number = _NUMBER.unpack(receiver.recv(16))[0]
                    left.discard(number)
                    yield number
