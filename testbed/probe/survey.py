"""Many attempts at once: who reaches whom, in the time that one attempt takes. All ends are in this process.

Unlike :mod:`testbed.probe.attempts` it does not matter to whom what is dropped belongs: only what gets through is seen.
"""

from __future__ import annotations

import contextlib
import errno
import selectors
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

from testbed.net.namespace import Namespaces
from testbed.probe.attempts import PAYLOAD, WAIT_S
from testbed.probe.place import Place
from testbed.probe.tcp import RESET_ON_CLOSE

Sort = Literal["tcp", "udp"]

AGAIN_S = 1.0
"""After which an unanswered UDP packet is sent again, as TCP does with a SYN (RFC 6298 section 2)."""
_BACKLOG = 1024
_ANSWER_MAX = 1 << 16
_KINDS: dict[Sort, int] = {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM}


@dataclass(frozen=True)
class Try:
    """One attempt. The source's address is the kernel's choice, as it is for most programs.

    ``payload``: of a UDP packet. ``served``: somebody listens there already; otherwise the survey does.
    """

    source: Place
    target: Place
    sort: Sort
    port: int
    payload: bytes = PAYLOAD
    served: bool = False


def survey(spaces: Namespaces, tries: Sequence[Try], wait_s: float = WAIT_S) -> list[int]:
    """Try all of it. Returns for each 0, or the error number; ``ETIMEDOUT`` when nothing came back in ``wait_s``."""
    found = [errno.ETIMEDOUT] * len(tries)
    with contextlib.ExitStack() as stack, selectors.DefaultSelector() as selector:
        heard = [one for one in tries if not one.served]
        for node, address, port, sort in dict.fromkeys(
            (t.target.node, t.target.address, t.port, t.sort) for t in heard
        ):
            server = stack.enter_context(_listen(spaces, Place(node, address), port, sort))
            if sort == "udp":
                selector.register(server, selectors.EVENT_READ, partial(_echo, server))
        waiting: dict[int, socket.socket] = {}
        for number, one in enumerate(tries):
            client = stack.enter_context(_open(spaces, one.source, one.sort))
            waiting[number] = client
            found[number] = _begin(client, one)
            if found[number] == errno.ETIMEDOUT:
                events = selectors.EVENT_WRITE if one.sort == "tcp" else selectors.EVENT_READ
                selector.register(client, events, partial(_settle, selector, client, one, number, found, waiting))
            else:
                del waiting[number]
        _wait(selector, tries, waiting, wait_s)
    return found


def _wait(
    selector: selectors.BaseSelector, tries: Sequence[Try], waiting: dict[int, socket.socket], wait_s: float
) -> None:
    now = time.monotonic()
    deadline, again = now + wait_s, now + AGAIN_S
    while waiting and (now := time.monotonic()) < deadline:
        if now >= again:
            again += AGAIN_S
            for number, client in waiting.items():
                if tries[number].sort == "udp":
                    with contextlib.suppress(OSError):  # an ICMP error of before: it is read where it is settled
                        client.send(tries[number].payload)
        for key, _ in selector.select(min(deadline, again) - now):
            key.data()


def _begin(client: socket.socket, one: Try) -> int:
    """Returns ``ETIMEDOUT`` where it is still open what comes of it."""
    try:
        number = client.connect_ex((one.target.known_as, one.port))
        if one.sort == "udp" and number == 0:
            client.send(one.payload)
    except OSError as error:
        return error.errno or errno.EIO
    return errno.ETIMEDOUT if number in (0, errno.EINPROGRESS) else number


def _settle(
    selector: selectors.BaseSelector, client: socket.socket, one: Try, number: int, found: list[int],
    waiting: dict[int, socket.socket],
) -> None:  # fmt: skip
    if one.sort == "tcp":
        found[number] = client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    else:
        try:
            client.recv(_ANSWER_MAX)
            found[number] = 0
        except OSError as error:
            found[number] = error.errno or errno.EIO
    selector.unregister(client)
    waiting.pop(number).close()


def _echo(server: socket.socket) -> None:
    with contextlib.suppress(OSError):  # an answer that cannot be delivered is none
        data, whom = server.recvfrom(_ANSWER_MAX)
        server.sendto(data, whom)


def _listen(spaces: Namespaces, place: Place, port: int, sort: Sort) -> socket.socket:
    made = _open(spaces, place, sort)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((place.address, port))
        if sort == "tcp":
            made.listen(_BACKLOG)
    except OSError:
        made.close()
        raise
    return made


def _open(spaces: Namespaces, place: Place, sort: Sort) -> socket.socket:
    with spaces.inside(place.node):
        made = socket.socket(place.family, _KINDS[sort])
    made.setblocking(False)
    if sort == "tcp":
        made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
    return made
