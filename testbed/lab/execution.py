"""A program that a user runs in a node: its input and output in messages, with or without a terminal."""

from __future__ import annotations

import contextlib
import fcntl
import os
import selectors
import signal
import socket
import struct
import subprocess
import termios
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from testbed.clock import Waiter
from testbed.kernel.programs import ENVIRONMENT
from testbed.lab.protocol import CHUNK, WINDOW, Message, pack, unpack
from testbed.net.names import Names
from testbed.net.namespace import CLONE_NEWUTS, Namespaces, unshare

NOT_EXECUTABLE, NOT_FOUND = 126, 127
"""Exit statuses of a command that could not be started, as shells have them (POSIX, Shell Command Language, 2.8.2)."""
SIGNALLED = 128
HANG_UP_WAIT_NS = 2 * 10**9
"""How long a program whose client has gone may take to end after SIGHUP before it is killed; arbitrary."""
DRAIN_MAX = 1 << 20
"""What is still read from a program that has ended, in case a child of it goes on writing; arbitrary, above a pipe's
64 KiB."""


@dataclass
class Output:
    """One stream of a program's output. ``under_way``: bytes that the client has not said to have taken."""

    name: str
    fileno: int
    under_way: int = 0
    watched: bool = False


class Execution:
    """One program, from its start to the message of its end."""

    def __init__(self, waiter: Waiter, send: Callable[[Message], None], done: Callable[[], None]) -> None:
        self._waiter = waiter
        self._send = send
        self._done = done
        self._outputs: dict[str, Output] = {}
        self._input = -1
        self._pending = bytearray()
        self._input_ends = False
        self._input_watched = False
        self._terminal = -1
        self._pidfd = -1
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, namespaces: Namespaces, node: str, request: Message, names: Names) -> None:
        """Start the program. One that cannot be started ends with the status that a shell would give."""
        size = request.get("tty")
        given = self._terminal_ends(size) if size else self._pipe_ends()
        try:
            self.process = self._spawn(namespaces, node, request, given, names, terminal=bool(size))
        except OSError as error:
            self._cannot_start(request, error)
            return
        finally:
            for fileno in set(given):
                os.close(fileno)
        self._send({"kind": "started", "pid": self.process.pid})
        for output in self._outputs.values():
            self._watch(output)
        self._pidfd = os.pidfd_open(self.process.pid)
        self._waiter.watch(self._pidfd, self._ended)

    def _spawn(
        self, namespaces: Namespaces, node: str, request: Message, given: tuple[int, int, int], names: Names, *,
        terminal: bool,
    ) -> subprocess.Popen[bytes]:  # fmt: skip
        def before_exec() -> None:
            unshare(CLONE_NEWUTS)
            socket.sethostname(node)
            names.see(node)
            if terminal:
                fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        cwd = request.get("cwd", "/")
        with namespaces.inside(node):
            return subprocess.Popen(
                request["argv"], stdin=given[0], stdout=given[1], stderr=given[2], start_new_session=True,
                preexec_fn=before_exec, cwd=cwd if Path(cwd).is_dir() else "/",
                env={**ENVIRONMENT, **request.get("env", {}), "HOSTNAME": node},
            )  # fmt: skip

    def _terminal_ends(self, size: Message) -> tuple[int, int, int]:
        self._terminal, end = os.openpty()
        self.resize(size)
        os.set_blocking(self._terminal, False)
        self._outputs["stdout"] = Output("stdout", self._terminal)
        self._input = os.dup(self._terminal)  # so that reading and writing can be watched each for itself
        return end, end, end

    def _pipe_ends(self) -> tuple[int, int, int]:
        given, self._input = os.pipe()
        os.set_blocking(self._input, False)
        ends = []
        for name in ("stdout", "stderr"):
            ours, theirs = os.pipe()
            os.set_blocking(ours, False)
            self._outputs[name] = Output(name, ours)
            ends.append(theirs)
        return given, ends[0], ends[1]

    def _cannot_start(self, request: Message, error: OSError) -> None:
        command = request["argv"][0]
        text = f"testbed: {command}: {error.strerror}\n"
        self._send({"kind": "data", "stream": "stderr", "data": pack(text.encode())})
        self._finish(NOT_FOUND if isinstance(error, FileNotFoundError) else NOT_EXECUTABLE)

    def handle(self, message: Message) -> None:
        """One message of the client."""
        match message["op"]:
            case "stdin":
                self._pending += unpack(message.get("data", ""))
                self._input_ends |= message.get("eof", False)
                self._write()
            case "took":
                output = self._outputs.get(message["stream"])
                if output is not None:
                    output.under_way -= message["bytes"]
                    self._watch(output)
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
        if self.process is not None and self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)

    def _watch(self, output: Output) -> None:
        """Watch an output while the client can take more of it, and only then."""
        wanted = output.name in self._outputs and output.under_way < WINDOW
        if wanted and not output.watched:
            self._waiter.watch(output.fileno, lambda: self._readable(output))
        elif output.watched and not wanted:
            self._waiter.unwatch(output.fileno)
        output.watched = wanted

    def _readable(self, output: Output) -> None:
        data = self._read(output)
        if data is not None:
            self._watch(output)
        if data == b"":
            self._forget(output)

    def _read(self, output: Output) -> bytes | None:
        """Pass on what is there: ``None`` when nothing is, empty at the end."""
        try:
            data = os.read(output.fileno, CHUNK)
        except BlockingIOError:
            return None
        except OSError:  # EIO: nobody has the other end of the terminal any more
            return b""
        if data:
            output.under_way += len(data)
            self._send({"kind": "data", "stream": output.name, "data": pack(data)})
        return data

    def _forget(self, output: Output) -> None:
        if self._outputs.pop(output.name, None) is not None:
            self._watch(output)
            os.close(output.fileno)
            if output.fileno == self._terminal:
                self._terminal = -1

    def _write(self) -> None:
        """Hand on input, as much as the program takes; the rest when it is ready for more."""
        taken = 0
        try:
            while self._pending and self._input >= 0:
                count = os.write(self._input, self._pending[:CHUNK])
                del self._pending[:count]
                taken += count
        except BlockingIOError:
            pass
        except OSError:  # EPIPE, EIO: it reads no more
            self._close_input()
        if self._input < 0:
            taken += len(self._pending)
            self._pending.clear()
        if taken:
            self._send({"kind": "took", "bytes": taken})
        self._watch_input()
        if self._input_ends and not self._pending:
            self._close_input()

    def _watch_input(self) -> None:
        wanted = bool(self._pending) and self._input >= 0
        if wanted and not self._input_watched:
            self._waiter.watch(self._input, self._write, selectors.EVENT_WRITE)
        elif self._input_watched and not wanted:
            self._waiter.unwatch(self._input)
        self._input_watched = wanted

    def _close_input(self) -> None:
        if self._input >= 0:
            if self._input_watched:
                self._waiter.unwatch(self._input)
                self._input_watched = False
            os.close(self._input)
            self._input = -1

    def _ended(self) -> None:
        assert self.process is not None, "started before"
        self._waiter.unwatch(self._pidfd)
        os.close(self._pidfd)
        status = self.process.wait()
        for output in [*self._outputs.values()]:
            read = 0
            while read < DRAIN_MAX and (data := self._read(output)):
                read += len(data)
        self._finish(status if status >= 0 else SIGNALLED - status)

    def _finish(self, status: int) -> None:
        for output in [*self._outputs.values()]:
            self._forget(output)
        self._close_input()
        self._send({"kind": "exit", "status": status})
        self._done()
