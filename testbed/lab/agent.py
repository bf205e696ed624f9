"""The agent of a lab that is kept up: inside, where the network is, it serves what the supervisor passes on.

It does so while it waits (:class:`testbed.clock.Waiter`), so routing changes go on being recorded at their
instants, flapping links flap, and a program that ends is noticed. It is one thread: nothing happens at the same time.
"""

from __future__ import annotations

import contextlib
import os
import traceback
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

from testbed.errors import InputError, Problem, RunError, TestbedError, known
from testbed.lab.clusters import Clusters
from testbed.lab.execution import Execution
from testbed.lab.places import InNode, Place
from testbed.lab.protocol import Decoder, Message, encode, error_message
from testbed.lab.status import fault_status, status
from testbed.lab.stream import Stream
from testbed.net.names import Names
from testbed.run.lab import Lab

TURN_NS = 10**9
"""How often programs' children that nobody waits for are looked after; arbitrary."""


class Served(Protocol):
    """What goes on for a client after its request."""

    @property
    def pid(self) -> int | None:
        """Of the process that is waited for, where it is one."""

    def handle(self, message: Message) -> None:
        """One more message of the client."""

    def hang_up(self) -> None:
        """The client has gone."""


class Agent:
    """Serves one lab over one byte stream."""

    def __init__(self, lab: Lab, line: int) -> None:
        self._lab = lab
        self._line = line
        self._decoder = Decoder()
        self._served: dict[int, Served] = {}
        self._ended: list[str] = []
        self._names = Names(lab.plan, lab.scratch)
        self._operations: dict[str, Callable[[Message], Message | None]] = {
            "status": self._status, "fault": self._fault, "heal": self._heal, "exec": self._exec,
            "kubectl": self._kubectl, "connect": self._connect, "gone": self._gone,
        }  # fmt: skip
        self._clusters = Clusters(lab)

    def serve(self) -> None:
        """Serve until the supervisor ends us, which it does by ending everything."""
        self._names.write()
        self._lab.waiter.watch(self._line, self._readable)
        self._send(0, {"kind": "up", "text": "the lab is up", "kubeconfigs": self._clusters.kubeconfigs})
        while True:
            try:
                self._lab.waiter.turn(TURN_NS)
            except RunError as error:
                # A daemon has ended. In a scenario that would be the end; here the user may have wanted it.
                self._ended += [f"{problem.where}: {problem.what}" for problem in error.problems]
            self._reap()

    def _readable(self) -> None:
        data = os.read(self._line, 1 << 16)
        if not data:
            raise SystemExit("the supervisor has gone")
        self._send(0, {"kind": "read", "bytes": len(data)})
        for message in self._decoder.feed(data):
            self._handle(message)

    def _send(self, number: int, message: Message) -> None:
        # Blocks while the line is full: the supervisor always reads, and a program's output has its window.
        data = encode({"id": number, **message})
        while data:
            data = data[os.write(self._line, data) :]

    def _handle(self, message: Message) -> None:
        number = message["id"]
        try:
            if message["op"] in self._operations:
                answer = self._operations[message["op"]](message)
            elif number in self._served:
                self._served[number].handle(message)
                answer = None
            else:
                return  # for a program or a connection that has just ended
        except TestbedError as error:
            answer = error_message(error)
        except Exception as error:  # one request that fails must not end the lab
            os.write(1, traceback.format_exc().encode())
            what = f"{type(error).__name__}: {error}"
            hint = "this is a bug; the traceback is in the lab's console log"
            answer = error_message(RunError(Problem(f"testbed {message['op']}", what, hint)))
        if answer is not None:
            self._send(number, answer)

    def _status(self, _: Message) -> Message:
        return {"kind": "result", "status": status(self._lab, self._clusters, self._ended)}

    def _fault(self, message: Message) -> Message:
        options: dict[str, str] = message.get("options", {})
        fault = self._lab.fault.begin(message["fault"], message["target"], message.get("direction"), **options)
        return {"kind": "result", "fault": fault_status(self._lab, fault)}

    def _heal(self, message: Message) -> Message:
        faults = self._lab.fault
        number = message.get("number")
        healed = faults.active[::-1] if number is None else (faults.numbered(number),)
        for fault in healed:
            faults.heal(fault)
        return {"kind": "result", "healed": [fault_status(self._lab, fault) for fault in healed]}

    def _exec(self, message: Message) -> None:
        node = message["node"]
        names = [each.name for each in self._lab.plan.nodes]
        if node not in names:
            raise InputError(Problem(f"node {node}", "no such node", known(node, names)))
        place = self._clusters.container(node) or InNode(self._lab.network.namespaces, node, self._names)
        self._start(place, message)

    def _kubectl(self, message: Message) -> None:
        self._start(self._clusters.kubectl(message["cluster"]), {**message, "argv": ["kubectl", *message["argv"]]})

    def _start(self, place: Place, message: Message) -> None:
        number = message["id"]
        execution = Execution(self._lab.waiter, partial(self._send, number), partial(self._forget, number))
        self._served[number] = execution
        execution.start(place, message)

    def _connect(self, message: Message) -> None:
        number = message["id"]
        address = self._clusters.address(message["cluster"])
        send, done = partial(self._send, number), partial(self._forget, number)
        self._served[number] = Stream(self._lab.waiter, address, send, done)

    def _forget(self, number: int) -> None:
        del self._served[number]

    def _gone(self, message: Message) -> None:
        served = self._served.get(message["id"])
        if served is not None:
            served.hang_up()

    def _reap(self) -> None:
        """Take in children of programs that have ended and left them to us, the first process."""
        ours: set[Any] = {program.process.pid for daemon in self._lab.daemons for program in daemon.programs.values()}
        ours |= {served.pid for served in self._served.values()}
        with contextlib.suppress(ChildProcessError):
            while True:
                ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
                if ended is None or ended.si_pid in ours:
                    return  # nothing, or one that somebody else is about to wait for
                os.waitpid(ended.si_pid, 0)
