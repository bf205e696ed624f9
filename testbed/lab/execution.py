"""A program that a user runs in the lab: its input and output in messages, with or without a terminal."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import struct
import termios
import time
from collections.abc import Callable
from functools import partial

from testbed.clock import Waiter
from testbed.lab.flow import Sink, Source
from testbed.lab.places import Place, Program, Started
from testbed.lab.protocol import Message, pack, unpack

NOT_EXECUTABLE, NOT_FOUND = 126, 127
"""Exit statuses of a command that could not be started, as shells have them (POSIX, Shell Command Language, 2.8.2)."""
SIGNALLED = 128
HANG_UP_WAIT_NS = 2 * 10**9
"""How long a program whose client has gone may take to end after SIGHUP before it is killed; arbitrary."""
DRAIN_MAX = 1 << 20
"""What is still read from a program that has ended, in case a child of it goes on writing; arbitrary, above a pipe's
64 KiB."""


class Execution:
    """One program, from its start to the message of its end."""

    def __init__(self, waiter: Waiter, send: Callable[[Message], None], done: Callable[[], None]) -> None:
        self._waiter = waiter
        self._send = send
        self._done = done
        self._sources: dict[str, Source] = {}
        self._sink: Sink | None = None
        self._terminal = -1
        self._pidfd = -1
        self._started: Started | None = None

    @property
    def pid(self) -> int | None:
        """Of the process that ends as the program does, once it has been started."""
        return None if self._started is None else self._started.process.pid

    def start(self, place: Place, request: Message) -> None:
        """Start the program. One that cannot be started ends with the status that a shell would give."""
        size = request.get("tty")
        ends = self._terminal_ends(size) if size else self._pipe_ends()
        argv, cwd, env = request["argv"], request.get("cwd", "/"), request.get("env", {})
        try:
            self._started = place.start(Program(argv, cwd, env, ends, terminal=bool(size)))
        except OSError as error:
            self._cannot_start(argv[0], error)
            return
        finally:
            for fileno in set(ends):
                os.close(fileno)
        pid = self._started.process.pid
        self._send({"kind": "started", "pid": pid})
        for source in self._sources.values():
            source.watch()
        self._pidfd = os.pidfd_open(pid)
        self._waiter.watch(self._pidfd, self._ended)

    def _terminal_ends(self, size: Message) -> tuple[int, int, int]:
        self._terminal, end = os.openpty()
        self.resize(size)
        os.set_blocking(self._terminal, False)
        self._comes("stdout", self._terminal)
        self._goes(os.dup(self._terminal))  # so that reading and writing can be watched each for itself
        return end, end, end

    def _pipe_ends(self) -> tuple[int, int, int]:
        given, ours = os.pipe()
        os.set_blocking(ours, False)
        self._goes(ours)
        ends = []
        for name in ("stdout", "stderr"):
            ours, theirs = os.pipe()
            os.set_blocking(ours, False)
            self._comes(name, ours)
            ends.append(theirs)
        return given, ends[0], ends[1]

    def _comes(self, name: str, fileno: int) -> None:
        def send(data: bytes) -> None:
            self._send({"kind": "data", "stream": name, "data": pack(data)})

        self._sources[name] = Source(self._waiter, fileno, send, partial(self._no_more, fileno))

    def _goes(self, fileno: int) -> None:
        self._sink = Sink(self._waiter, fileno, lambda count: self._send({"kind": "took", "bytes": count}))

    def _no_more(self, fileno: int) -> None:
        if fileno == self._terminal:
            self._terminal = -1

    def _cannot_start(self, command: str, error: OSError) -> None:
        text = f"testbed: {command}: {error.strerror}\n"
        self._send({"kind": "data", "stream": "stderr", "data": pack(text.encode())})
        self._finish(NOT_FOUND if isinstance(error, FileNotFoundError) else NOT_EXECUTABLE)

    def handle(self, message: Message) -> None:
        """One message of the client."""
        match message["op"]:
            case "stdin" if self._sink is not None:
                self._sink.feed(unpack(message.get("data", "")), ends=message.get("eof", False))
            case "took" if message["stream"] in self._sources:
                self._sources[message["stream"]].took(message["bytes"])
            case "resize":
                self.resize(message)
            case "signal":
                self._signal(signal.Signals(message["number"]))

    def resize(self, size: Message) -> None:
        """Tell the terminal its size; the kernel tells the program."""
        if self._terminal >= 0:
            fcntl.ioctl(self._terminal, termios.TIOCSWINSZ, struct.pack("HHHH", size["rows"], size["columns"], 0, 0))

    def hang_up(self) -> None:
        """The client has gone: so goes the program."""
        self._signal(signal.SIGHUP)
        self._signal(signal.SIGCONT)
        self._waiter.at(time.monotonic_ns() + HANG_UP_WAIT_NS, lambda: self._signal(signal.SIGKILL))

    def _signal(self, number: signal.Signals) -> None:
        if self._started is not None and self._started.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._started.group, number)

    def _ended(self) -> None:
        assert self._started is not None, "started before"
        self._waiter.unwatch(self._pidfd)
        os.close(self._pidfd)
        status = self._started.process.wait()
        for source in self._sources.values():
            read = 0
            while source.open and read < DRAIN_MAX and (data := source.read()):
                read += len(data)
        self._finish(status if status >= 0 else SIGNALLED - status)

    def _finish(self, status: int) -> None:
        for source in self._sources.values():
            source.close()
        self._terminal = -1
        if self._sink is not None:
            self._sink.close()
        self._send({"kind": "exit", "status": status})
        self._done()
