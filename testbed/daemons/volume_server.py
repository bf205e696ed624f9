"""The far end of a volume of a class: answers the kernel's requests when :class:`Pace` says so.

The protocol is that of the kernel's network block device (Linux include/uapi/linux/nbd.h).
"""

from __future__ import annotations

import heapq
import mmap
import select
import socket
import struct
import time

from testbed.daemons.volume_model import Pace

READ, WRITE, DISCONNECT, FLUSH = 0, 1, 2, 3
_REQUEST, _REPLY = struct.Struct(">IHHQQI"), struct.Struct(">IIQ")
REPLY_MAGIC = 0x67446698
_NO_ERROR, _EINVAL = 0, 22
MAP_NORESERVE = 0x4000
"""Of mmap(2): memory is taken as it is written to. Python 3.13 has the name."""


class Server:
    """Serves one device over a socket, in a process of its own."""

    def __init__(self, line: socket.socket, size: int, pace: Pace) -> None:
        self._line = line
        self._data = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | MAP_NORESERVE)
        self._size = size
        self._pace = pace
        self._under_way: list[tuple[int, int, int, int, int, int]] = []
        self._count = 0

    def serve(self) -> None:
        """Until the kernel disconnects."""
        while True:
            left_s = max(0, self._under_way[0][0] - time.monotonic_ns()) / 1e9 if self._under_way else None
            if select.select([self._line], [], [], left_s)[0] and not self._take():
                return
            while self._under_way and self._under_way[0][0] <= time.monotonic_ns():
                self._answer()

    def _take(self) -> bool:
        """One request; false when it was the last."""
        header = self._read(_REQUEST.size)
        if not header:
            return False
        _, _, kind, handle, start, length = _REQUEST.unpack(header)
        if kind == DISCONNECT:
            return False
        if kind == WRITE:  # kept at once; it counts as written when it is answered, and nobody else looks
            self._data[start : start + length] = self._read(length)
        now = time.monotonic_ns()
        due = now if kind == FLUSH else self._pace.due(now, length)
        self._count += 1
        heapq.heappush(self._under_way, (due, self._count, kind, handle, start, length))
        return True

    def _answer(self) -> None:
        _, _, kind, handle, start, length = heapq.heappop(self._under_way)
        error = _NO_ERROR if kind in (READ, WRITE, FLUSH) and start + length <= self._size else _EINVAL
        reply = _REPLY.pack(REPLY_MAGIC, error, handle)
        if kind == READ and not error:
            reply += self._data[start : start + length]
        self._line.sendall(reply)

    def _read(self, count: int) -> bytes:
        """Exactly so many bytes; none at the end."""
        data = bytearray()
        while len(data) < count:
            part = self._line.recv(count - len(data))
            if not part:
                return b""
            data += part
        return bytes(data)
