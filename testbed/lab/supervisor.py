"""The supervisor of a lab that is kept up: one process in the background, between the lab and those who ask for it.

It starts the guest (or the namespaces), hears how it comes up, and then passes messages on: each client has a
connection and a number, and the agent in the lab says that number with each answer. It holds no state of the network.
When it ends, however that happens, the lab ends with it: the kernel kills the guest when its parent dies.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from testbed.boot import cpu, guest, host
from testbed.errors import Problem, RunError, TestbedError
from testbed.history import History
from testbed.job import Job
from testbed.lab.forwarding import Forwarder
from testbed.lab.protocol import LINE_MAX, LINE_WINDOW, Message, ProtocolError, decode, encode, error_message
from testbed.lab.state import CONSOLE, OTHER_PLACE, RECORD, LabFolder
from testbed.units import Size

INSIDE = "testbed.lab.inside"
"""What runs where the lab is."""
UP_WITHIN_S = 300.0
"""How long a lab may take to come up; arbitrary, above what convergence alone may take."""
CLUSTERS_WITHIN_S = 1200.0
"""How much longer with clusters; arbitrary, above what they have to be ready (testbed/kubernetes/cluster.py)."""
ATTACHED_WITHIN_S = 2.0
"""How long to wait for the one who brings the lab up before a failure is told to nobody; arbitrary."""
CONSOLE_READ = 1 << 16
TAIL_LINES = 15


@dataclass
class Ending:
    """Why the lab ends. ``problem``: unasked, for this reason."""

    problem: Problem | None = None
    exit: int = int(RunError.exit)


@dataclass
class Supervisor:
    """One lab."""

    lab: LabFolder
    process: subprocess.Popen[bytes]
    up_within_s: float = UP_WITHIN_S
    run: guest.GuestRun = field(default_factory=guest.GuestRun)
    up: bool = False
    owner: int | None = None
    """The client that is waiting for the lab to come up; when it goes before, so does the lab."""
    clients: dict[int, asyncio.StreamWriter] = field(default_factory=dict)
    downers: list[int] = field(default_factory=list)
    """Clients that wait until everything is gone."""

    def __post_init__(self) -> None:
        self._numbers = itertools.count(1)
        self._ending: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()
        self._agent: asyncio.StreamWriter | None = None
        self._attached = asyncio.Event()
        self._waiting = bytearray()
        self._unread = 0
        self._console = guest.Console(self.run)
        self._log = (self.lab.path / CONSOLE).open("ab", buffering=0)
        self._last: Message | None = None
        self._forwarder = Forwarder(self._numbers, self._pass_on)

    def end(self, problem: Problem | None = None) -> None:
        """Let everything end."""
        if not self._ending.done():
            self._ending.set_result(Ending(problem))

    async def serve(self, listener: socket.socket, line: socket.socket) -> Ending:
        """Until it is asked to end, or the lab ends."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.end)
        assert self.process.stdout is not None
        console = self.process.stdout.fileno()
        loop.add_reader(console, self._hear, console)
        limit = loop.call_later(self.up_within_s, self._too_slow)
        reader, self._agent = await asyncio.open_connection(sock=line, limit=LINE_MAX)
        answers = asyncio.create_task(self._answers(reader))
        server = await asyncio.start_unix_server(self._client, sock=listener, limit=LINE_MAX)
        ending = await self._ending
        if ending.problem is not None and not self.up:
            # It failed faster than the one who waits for it could ask.
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._attached.wait(), ATTACHED_WITHIN_S)
        server.close()
        self._forwarder.close()
        limit.cancel()
        answers.cancel()
        loop.remove_reader(console)
        self._agent.close()
        self._log.close()
        return ending

    def _too_slow(self) -> None:
        if not self.up:
            self.end(Problem(f"lab {self.lab.name}", f"not up within {self.up_within_s:.0f} s", self._tail()))

    def _hear(self, console: int) -> None:
        """What the lab prints: messages on its way up, and the kernel's words."""
        data = os.read(console, CONSOLE_READ)
        if not data:
            self.end(self._why())
            return
        with contextlib.suppress(OSError):  # a full disk must not take the lab down
            self._log.write(data)
        for message in self._console.feed(data):
            if message["kind"] in ("booted", "progress"):
                self._last = message
                if self.owner is not None:
                    self.tell(self.owner, message)

    def _why(self) -> Problem:
        """Why the lab ended by itself."""
        where = f"lab {self.lab.name}"
        status = self.process.wait(guest.KILL_WAIT_S)
        for event in History(self.lab.path / RECORD).of("run.failed"):
            return Problem(event.fields["where"], event.fields["what"], event.fields["hint"])
        if self.run.crash:
            return Problem(where, f"its agent crashed: {self.run.crash.strip().splitlines()[-1]}", self.run.crash)
        if status in (-signal.SIGKILL, host.SIGNALLED + signal.SIGKILL):
            return Problem(where, "its kernel was killed by SIGKILL", "perhaps for want of memory: dmesg would say so")
        if status < 0:
            return Problem(where, f"its kernel was killed by {signal.Signals(-status).name}", self._tail())
        return Problem(where, "its kernel ended", self._tail())

    def _tail(self) -> str:
        """The last words of the kernel and of what it ran, without the stack of a panic."""
        said = [line for line in self.run.console if "[<" not in line]
        return "\n".join(said[-TAIL_LINES:])

    async def _answers(self, reader: asyncio.StreamReader) -> None:
        """From the agent to whom each is for."""
        try:
            while line := await reader.readline():
                message = decode(line)
                number = message.pop("id")
                if message["kind"] == "read":
                    self._unread -= message["bytes"]
                    self._fill_line()
                elif message["kind"] == "up":
                    await self._forwarder.publish(self.lab, message.pop("kubeconfigs", {}))
                    self.up, self._last = True, message
                    if self.owner is not None:
                        self.tell(self.owner, message)
                elif not self._forwarder.take(number, message):
                    self.tell(number, message)
        except (ProtocolError, ValueError) as error:
            self.end(Problem(f"lab {self.lab.name}", f"its agent said something unheard of: {error}", self._tail()))
        except ConnectionError:
            pass  # the lab has ended: its console says so as well, and why
        except OSError as error:
            self.end(Problem(f"lab {self.lab.name}", f"its clusters cannot be reached: {error}", OTHER_PLACE))

    def tell(self, number: int, message: Message) -> None:
        """Say something to a client, if it is still there."""
        writer = self.clients.get(number)
        if writer is not None and not writer.is_closing():
            writer.write(encode(message))

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number = next(self._numbers)
        self.clients[number] = writer
        asked = False
        try:
            while line := await reader.readline():
                message = decode(line)
                asked |= self._request(number, message)
        except (ProtocolError, ValueError, ConnectionError) as error:
            self.tell(number, error_message(RunError(Problem("testbed", f"the client said: {error}"))))
        except asyncio.CancelledError:
            return  # everything ends
        if number in self.downers:
            return
        del self.clients[number]
        if number == self.owner and not self.up:
            self.end()
        if asked:
            self._pass_on(number, {"op": "gone"})
        writer.close()

    def _request(self, number: int, message: Message) -> bool:
        """Deal with a message of a client. Returns whether the agent has heard of it."""
        if message["op"] == "attach":
            self.owner = number
            self._attached.set()
            if self._last is not None:
                self.tell(number, self._last)
        elif message["op"] == "down":
            self.downers.append(number)
            self.end()
        elif not self.up:
            self.tell(number, error_message(self.lab.coming_up()))
        else:
            self._pass_on(number, message)
            return True
        return False

    def _pass_on(self, number: int, message: Message) -> None:
        self._waiting += encode({**message, "id": number})
        self._fill_line()

    def _fill_line(self) -> None:
        """Give the agent as much as its end of the line may hold."""
        count = LINE_WINDOW - self._unread
        if self._agent is not None and self._waiting and count > 0:
            self._unread += len(self._waiting[:count])
            self._agent.write(bytes(self._waiting[:count]))
            del self._waiting[:count]


async def supervise(
    lab: LabFolder, listener: socket.socket, line: socket.socket, process: subprocess.Popen[bytes],
    up_within_s: float = UP_WITHIN_S,
) -> None:  # fmt: skip
    """Serve a lab until it ends, then leave nothing behind but, if it ended by itself, word of why."""
    supervisor = Supervisor(lab, process, up_within_s)
    ending = await supervisor.serve(listener, line)
    guest.end_session(process)
    if ending.problem is not None and supervisor.up:
        lab.write_ended(ending.problem)
        lab.remove_disk()
        Path(lab.path, "socket").unlink(missing_ok=True)
    else:
        lab.remove()
    for number in [*supervisor.clients]:
        if ending.problem is not None:
            supervisor.tell(number, error_message(RunError(ending.problem)))
        elif number in supervisor.downers:
            supervisor.tell(number, {"kind": "result"})
    for writer in supervisor.clients.values():
        with contextlib.suppress(ConnectionError):
            await writer.drain()
            writer.close()


@contextlib.contextmanager
def lab_process(job: Job, kernel: str, memory: int) -> Iterator[tuple[subprocess.Popen[bytes], socket.socket]]:
    """The guest, or the namespaces, and our end of the line to the agent."""
    ours, theirs = socket.socketpair()
    with contextlib.ExitStack() as stack:
        if job.kernel == "host":
            process = stack.enter_context(host.started(job, theirs.fileno(), module=INSIDE))
        else:
            number = stack.enter_context(cpu.claimed())
            process = stack.enter_context(
                guest.started(Path(kernel), job, Size(memory), number, theirs.fileno(), module=INSIDE)
            )
        theirs.close()
        yield process, ours


def main() -> None:
    """Entry of the background process: its lab's folder, the guest kernel and its memory, and the socket to serve.

    It inherits that, and the locks of the folder and of the lab's disk, which it only has to keep.
    """
    folder, kernel, memory, listening = sys.argv[1:]
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    lab = LabFolder(Path(folder))
    listener = socket.socket(fileno=int(listening))
    try:
        job = lab.job()
        within_s = UP_WITHIN_S + (CLUSTERS_WITHIN_S if job.disk else 0.0)
        with lab_process(job, kernel, int(memory)) as (process, line):
            asyncio.run(supervise(lab, listener, line, process, within_s))
    except TestbedError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(int(error.exit))


if __name__ == "__main__":
    main()
