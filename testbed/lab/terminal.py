"""``testbed exec`` and ``testbed kubectl``: this terminal, or these pipes, become those of a program in the lab."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import socket
import sys
import termios
import tty
from collections.abc import Iterator
from pathlib import Path

from testbed.lab.client import Connection
from testbed.lab.protocol import CHUNK, WINDOW, Message, pack, unpack
from testbed.lab.state import LabFolder

STDIN, STDOUT, STDERR = 0, 1, 2
SIGNALLED = 128
BROKEN_PIPE = SIGNALLED + signal.SIGPIPE
PASSED_ON = ("TERM", "COLORTERM", "LANG", "LC_ALL", "EDITOR", "VISUAL", "KUBE_EDITOR")
"""What a program may know of this terminal and who sits at it; everything else is the lab's own."""


def execute(lab: LabFolder, request: Message) -> int:
    """Run a program in the lab with our input and output. Returns its exit status, as a shell has it.

    Args:
        lab: which.
        request: ``op`` and what it takes, besides what is said of us here: see :mod:`testbed.lab.protocol`.
    """
    terminal = os.isatty(STDIN) and os.isatty(STDOUT)
    with Connection(lab) as connection:
        connection.send(
            {
                **request, "cwd": str(Path.cwd()),
                "env": {name: os.environ[name] for name in PASSED_ON if name in os.environ},
                "tty": _size() if terminal else None,
            }
        )  # fmt: skip
        with _signals(terminal=terminal) as signals, _raw() if terminal else contextlib.nullcontext():
            return _Session(connection, signals).run()  # what still runs is hung up when the connection closes


def _size() -> Message:
    size = os.get_terminal_size(STDIN)
    return {"rows": size.lines, "columns": size.columns}


@contextlib.contextmanager
def _raw() -> Iterator[None]:
    """Every key goes to the program, Ctrl-C too: its own terminal makes of it what it should."""
    before = termios.tcgetattr(STDIN)
    tty.setraw(STDIN)
    try:
        yield
    finally:
        termios.tcsetattr(STDIN, termios.TCSADRAIN, before)


@contextlib.contextmanager
def _signals(*, terminal: bool) -> Iterator[socket.socket]:
    """A socket on which signals arrive as bytes: a handler that sends could cut a message in two."""
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    wanted = [signal.SIGWINCH, signal.SIGTERM] + ([] if terminal else [signal.SIGINT])
    before = {number: signal.signal(number, lambda *_: None) for number in wanted}
    woken = signal.set_wakeup_fd(theirs.fileno())
    try:
        yield ours
    finally:
        signal.set_wakeup_fd(woken)
        for number, handler in before.items():
            signal.signal(number, handler)
        ours.close()
        theirs.close()


class _Session:
    """One program from its start to its end."""

    def __init__(self, connection: Connection, signals: socket.socket) -> None:
        self._connection = connection
        self._signals = signals
        self._selector = selectors.SelectSelector()  # unlike epoll it takes files, which may be our input
        self._under_way = 0
        self._reading = False
        self._input_open = True
        self._interrupted = False

    def run(self) -> int:
        """Carry bytes and signals until the program ends."""
        self._selector.register(self._connection, selectors.EVENT_READ)
        self._selector.register(self._signals, selectors.EVENT_READ)
        self._watch_input()
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is self._signals:
                    if ends := self._pass_signals():
                        return ends
                elif key.fileobj is not self._connection:
                    self._pass_input()
                elif (status := self._take()) is not None:
                    return status

    def _take(self) -> int | None:
        for message in self._connection.read():
            match message["kind"]:
                case "data":
                    data = unpack(message["data"])
                    if not _write(STDOUT if message["stream"] == "stdout" else STDERR, data):
                        return BROKEN_PIPE
                    self._connection.send({"op": "took", "stream": message["stream"], "bytes": len(data)})
                case "took":
                    self._under_way -= message["bytes"]
                    self._watch_input()
                case "exit":
                    return int(message["status"])
        return None

    def _watch_input(self) -> None:
        wanted = self._input_open and self._under_way < WINDOW
        if wanted and not self._reading:
            self._selector.register(STDIN, selectors.EVENT_READ)
        elif self._reading and not wanted:
            self._selector.unregister(STDIN)
        self._reading = wanted

    def _pass_input(self) -> None:
        try:
            data = os.read(STDIN, CHUNK)
        except OSError:  # EIO: the terminal has gone
            data = b""
        if data:
            self._under_way += len(data)
            self._connection.send({"op": "stdin", "data": pack(data)})
        else:
            self._input_open = False
            self._connection.send({"op": "stdin", "eof": True})
        self._watch_input()

    def _pass_signals(self) -> int | None:
        """Ctrl-C is the program's, which may live on; the second one, and SIGTERM, are for us."""
        for number in self._signals.recv(CHUNK):
            if number == signal.SIGWINCH:
                self._connection.send({"op": "resize", **_size()})
            elif number == signal.SIGTERM or self._interrupted:
                return SIGNALLED + number
            else:
                self._interrupted = True
                self._connection.send({"op": "signal", "number": number})
        return None


def _write(fileno: int, data: bytes) -> bool:
    """Write all of it. False when nobody reads any more."""
    try:
        while data:
            data = data[os.write(fileno, data) :]
    except BrokenPipeError:
        # Python flushes when it ends, and would complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return False
    return True
