"""Bytes between a client and a descriptor in the lab, in each direction, with a bound on what is under way."""

from __future__ import annotations

import os
import selectors
from collections.abc import Callable

from testbed.clock import Waiter
from testbed.lab.protocol import CHUNK, WINDOW


class Source:
    """What comes out of a descriptor goes to a client, as long as the client can take more of it.

    Args:
        waiter: watches the descriptor.
        fileno: read, and closed in the end; it must not block.
        send: sends to the client.
        ended: called when nothing more will come.
    """

    def __init__(self, waiter: Waiter, fileno: int, send: Callable[[bytes], None], ended: Callable[[], None]) -> None:
        self._waiter = waiter
        self._fileno = fileno
        self._send = send
        self._ended = ended
        self._under_way = 0
        self._watched = False
        self.open = True

    def watch(self) -> None:
        """Watch the descriptor while the client can take more, and only then."""
        wanted = self.open and self._under_way < WINDOW
        if wanted and not self._watched:
            self._waiter.watch(self._fileno, self._readable)
        elif self._watched and not wanted:
            self._waiter.unwatch(self._fileno)
        self._watched = wanted

    def took(self, count: int) -> None:
        """The client says that it has taken so many bytes."""
        self._under_way -= count
        self.watch()

    def _readable(self) -> None:
        data = self.read()
        if data is not None:
            self.watch()
        if data == b"":
            self.close()
            self._ended()

    def read(self) -> bytes | None:
        """Pass on what is there: ``None`` when nothing is, empty at the end."""
        try:
            data = os.read(self._fileno, CHUNK)
        except BlockingIOError:
            return None
        except OSError:  # EIO: nobody has the other end of the terminal any more; or a connection that broke
            return b""
        if data:
            self._under_way += len(data)
            self._send(data)
        return data

    def close(self) -> None:
        """Read no more."""
        if self.open:
            self.open = False
            self.watch()
            os.close(self._fileno)


class Sink:
    """What a client sends goes into a descriptor, as fast as that takes it.

    Args:
        waiter: watches the descriptor while it takes no more.
        fileno: written; it must not block.
        took: tells the client how much has been taken.
        finish: lets go of the descriptor in the end.
    """

    def __init__(
        self, waiter: Waiter, fileno: int, took: Callable[[int], None], finish: Callable[[int], None] = os.close
    ) -> None:
        self._waiter = waiter
        self._fileno = fileno
        self._took = took
        self._finish = finish
        self._pending = bytearray()
        self._ends = False
        self._watched = False
        self.open = True

    def feed(self, data: bytes, *, ends: bool) -> None:
        """Hand on what the client sent. ``ends``: it was the last."""
        self._pending += data
        self._ends |= ends
        self._write()

    def _write(self) -> None:
        """Hand on as much as is taken; the rest when there is room for more."""
        taken = 0
        try:
            while self._pending and self.open:
                count = os.write(self._fileno, self._pending[:CHUNK])
                del self._pending[:count]
                taken += count
        except BlockingIOError:
            pass
        except OSError:  # EPIPE, EIO, ECONNRESET: nobody reads any more
            self.close()
        if not self.open:
            taken += len(self._pending)
            self._pending.clear()
        if taken:
            self._took(taken)
        self._watch()
        if self._ends and not self._pending:
            self.close()

    def _watch(self) -> None:
        wanted = bool(self._pending) and self.open
        if wanted and not self._watched:
            self._waiter.watch(self._fileno, self._write, selectors.EVENT_WRITE)
        elif self._watched and not wanted:
            self._waiter.unwatch(self._fileno)
        self._watched = wanted

    def close(self) -> None:
        """Write no more."""
        if self.open:
            self.open = False
            if self._watched:
                self._waiter.unwatch(self._fileno)
                self._watched = False
            self._finish(self._fileno)
