"""Many packets in one system call: sendmmsg(2) and recvmmsg(2) on sockets that Python made.

In the guest a system call takes ten times as long as what the kernel then does with a small packet, so whoever sends or
takes in thousands does it by the batch. What was received may be read late: the kernel stamped it when it arrived.
"""

from __future__ import annotations

import ctypes
import errno
import os
import socket
import struct
from collections.abc import Iterator

MSG_ERRQUEUE = 0x2000
SO_RCVBUFFORCE = 33
SO_TIMESTAMPNS = 35
STAMP = struct.Struct("=QiiQQ")
"""All that :data:`SO_TIMESTAMPNS` alone adds to a packet: ``struct cmsghdr`` (length, level, type), seconds, ns."""
_LIBC = ctypes.CDLL(None, use_errno=True)
_NOTHING_THERE = (errno.EAGAIN, errno.EINTR)


class _Vector(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


class _Message(ctypes.Structure):
    """``struct msghdr``."""

    _fields_ = (
        ("name", ctypes.c_void_p), ("name_length", ctypes.c_uint32),
        ("vector", ctypes.c_void_p), ("vectors", ctypes.c_size_t),
        ("control", ctypes.c_void_p), ("control_length", ctypes.c_size_t), ("flags", ctypes.c_int),
    )  # fmt: skip


class _Header(ctypes.Structure):
    """``struct mmsghdr``."""

    _fields_ = (("message", _Message), ("length", ctypes.c_uint32))


class Batch:
    """Room for ``slots`` packets of ``size`` bytes each, with ``control`` bytes of ancillary data each.

    Attributes:
        data: all packets, one each ``size`` bytes; what is longer than that is cut.
        controls: all ancillary data, one each ``control`` bytes.
    """

    def __init__(self, slots: int, size: int, control: int = 0) -> None:
        self.slots, self.size, self.control = slots, size, control
        self._data = (ctypes.c_char * (slots * size))()
        self._controls = (ctypes.c_char * max(1, slots * control))()
        self._vectors = (_Vector * slots)()
        self._headers = (_Header * slots)()
        for number in range(slots):
            vector, message = self._vectors[number], self._headers[number].message
            vector.base, vector.length = ctypes.addressof(self._data) + number * size, size
            message.vector, message.vectors = ctypes.addressof(vector), 1
            if control:
                message.control = ctypes.addressof(self._controls) + number * control
                message.control_length = control
        self._fresh = bytes(self._headers)
        self.data = memoryview(self._data).cast("B")
        self.controls = memoryview(self._controls).cast("B")

    def lengths(self, count: int) -> list[int]:
        """How long each of the first ``count`` packets was, as far as it was kept."""
        return [self._headers[number].length for number in range(count)]

    def send(self, out: socket.socket, count: int) -> list[int]:
        """Send the first ``count`` packets, waiting for room as a blocking socket does.

        Returns:
            Which of them a full queue refused (ENOBUFS).

        Raises:
            OSError: anything else went wrong.
        """
        sent, refused = 0, []
        while sent < count:
            at = ctypes.byref(self._headers, sent * ctypes.sizeof(_Header))
            done = _LIBC.sendmmsg(out.fileno(), at, count - sent, 0)
            if done > 0:
                sent += done
                continue
            number = ctypes.get_errno()
            if number == errno.EINTR:
                continue
            if number != errno.ENOBUFS:
                raise OSError(number, f"sendmmsg: {os.strerror(number)}")
            refused.append(sent)
            sent += 1
        return refused

    def receive(self, inward: socket.socket, flags: int = 0) -> int:
        """Take in what is there, without waiting. Returns how many packets; 0: none was there.

        Raises:
            OSError: also an ICMP error that an earlier packet met.
        """
        ctypes.memmove(self._headers, self._fresh, len(self._fresh))
        flags |= socket.MSG_DONTWAIT
        count: int = _LIBC.recvmmsg(inward.fileno(), self._headers, self.slots, flags, None)
        if count >= 0:
            return count
        number = ctypes.get_errno()
        if number in _NOTHING_THERE:
            return 0
        raise OSError(number, f"recvmmsg: {os.strerror(number)}")

    def stamps(self, count: int) -> list[int]:
        """When each of the first ``count`` packets arrived, in ns of CLOCK_REALTIME, for a ``control`` of one stamp."""
        assert self.control == STAMP.size
        return [
            seconds * 10**9 + ns
            for *_, seconds, ns in STAMP.iter_unpack(self.controls[: count * self.control])
        ]  # fmt: skip


class Inbox:
    """Arrivals of one socket with :data:`SO_TIMESTAMPNS`: taken in by the batch, made sense of later."""

    def __init__(self, inward: socket.socket, size: int, *, extra: int = 0, slots: int = 64) -> None:
        """Make room.

        Args:
            inward: the socket.
            size: bytes kept of each packet. What a shorter one leaves of that is another packet's.
            extra: bytes of ancillary data kept after the stamp's.
            slots: packets taken in at once.
        """
        self._socket = inward
        self._batch = Batch(slots, size, STAMP.size + extra)
        self._packets = bytearray()
        self._controls = bytearray()

    def read(self) -> None:
        """Take in what is there."""
        while count := self._batch.receive(self._socket):
            self._packets += self._batch.data[: count * self._batch.size]
            self._controls += self._batch.controls[: count * self._batch.control]

    def taken(self) -> Iterator[tuple[bytes, int, bytes]]:
        """(packet, instant in ns of CLOCK_REALTIME, further ancillary data) of all that was taken in."""
        size, control = self._batch.size, self._batch.control
        for number in range(len(self._packets) // size):
            at = number * control
            *_, seconds, ns = STAMP.unpack_from(self._controls, at)
            extra = bytes(self._controls[at + STAMP.size : at + control])
            yield bytes(self._packets[number * size : (number + 1) * size]), seconds * 10**9 + ns, extra


def room(inward: socket.socket, size: int) -> None:
    """Let a socket hold ``size`` bytes that were not read yet, or as many as this machine allows."""
    try:
        inward.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, size)
    except PermissionError:
        inward.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)
