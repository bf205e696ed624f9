"""The user's side of a lab that is kept up: a connection to ask it by."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from testbed.errors import Problem, RunError
from testbed.lab.protocol import Decoder, Message, encode, raise_error
from testbed.lab.state import SOCKET, LabFolder

ANSWER_WITHIN_S = 60.0
"""How long one request may take; arbitrary. The longest is to start a daemon again."""


class Connection:
    """One connection to a lab's supervisor."""

    def __init__(self, lab: LabFolder) -> None:
        self.lab = lab
        self._decoder = Decoder()
        self._waiting: list[Message] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            with short(lab.path) as folder:
                self._socket.connect(f"{folder}/{SOCKET}")
        except OSError:
            self._socket.close()
            raise lab.gone() from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def fileno(self) -> int:
        """For select()."""
        return self._socket.fileno()

    def send(self, message: Message) -> None:
        """Say something. Raises :class:`RunError` where nobody is there any more."""
        try:
            self._socket.sendall(encode(message))
        except OSError:
            raise self.lab.gone() from None

    def read(self) -> list[Message]:
        """What has arrived, waiting for the first message. Raises what an ``error`` says, and where the lab is gone."""
        while not self._waiting:
            try:
                data = self._socket.recv(1 << 16)
            except TimeoutError:
                problem = Problem(f"lab {self.lab.name}", "does not answer", "testbed down takes it down")
                raise RunError(problem) from None
            except OSError:
                data = b""
            if not data:
                raise self.lab.gone()
            self._waiting += self._decoder.feed(data)
        messages, self._waiting = self._waiting, []
        for message in messages:
            if message["kind"] == "error":
                raise_error(message)
        return messages

    def ask(self, message: Message) -> Message:
        """One request with one answer."""
        self._socket.settimeout(ANSWER_WITHIN_S)
        self.send(message)
        return self.read()[0]


@contextlib.contextmanager
def short(folder: Path) -> Iterator[str]:
    """A short path to a folder: a socket's path may have 107 bytes only (unix(7))."""
    held = os.open(folder, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{held}"
    finally:
        os.close(held)
