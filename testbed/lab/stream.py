"""A TCP connection that the supervisor carries into the lab: its end there, to the API server of a cluster."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Callable

from testbed.clock import Waiter
from testbed.lab.flow import Sink, Source
from testbed.lab.protocol import Message, pack, unpack


class Stream:
    """One connection. One that is refused ends at once, as it would for the client itself.

    Args:
        waiter: where the lab waits.
        address: host and port.
        send: answers its client.
        done: called when both directions have ended.
    """

    pid = None

    def __init__(
        self, waiter: Waiter, address: tuple[str, int], send: Callable[[Message], None], done: Callable[[], None]
    ) -> None:
        self._send = send
        self._done = done
        made = socket.socket()
        made.setblocking(False)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        made.connect_ex(address)
        fileno = made.detach()
        self._sink = Sink(waiter, os.dup(fileno), self._took, self._shut)
        self._source = Source(waiter, fileno, self._comes, self._no_more)
        self._source.watch()

    def _comes(self, data: bytes) -> None:
        self._send({"kind": "data", "data": pack(data)})

    def _no_more(self) -> None:
        self._send({"kind": "eof"})
        if not self._sink.open:
            self._done()

    def _took(self, count: int) -> None:
        self._send({"kind": "took", "bytes": count})

    def _shut(self, fileno: int) -> None:
        with socket.socket(fileno=fileno) as end, contextlib.suppress(OSError):  # it may be the other side that ended
            end.shutdown(socket.SHUT_WR)
        if not self._source.open:
            self._done()

    def handle(self, message: Message) -> None:
        """One message of the client."""
        match message["op"]:
            case "stdin":
                self._sink.feed(unpack(message.get("data", "")), ends=message.get("eof", False))
            case "took":
                self._source.took(message["bytes"])

    def hang_up(self) -> None:
        """The client has gone."""
        self._source.close()
        if self._sink.open:
            self._sink.close()
        else:
            self._done()
