"""A netlink socket that sends many requests at once. Messages are pyroute2's; only the transport is here.

pyroute2's own sockets wait for each answer, which for thousands of namespaces is most of the time.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from pyroute2.netlink import NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST, nlmsg

Message = TypeVar("Message", bound=nlmsg)

NLMSG_ERROR, NLMSG_DONE = 2, 3
NETLINK_EXT_ACK, SOL_NETLINK = 11, 270
NLMSGERR_ATTR_MSG = 1
NLM_F_ACK_TLVS, NLM_F_CAPPED = 0x200, 0x100
_HEADER = struct.Struct("=IHHII")
_BATCH_REQUESTS = 64
_BATCH_BYTES = 1 << 16
"""Bytes sent before answers are read. Less than any default send buffer (212,992), and its answers fit a receive
buffer: an answer is at most 80 bytes longer than its request's header."""


class NetlinkError(OSError):
    """The kernel refused a request."""


@dataclass(frozen=True)
class Request:
    """One message and, for the error text, what it is for."""

    message: nlmsg
    what: str


class Netlink:
    """A route netlink socket of the namespace that the thread is in when it is made."""

    def __init__(self, groups: int = 0) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE)
        self._socket.bind((0, groups))
        self._socket.setsockopt(SOL_NETLINK, NETLINK_EXT_ACK, 1)
        self._sequence = 0

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def fileno(self) -> int:
        """For select()."""
        return self._socket.fileno()

    def send(self, requests: Iterable[Request]) -> None:
        """Send requests in order and wait for every answer. Raises :class:`NetlinkError` for the first one refused."""
        batch: list[tuple[str, bytes]] = []
        for request in requests:
            batch.append((request.what, self._encode(request.message, NLM_F_REQUEST | NLM_F_ACK)))
            if sum(len(data) for _, data in batch) >= _BATCH_BYTES or len(batch) == _BATCH_REQUESTS:
                self._exchange(batch)
                batch = []
        if batch:
            self._exchange(batch)

    def _exchange(self, batch: Sequence[tuple[str, bytes]]) -> None:
        first = self._sequence - len(batch) + 1
        self._socket.send(b"".join(data for _, data in batch))
        refused: NetlinkError | None = None
        missing = len(batch)
        while missing:
            for kind, sequence, flags, body in split(self._socket.recv(1 << 17)):
                if kind != NLMSG_ERROR:
                    continue
                missing -= 1
                code = -struct.unpack_from("=i", body)[0]
                if code and refused is None:
                    refused = NetlinkError(code, _refusal(batch[sequence - first][0], code, flags, body))
        if refused is not None:
            raise refused

    def _encode(self, message: nlmsg, flags: int) -> bytes:
        self._sequence += 1
        header = message["header"]
        header["sequence_number"] = self._sequence
        header["pid"] = 0
        header["flags"] = header.get("flags", 0) | flags
        message.encode()
        return bytes(message.data)

    def dump(self, message: Message) -> Iterator[Message]:
        """All answers to a dump request, decoded by the request's own class."""
        self._socket.send(self._encode(message, NLM_F_REQUEST | NLM_F_DUMP))
        while True:
            data = self._socket.recv(1 << 20)
            for kind, _, _, body in split(data):
                if kind == NLMSG_DONE:
                    return
                if kind == NLMSG_ERROR:
                    code = -struct.unpack_from("=i", body)[0]
                    raise NetlinkError(code, os.strerror(code))
                yield decode(type(message), kind, body)


def decode(kind_class: type[Message], kind: int, body: bytes) -> Message:
    """One message of a class from its body."""
    raw = _HEADER.pack(_HEADER.size + len(body), kind, 0, 0, 0) + body
    message = kind_class(raw)
    message.decode()
    return message


def split(data: bytes) -> Iterator[tuple[int, int, int, bytes]]:
    """(type, sequence, flags, body) of each message in what was received."""
    offset = 0
    while offset + _HEADER.size <= len(data):
        length, kind, flags, sequence, _ = _HEADER.unpack_from(data, offset)
        yield kind, sequence, flags, data[offset + _HEADER.size : offset + length]
        offset += (length + 3) & ~3


def _refusal(what: str, code: int, flags: int, body: bytes) -> str:
    """The kernel's answer with its own words (extended acknowledgement), where it gives any."""
    text = f"{what}: {os.strerror(code)}"
    if not flags & NLM_F_ACK_TLVS:
        return text
    request_length = struct.unpack_from("=I", body, 4)[0]
    offset = 4 + (_HEADER.size if flags & NLM_F_CAPPED else request_length)
    while offset + 4 <= len(body):
        length, kind = struct.unpack_from("=HH", body, offset)
        if length < 4:
            break
        if kind & 0x3FFF == NLMSGERR_ATTR_MSG:
            return f"{text} ({body[offset + 4 : offset + length].rstrip(bytes(1)).decode()})"
        offset += (length + 3) & ~3
    return text
